"""What the last runs do not need any more: found, shown, and only then removed.

A digest is 64 hex digits wherever it stands, so one rule finds what is needed without knowing any format:
every such text in the files of the kept runs, in the registry, in the results that are kept, and in every
needed blob that is JSON. A text that only looks like a digest keeps too much, never too little.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from nbpipe.core.record import dataclass
from nbpipe.errors import StoreError, UsageError
from nbpipe.store.files import DAMAGED, TEMPORARY, is_folder, listing, open_to_read, remove_tree
from nbpipe.store.layout import StateFolder
from nbpipe.store.locks import Lock
from nbpipe.store.objects import ObjectStore, StoredObject
from nbpipe.store.results import Result, Results

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_RUN = re.compile(rb"/runs/(\d+)/")
_LEFT_OVER = 24 * 3600.0  # seconds after which a scratch folder is nobody's
_SET_ASIDE = 30 * 24 * 3600.0  # seconds for which damaged things can be looked at
_STARTING = 10.0  # seconds within which a runner that was just started takes its lock


@dataclass(frozen=True)
class Garbage:
    """What nobody needs.

    Attributes:
        keep_runs: of how many runs everything is kept.
        runs: ids of runs that go with their logs, the oldest first.
        results: key and run of results that go.
        objects: objects that go.
        left_overs: paths of what crashes left, and of damaged things that were set aside long ago.
        size: bytes of all these.
    """

    keep_runs: int
    runs: tuple[str, ...]
    results: tuple[tuple[str, str], ...]
    objects: tuple[StoredObject, ...]
    left_overs: tuple[Path, ...]
    size: int


@dataclass(frozen=True)
class Freed:
    """What was removed: how many runs, results, objects and left-overs, and bytes in all."""

    runs: int
    results: int
    objects: int
    left_overs: int
    size: int


class Collector:
    """Frees what the last runs do not need.

    Args:
        state: the state folder.
        objects: its objects.
        results: its results.

    Example:
        >>> from nbpipe.store.digests import FileDigests
        >>> state = StateFolder(Path())
        >>> objects = ObjectStore(state, FileDigests(state))
        >>> digest = objects.put_bytes(b"needed by no run")
        >>> collector = Collector(state, objects, Results(state))
        >>> collector.collect(collector.survey(keep_runs=10))
        Freed(runs=0, results=0, objects=1, left_overs=0, size=16)
    """

    def __init__(self, state: StateFolder, objects: ObjectStore, results: Results) -> None:
        self._state = state
        self._objects = objects
        self._results = results

    def survey(self, keep_runs: int) -> Garbage:
        """Say what would go if all but the last `keep_runs` runs were forgotten; removes nothing.

        Runs that are going on are kept besides, with everything younger than the oldest of them.

        Raises:
            UsageError: `keep_runs` is negative.
            StoreError: something may not be read, so that what it needs is not known.
        """
        if keep_runs < 0:
            raise UsageError(f"Cannot keep {keep_runs} runs; 0 is the fewest.")
        try:
            return self._survey(keep_runs)
        except StoreError:
            raise
        except OSError as error:
            fact = f"{error.filename} cannot be read: {error.strerror}; so what it needs is not known."
            raise StoreError(fact, remedy=f"Make it yours:  chmod -R u+rwX {self._state.path}") from error

    def _survey(self, keep_runs: int) -> Garbage:
        runs = self._state.run_ids()
        going_on = [run for run in runs if self._is_open(run)]
        kept = {*runs[len(runs) - min(keep_runs, len(runs)) :], *going_on, *self._worked_in()} & {*runs}
        young = min((self._began(run) for run in going_on), default=time.time())
        roots = self._digests_of_runs(kept) | self._digests_of_registry()
        results = list(self._superfluous(roots, kept, young))
        self._follow(roots)
        stored = self._objects.objects()
        objects = [found for found in stored if found.digest not in roots and found.made < young]
        gone = [run for run in runs if run not in kept]
        left = list(self._left_overs(young))
        paths = [*(self._state.run_folder(run) for run in gone), *left]
        size = sum(map(_bytes_under, paths)) + sum(found.size for found in objects)
        named = tuple((result.key, result.run) for result in results)
        return Garbage(keep_runs, tuple(gone), named, tuple(objects), tuple(left), size)

    def collect(self, garbage: Garbage) -> Freed:
        """Remove what a survey found and what still nobody needs; a run started since keeps what it uses.

        Results go before what they name, so a crash leaves nothing that points to nothing.

        Raises:
            StoreError: a run is going on.
        """
        self._state.ensure()
        lock = Lock(self._state.locks / "gc")
        if not lock.acquire():
            raise StoreError("A run is going on, so nothing was removed.", remedy="Wait for it:  nbpipe runs")
        try:
            now = self.survey(garbage.keep_runs)
            runs = sorted({*now.runs} & {*garbage.runs}, key=int)
            results = sorted({*now.results} & {*garbage.results})
            shown = {found.digest for found in garbage.objects}
            objects = [found for found in now.objects if found.digest in shown]
            left = sorted({*now.left_overs} & {*garbage.left_overs})
            size = sum(_bytes_under(path) for path in [*map(self._state.run_folder, runs), *left])
            self._remove(runs, results, objects, left)
        finally:
            lock.release()
        size += sum(found.size for found in objects)
        return Freed(len(runs), len(results), len(objects), len(left), size)

    def _remove(
        self, runs: list[str], results: list[tuple[str, str]], objects: list[StoredObject], left: list[Path]
    ) -> None:
        for key, run in results:
            self._results.discard(key, run)
        for run in runs:
            with self._state.scratch() as scratch:
                os.rename(self._state.run_folder(run), scratch / run)
        for found in objects:
            self._objects.drop(found.digest)
        if results:
            self._results.tidy()
        for path in left:
            remove_tree(path)
        for path in self._state.locks.glob("key-*"):
            lock = Lock(path)
            if lock.acquire():  # nobody waits for it: whoever opens it now sees that it was removed
                path.unlink(missing_ok=True)
                lock.release()

    def _is_open(self, run: str) -> bool:
        """Whether a run goes on, or was submitted a moment ago and its runner is just starting."""
        folder = self._state.run_folder(run)
        starting = not os.path.lexists(folder / "events.jsonl") and time.time() - _made(folder) < _STARTING
        return starting or Lock(folder / "lock").held()

    def _worked_in(self) -> set[str]:
        """Runs in whose folders a process may go on elsewhere, without a runner: every one named in the registry."""
        files = (path for path in _files_under(self._state.registry) if path.suffix == ".json")
        return {run for path in files for run in _found_in(path, _RUN)}

    def _began(self, run: str) -> float:
        """When a run's folder was made, as near as its oldest file tells; seconds since the epoch."""
        folder = self._state.run_folder(run)
        with suppress(OSError):
            return min(os.lstat(path).st_mtime for path in [folder, *folder.iterdir()])
        return 0.0

    def _digests_of_runs(self, runs: Iterable[str]) -> set[str]:
        folders = (self._state.run_folder(run) for run in runs)
        files = (path for folder in folders for path in _in(folder) if ".json" in path.suffix)
        return {digest for path in files for digest in _found_in(path)}

    def _digests_of_registry(self) -> set[str]:
        """What is registered by name. Histories only remember, so they hold nothing."""
        files = (path for path in _files_under(self._state.registry) if path.suffix == ".json")
        return {digest for path in files for digest in _found_in(path)}

    def _superfluous(self, roots: set[str], kept: set[str], young: float) -> Iterator[Result]:
        """Results that go; what the others name is added to the roots.

        The newest result of a key that a kept run names stays, and every result that a kept run made.
        """
        for key in self._results.keys():  # noqa: SIM118 - no dict
            found = self._results.all(key)
            for result in found:
                answers = result is found[-1] and key in roots
                path = self._state.results / key / f"{result.run}.json"
                if answers or result.run in kept or _made(path) >= young:
                    roots.update(_found_in(path))
                else:
                    yield result

    def _follow(self, roots: set[str]) -> None:
        """Add what needed blobs name, and what those name."""
        waiting = list(roots)
        while waiting:
            for digest in _found_in(self._objects.blob_path(waiting.pop()), only_json=True):
                if digest not in roots:
                    roots.add(digest)
                    waiting.append(digest)

    def _left_overs(self, young: float) -> Iterator[Path]:
        damaged = self._state.tmp / "damaged"
        keys = [Path(folder.path) for folder in listing(self._state.results)]
        strays = [path for key in keys for path in _in(key) if path.name.startswith(TEMPORARY)]
        strays += [*self._objects.strays(), *_in(self._state.tmp)]
        ages = [(path, _LEFT_OVER) for path in strays if path != damaged or not is_folder(damaged)]
        ages += [(path, _SET_ASIDE) for path in _in(damaged)]
        ages += [(path, _SET_ASIDE) for path in _in(self._state.path) if DAMAGED in path.name]
        for path, age in ages:
            if _made(path) < min(young, time.time() - age):
                yield path


def _found_in(path: Path, what: re.Pattern[bytes] = _DIGEST, *, only_json: bool = False) -> set[str]:
    """Every digest, or other text of a pattern, that stands in a file; none where it is no file.

    Raises:
        StoreError: it may not be read.
    """
    try:
        with open_to_read(path) as file:
            start = file.read(1)
            if only_json and start not in (b"{", b"["):
                return set()
            return {found.decode() for found in what.findall(start + file.read())}
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EIO):
            raise
        return set()


def _files_under(folder: Path) -> Iterator[Path]:
    """Every file below a folder; raises where one may not be looked into."""

    def raise_it(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise error

    for inner, _, names in os.walk(folder, onerror=raise_it):
        yield from (Path(inner, name) for name in names)


def _in(folder: Path) -> list[Path]:
    return [Path(found.path) for found in listing(folder)]


def _made(path: Path) -> float:
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return float("inf")


def _bytes_under(path: Path) -> int:
    """Bytes of a file or of all files below a folder."""
    total = 0
    with suppress(OSError):
        total = os.lstat(path).st_size
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
