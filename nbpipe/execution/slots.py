"""Slots: how many steps, and which GPUs, the runs of a workspace may use at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from nbpipe.core.compute import LOCAL
from nbpipe.execution.frozen import FrozenTarget
from nbpipe.execution.targets import slots_of
from nbpipe.store.locks import Lock, first_free

POLL = 0.02
"""Seconds between two looks at locks that others hold."""

_LOOKS = 10  # a holder that has just taken a lock is about to write who it is


class Slots:
    """Slots and GPUs of a workspace, shared by all its runs through lock files.

    Args:
        locks: the folder of lock files.
        run: id of the run on whose behalf they are taken.
        jobs: steps at once.
        gpus: GPUs there are.
        target: the target whose they are; empty for this machine.
    """

    def __init__(self, locks: Path, run: str, jobs: int, gpus: int, target: str = "") -> None:
        self._locks = locks
        self._of = f"{target}-" if target else ""
        self._run = run
        self._jobs = jobs
        self._gpus = gpus
        self._turn = asyncio.Semaphore(jobs)
        self._gpu_turn = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, gpus: int, tell: Callable[[str], None]) -> AsyncIterator[list[int]]:
        """Hold one slot and some GPUs; yields the GPUs' numbers.

        Args:
            gpus: how many.
            tell: called with what is waited for, when it does not come at once.
        """
        if self._turn.locked():
            tell("a slot")
        async with self._turn:
            slot = await self._first(
                [self._locks / f"slot-{self._of}{number}" for number in range(self._jobs)], "a slot", tell
            )
            held: list[Lock] = [slot]
            try:
                taken = await self._take_gpus(gpus, held, tell)
                yield taken
            finally:
                for lock in held:
                    lock.release()

    async def _take_gpus(self, wanted: int, held: list[Lock], tell: Callable[[str], None]) -> list[int]:
        """Take GPUs one after another; one step of this run at a time, lowest first, so that two runs cannot tie up."""
        taken: list[int] = []
        if not wanted:
            return taken
        async with self._gpu_turn:
            while len(taken) < wanted:
                free = [
                    number
                    for number in range(self._gpus)
                    if number not in taken and number > max(taken, default=-1)
                ]
                paths = [self._locks / f"gpu-{self._of}{number}" for number in free]
                lock = first_free(paths, self._run)
                if lock is None:
                    for each in held[1:]:
                        each.release()
                    del held[1:], taken[:]
                    tell("a GPU" if wanted == 1 else f"{wanted} GPUs")
                    await asyncio.sleep(POLL * 5)
                    continue
                held.append(lock)
                taken.append(int(lock.path.name.rpartition("-")[2]))
        return taken

    async def _first(self, paths: list[Path], what: str, tell: Callable[[str], None]) -> Lock:
        told = False
        while (lock := first_free(paths, self._run)) is None:
            if not told:
                tell(what)
                told = True
            await asyncio.sleep(POLL)
        return lock


class AllSlots:
    """The slots of this machine and of a run's compute targets, each target's by itself.

    Args:
        here: those of this machine.
        locks, run: as for ``Slots``.
        targets: the run's targets but ``local``, by name.
    """

    def __init__(self, here: Slots, locks: Path, run: str, targets: Mapping[str, FrozenTarget]) -> None:
        self._known = {LOCAL: here}
        for name, target in targets.items():
            self._known[name] = Slots(locks, run, slots_of(target.named(name)), target.gpus or 0, name)
        self._give_gpus = {name for name, target in targets.items() if target.gpus is None}

    def of(self, target: str) -> Slots:
        """The slots of a target of the run."""
        return self._known[target]

    def gpus(self, target: str, wanted: int) -> int:
        """How many GPUs of a target are held for a step that wants some: none where the target gives them out."""
        return 0 if target in self._give_gpus else wanted


@asynccontextmanager
async def hold_key(path: Path, run: str, tell: Callable[[str], None]) -> AsyncIterator[bool]:
    """Hold the lock of a key, so that two runs never make one result at the same time; yields whether it waited.

    Args:
        path: the lock file.
        run: id of the run.
        tell: called with who makes it meanwhile.
    """
    lock = Lock(path, run)
    looks = 0
    told = False
    while not lock.acquire():
        holder = (lock.holder() or {}).get("run")
        looks += 1
        if not told and (holder or looks > _LOOKS):
            who = "another step" if holder == run else f"run {holder}" if holder else "another run"
            tell(f"{who}, which makes it")
            told = True
        await asyncio.sleep(POLL)
    try:
        yield looks > 0
    finally:
        lock.release()
