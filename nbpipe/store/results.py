"""Results of steps by the key of what went in, and the history of attempts by the name of the step.

A result is `results/<key>/<run>.json`: a small record that names objects. It is written last, when all it
names is there and on the disk, and never changed; a later run of the same key adds its own. It is not waited
for itself: a power cut may lose it, or leave what is no JSON, which is set aside and answers nobody. With
`durable` it outlasts a power cut too.

The history is one line an attempt, failed ones too, and can be rebuilt from the results but for those. An index of
likenesses is completed from them whenever a plan asks.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbpipe.core.fingerprint import canonical
from nbpipe.core.record import dataclass
from nbpipe.errors import StoreError
from nbpipe.store.digests import Figures, digest_bytes
from nbpipe.store.files import (
    Lines,
    append_line,
    create_json,
    is_folder,
    listing,
    open_to_read,
    own_folder,
    read_json,
    set_aside,
    storing,
)
from nbpipe.store.layout import StateFolder, is_run_id
from nbpipe.store.likenesses import Likenesses
from nbpipe.store.locks import Lock
from nbpipe.store.recollection import Recollection, Recorded

_KEY = re.compile(r"[0-9a-f]{16,128}")
_BLOCK = 1 << 16
_REMEMBERED = 20_000  # keys whose results are kept in memory
_LATEST = (
    1e12  # seconds since the epoch; a record that was finished later would supersede all others for ever
)


@dataclass(frozen=True)
class Result:
    """What one run made for one key.

    Attributes:
        key: key of the fingerprint.
        run: id of the run.
        record: what was published; `finished` in it is seconds since the epoch.
    """

    key: str
    run: str
    record: dict[str, Any]


class Results:
    """Results and histories of a workspace.

    Args:
        state: where they lie; made on the first write.
        clock: nanoseconds since the epoch.

    Example:
        >>> results, key = Results(StateFolder(Path())), "9c02" * 16
        >>> results.publish(key, "14", {"step": "train", "outputs": {}, "finished": 1.7e9})
        True
        >>> results.newest(key).run
        '14'
    """

    def __init__(self, state: StateFolder, clock: Callable[[], int] = time.time_ns) -> None:
        self._state = state
        self._clock = clock
        self._known: dict[str, tuple[Figures, tuple[Result, ...]]] = {}
        self._recollection = Recollection(state.registry / "results.known")
        self._likenesses = Likenesses(state.registry / "alike.jsonl")
        self._looked = False  # whether the index knows every key
        self._told: dict[str, tuple[tuple[Figures, int], list[dict[str, Any]]]] = {}
        self._histories = state.registry / "steps"

    def publish(self, key: str, run: str, record: dict[str, Any], *, durable: bool = False) -> bool:
        """Add a result, the last step of publishing; False when this run has one for the key, which stays.

        Args:
            key: of what went in.
            run: id of the run.
            record: what it names. One with a `likeness` (64 hex digits) and `inputs` (name -> digest) is found by
                these too.
            durable: wait until it is on the disk.

        Raises:
            StoreError: it cannot be written.
        """
        path = self._path(key, run)
        self._state.ensure()
        with storing(path):
            own_folder(path.parent)
        created = create_json(path, {**record, "check": _check(record)}, durable=durable)
        if created:
            self._likenesses.tell(key, record)
        return created

    def newest(self, key: str) -> Result | None:
        """The result that answers for a key: the one finished last, on a tie of the later run; or None."""
        return max(self.all(key), key=_age, default=None)

    def all(self, key: str) -> tuple[Result, ...]:
        """Every result of a key, the newest last. A damaged one is set aside and passed over.

        A plan asks for every step, again and again. Records are never changed, so they are read once, and
        again when the time of their folder tells that one came or went.
        """
        now, folder = self._clock(), self._folder(key)
        try:
            seen = Figures.of(os.lstat(folder))
        except OSError:
            return ()
        last, results = self._known.get(key, (None, ()))
        if last == seen:
            return results
        young = seen.young(now)
        records = None if young else self._recollection.find(key, folder, seen)
        if records is None:
            records = list(self._read(key))
            if not young:
                self._recollection.learn(key, seen, records, now)
        results = tuple(sorted((Result(key, each.run, each.record) for each in records), key=_age))
        if not young:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = seen, results
        return results

    def _read(self, key: str) -> Iterator[Recorded]:
        for run in self._runs(key):
            path = self._path(key, run)
            try:
                seen = Figures.of(os.lstat(path))
                record = read_json(path)
                if _is_sound(record) and record.pop("check", None) == _check(record):
                    yield Recorded(run, seen, record)
                    continue
            except FileNotFoundError:
                continue
            except StoreError:
                pass
            with suppress(StoreError):  # a workspace we may only read
                set_aside(path)

    def keep_known(self) -> None:
        """Keep what was read of records for the next process, where that is worth it."""
        self._recollection.keep()

    def keys(self) -> list[str]:
        """Every key that has results, in order."""
        return sorted(found.name for found in listing(self._state.results) if _KEY.fullmatch(found.name))

    def refresh(self) -> None:
        """Let what `alike` answers be what is stored from now on."""
        self._looked = False

    def alike(self, likeness: str, inputs: Mapping[str, str | None]) -> list[str]:
        """Keys that were stored with this likeness when it was asked first since `refresh`, the newest first.

        Args:
            likeness: of a fingerprint, 64 hex digits.
            inputs: its inputs -> digest, or None where what they contain is not known yet. Keys of other inputs are
                left out, and some whose results are gone are told.
        """
        if not self._looked:
            self._complete_index()
            self._looked = True
        return self._likenesses.keys(likeness, inputs)

    def _complete_index(self) -> None:
        """Learn what the index tells, then from the results what it does not: it was lost, or never told."""
        index = self._likenesses
        index.read_on()
        with suppress(StoreError):  # results that we may not look at answer nobody
            for key in self.keys():
                if key not in index and (result := self.newest(key)):
                    index.learn(key, result.record)
                    index.tell(key, result.record)

    def tidy(self) -> None:
        """Take out of the index what has no result any more, so that it does not grow for ever."""
        self._likenesses.keep(set(self.keys()))

    def discard(self, key: str, run: str) -> None:
        """Remove a result; one that is not there is no error."""
        path = self._path(key, run)
        with storing(path):
            path.unlink(missing_ok=True)
            with suppress(OSError):  # others are left
                path.parent.rmdir()

    def note(self, entry: dict[str, Any]) -> None:
        """Add an attempt to the history of its step.

        Args:
            entry: `step`, `node`, `pipeline`, `key`, `run`, `status` ("finished", "failed", "cancelled"),
                `fingerprint` (digest) and `time` (seconds since the epoch); more is kept too.
        """
        self._state.ensure()
        path = self._history(entry["step"])
        with storing(path):
            own_folder(path.parent)
        append_line(path, entry, anew=True)

    def history(self, step: str, limit: int = 200) -> list[dict[str, Any]]:
        """The last attempts at a step, newest last; lines that are damaged are passed over.

        The same list as before while the file tells by its figures that nothing was added.

        Args:
            step: its name.
            limit: how many at most; the file is read from its end, however long it is.
        """
        if not is_folder(self._histories) and is_folder(self._state.results):
            with suppress(StoreError):
                self.rebuild()
        path, now = self._history(step), self._clock()
        try:
            seen = Figures.of(os.lstat(path))
        except OSError:
            return []
        last, told = self._told.get(step, (None, []))
        if last != (seen, limit):
            found = _tail(path, limit)
            entries = [entry for entry in found if isinstance(entry, dict) and entry.get("step") == step]
            told = sorted(_once(entries), key=_order)[-limit:]
            if not seen.young(now):
                if len(self._told) >= _REMEMBERED:
                    self._told.clear()
                self._told[step] = (seen, limit), told
        return told

    def rebuild(self) -> None:
        """Add to the histories what only the results know, after histories were lost or damaged."""
        self._state.ensure()
        with storing(self._state.registry):
            own_folder(self._histories)
        told: dict[str, list[dict[str, Any]]] = {}
        for result in (result for key in self.keys() for result in self.all(key)):
            if isinstance(step := result.record.get("step"), str):
                told.setdefault(step, []).append(_as_attempt(result))
        with Lock(self._state.locks / "history"):
            for step, attempts in told.items():
                told_already = self.history(step, limit=1_000_000)
                known = {(entry.get("key"), entry.get("run")) for entry in told_already}
                for attempt in sorted(attempts, key=lambda attempt: _number(attempt["time"])):
                    if (attempt["key"], attempt["run"]) not in known:
                        self.note(attempt)

    def _folder(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise StoreError(f"{key!r} is no key of a result.")
        return os.path.join(self._state.results, key)

    def _path(self, key: str, run: str) -> Path:
        return Path(self._folder(key), f"{self._state.run_folder(run).name}.json")

    def _runs(self, key: str) -> Iterator[str]:
        for found in listing(Path(self._folder(key))):
            run, _, ending = found.name.partition(".")
            if ending == "json" and is_run_id(run):
                yield run

    def _history(self, step: str) -> Path:
        return _history_in(self._histories, step)


@lru_cache(maxsize=_REMEMBERED)  # a plan asks for every step, again and again
def _history_in(folder: Path, step: str) -> Path:
    name = digest_bytes(step.encode("utf-8", "surrogatepass"))[:16]
    return folder / f"{name}.jsonl"


def _age(result: Result) -> tuple[float, int]:
    return _number(result.record.get("finished")), int(result.run)


def _order(attempt: dict[str, Any]) -> tuple[int, float]:
    """By runs, whose numbers only grow; within one by the clock, which may be set back."""
    run = str(attempt.get("run"))
    return int(run) if is_run_id(run) else 0, _number(attempt.get("time"))


def _is_sound(record: Any) -> bool:
    """Whether a record names objects and a time, as far as it names any."""
    if not isinstance(record, dict) or not isinstance(outputs := record.get("outputs", {}), dict):
        return False
    named = all(isinstance(digest, str) for digest in outputs.values())
    return named and 0 <= _number(record.get("finished")) < _LATEST


def _check(record: dict[str, Any]) -> str:
    """What a record that a disk or a hand has changed does not answer to: it would name other outputs, or fewer."""
    return digest_bytes(canonical(record))[:16]


def _number(value: Any) -> float:
    """A time or a duration; less than nothing where no clock ever shows it."""
    if not isinstance(value, int | float):
        return 0.0
    return float(value) if -_LATEST < value < _LATEST else -1.0


def _once(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Attempts without those told twice: rebuilt from a result just before its run noted it."""
    told: dict[Any, dict[str, Any]] = {}
    for index, entry in enumerate(entries):
        finished = entry.get("status") == "finished"
        told[tuple(map(entry.get, ("key", "run", "node"))) if finished else index] = entry
    return list(told.values())


def _as_attempt(result: Result) -> dict[str, Any]:
    told = {name: result.record.get(name, "") for name in ("step", "node", "pipeline", "fingerprint")}
    told |= {"key": result.key, "run": result.run, "status": "finished"}
    told |= {"time": _number(result.record.get("finished")), "seconds": _number(result.record.get("seconds"))}
    return told


def _tail(path: Path, limit: int) -> Lines:
    """At least the last `limit` whole lines of a file, where there are that many."""
    try:
        with open_to_read(path) as file:
            start = file.seek(0, os.SEEK_END)
            data = b""
            while start > 0 and data.count(b"\n") <= limit:
                step = min(max(_BLOCK, len(data)), start)
                start = file.seek(start - step)
                data = file.read(step) + data
    except OSError:  # gone, or no file any more: then what is noted next sets it aside
        return Lines()
    if start > 0:
        data = data.partition(b"\n")[2]
    return Lines.parse(data)
