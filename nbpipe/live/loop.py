"""Threads of the live graph: one that looks again when it is woken, and lanes that carry out what is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

AFTER_TROUBLE = 1.0
"""Seconds until a loop looks again that has raised."""


class Loop:
    """A thread that looks again whenever it is woken, or after the pause that its last look asked for.

    It begins with the first ``wake`` and ends with the process. A look that raises is reported, and made again later;
    the first one that does not raise again is reported too.

    Args:
        name: of the thread.
        look: gives the seconds until the next look; None waits until somebody wakes it.
        report: hears what a look raised, and None when the next is well again.

    Example:
        ``Loop("planner", planner.look, desk.report).wake()``
    """

    def __init__(
        self,
        name: str,
        look: Callable[[], float | None],
        report: Callable[[str, Exception | None], None],
    ) -> None:
        self.name = name
        self._look = look
        self._report = report
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def wake(self) -> None:
        """Look soon."""
        self._woken.set()
        with self._lock:
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(target=self._turn, name=f"nbpipe-{self.name}", daemon=True)
                self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """End the thread, and wait for its end so long at most."""
        self._over.set()
        self._woken.set()
        with self._lock:  # one that is about to start cannot be waited for
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)

    def _turn(self) -> None:
        troubled = False
        pause: float | None = 0.0
        while not self._over.is_set():
            if pause is None or pause > 0:
                self._woken.wait(pause)
            self._woken.clear()
            if self._over.is_set():
                return
            try:
                pause = self._look()
                if troubled:
                    troubled = False
                    self._report(self.name, None)
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and a view tells it
                troubled, pause = True, AFTER_TROUBLE
                self._report(self.name, error)


class Lane:
    """Threads that carry out one thing after the other, in the order in which they were put in.

    Args:
        name: of the threads.
        width: how many there are at most; one keeps the order.
    """

    def __init__(self, name: str, width: int = 1) -> None:
        self._name = name
        self._width = width
        self._todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def put(self, work: Callable[[], None]) -> None:
        """Carry something out soon; it must not raise."""
        self._todo.put(work)
        with self._lock:
            if len(self._threads) < self._width:
                thread = threading.Thread(target=self._carry_out, name=f"nbpipe-{self._name}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """Let the threads end after what they are at."""
        with self._lock:
            for _ in self._threads:
                self._todo.put(None)

    def _carry_out(self) -> None:
        while (work := self._todo.get()) is not None:
            work()
