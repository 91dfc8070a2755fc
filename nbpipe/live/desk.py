"""The desk of a kernel: takes what views ask, and keeps the threads at work that tell them what is new."""

from __future__ import annotations

import atexit
import threading
from typing import Any

from nbpipe.errors import NbpipeError, UsageError
from nbpipe.live.board import Board
from nbpipe.live.flusher import Flusher
from nbpipe.live.follower import Follower
from nbpipe.live.loop import Lane, Loop
from nbpipe.live.planner import Planner
from nbpipe.live.source import Source
from nbpipe.live.verbs import LANES, Asked, answer
from nbpipe.live.views import Channel, View, Views
from nbpipe.live.wire import error_card
from nbpipe.run import PipelineRun
from nbpipe.views.protocol import PROTOCOL, AnswerMessage, BarCard, Hello, HostMessage

_THREADS = {"planner": "plans", "follower": "follows runs", "flusher": "sends"}
"""Loop -> what its thread does, for the line that tells of its trouble."""
_MOST_UNSEEN = 8
"""Boards of single runs that are kept for views that may come back."""


class Desk:
    """Everything live in one kernel.

    Args:
        source: who has the pipelines.
        version: nbpipe's.

    Example:
        ``desk.receive(channel, {"type": "request", "id": "1", "view": "v", "verb": "subscribe", "args": {}})``
    """

    def __init__(self, source: Source, version: str = "") -> None:
        self.source = source
        self.version = version
        self.views = Views()
        self._lock = threading.Lock()
        self._boards: dict[tuple[str, str], Board] = {}
        self._doors: list[Channel] = []
        self._names: tuple[str, ...] = ()
        self.flusher = Flusher(self.views, self._wake_flusher)
        self.follower = Follower(source.workspace, self.views, self._all_boards, self._wake_planner)
        self.planner = Planner(self.views)
        looks = {"planner": self.planner.look, "follower": self.follower.look, "flusher": self.flusher.look}
        self._loops = {name: Loop(name, look, self._report) for name, look in looks.items()}
        self._lanes = {name: Lane(name, width) for name, width in LANES.items()}
        atexit.register(self.stop)

    # What happens in the kernel.

    def cell_begins(self) -> None:
        """A cell runs from now on."""
        self.planner.cell_begins()

    def cell_ended(self) -> None:
        """A cell has run: variables that steps name may have other values, files other content."""
        self.planner.cell_ended()
        if self.views.visible():
            self._loops["planner"].wake()

    def changed(self) -> None:
        """Other steps are declared, or with other values."""
        for board in self._all_boards():
            board.expect_changes()
        for view in self.views.on_default():
            if view.board is not (board := self.board()):
                view.turn_to(board)
        self.wake()
        names = tuple(self.source.names())
        if names != self._names:
            self._names = names
            for door in list(self._doors):
                self.greet(door)

    def started(self, run: Any) -> None:
        """A run was started by this kernel."""
        if isinstance(run, PipelineRun):
            self.follower.started(run)
            self.wake()

    def _wake_flusher(self) -> None:
        self._loops["flusher"].wake()

    def _wake_planner(self) -> None:
        self._loops["planner"].wake()

    def wake(self) -> None:
        """Look at everything soon, if anybody sees it."""
        if self.views.visible():
            for loop in self._loops.values():
                loop.wake()

    # What comes from pages.

    def greet(self, door: Channel) -> None:
        """Tell a page of the extension which pipelines there are."""
        with self._lock:
            if door not in self._doors:
                self._doors.append(door)
        self._names = tuple(self.source.names())
        self.flusher.send(door, Hello(PROTOCOL, self.version, self._names))

    def put_cell(self, text: str, cell: str = "") -> bool:
        """Ask the page that came last to put a cell into the notebook; False where no page can.

        Args:
            text: the cell.
            cell: id of the cell that it replaces; empty for a new one below the active one.
        """
        with self._lock:
            door = self._doors[-1] if self._doors else None
        if door is not None:
            self.flusher.send(door, HostMessage(cell, text))
        return door is not None

    def leave(self, channel: Channel) -> None:
        """A page has gone."""
        with self._lock:
            self._doors = [each for each in self._doors if each is not channel]
        self.views.leave(channel)

    def receive(self, channel: Channel, message: Any) -> None:
        """Take a request from a page; it is carried out in a thread, and answered.

        May be called on any thread, also while a cell blocks the kernel: nothing is done here but to put it in line.
        """
        asked = Asked.read(message)
        if asked is None:
            return
        self.views.welcome(channel)
        view = self.views.view(channel, asked.view)
        self._lanes[asked.lane].put(lambda: self._answer(view, asked))

    def _answer(self, view: View, asked: Asked) -> None:
        try:
            told = AnswerMessage(asked.id, answer(self, view, asked))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is told to the view that asked
            told = AnswerMessage(asked.id, None, error_card(error))
        self.flusher.send(view.channel, told)
        self.flusher.touch()
        self.wake()

    # Boards.

    def board(self, pipeline: str = "", run: str = "") -> Board:
        """The board of a pipeline, or of one run; made when it is first asked for.

        Args:
            pipeline: its name; empty for the one that is meant by default.
            run: id of a run that alone is shown, or empty.

        Raises:
            UnknownName: there is no such run.
            NbpipeError: its record cannot be read.
        """
        name = "" if run else pipeline or self._default()
        with self._lock:
            board = self._boards.get((name, run))
        if board is None:
            shown = self.source.workspace.get_run(run) if run else None
            made = Board(self.source, shown.pipeline_name if shown else name, shown, self.flusher.touch)
            with self._lock:
                board = self._boards.setdefault((name, run), made)
            self._drop_unseen()
        return board

    def _drop_unseen(self) -> None:
        """Keep no boards of single runs that no view shows, beyond the newest."""
        shown = self.views.shown()
        with self._lock:
            unseen = [key for key, board in self._boards.items() if key[1] and board not in shown]
            dropped = [self._boards.pop(key) for key in unseen[:-_MOST_UNSEEN]]
        for board in dropped:
            board.close()

    def _default(self) -> str:
        with self.source.lock:
            names = self.source.names()
            last = None if names else self.source.last("")
        return names[0] if names else last.pipeline if last else ""

    def of(self, view: View) -> Board:
        """The board that a view shows, else the one that is meant by default."""
        return view.board or self.board()

    def attach(self, view: View, run: str) -> None:
        """Show a run in place of the remembered graph of a restarted kernel.

        Raises:
            UnknownName: there is no such run.
            UsageError: it is a run of another pipeline.
        """
        board, found = self.of(view), self.source.workspace.get_run(run)
        if found.pipeline_name != board.pipeline:
            raise UsageError(f"Run {run} is one of {found.pipeline_name}, not of {board.pipeline}.")
        self.follower.started(found)
        board.follow(found)
        board.attach()

    def _all_boards(self) -> list[Board]:
        with self._lock:
            return list(self._boards.values())

    def _report(self, name: str, error: Exception | None) -> None:
        """Tell on every board of a thread that cannot go on, and when it can again."""
        fact = error.fact if isinstance(error, NbpipeError) else f"{type(error).__name__}: {error}"
        bar = (
            BarCard(f"The thread that {_THREADS[name]} has trouble: {fact}"[:300], "fail") if error else None
        )
        for board in self._all_boards():
            board.trouble = bar
            board.touch()

    def close(self) -> None:
        """End all threads and let every page go."""
        self.stop()
        for channel in self.views.channels():
            self.leave(channel)
            channel.close()

    def stop(self) -> None:
        """End all threads; pages keep what they show, since the kernel may come back."""
        atexit.unregister(self.stop)
        for loop in self._loops.values():
            loop.stop()
        for lane in self._lanes.values():
            lane.stop()
        for board in self._all_boards():
            board.close()
