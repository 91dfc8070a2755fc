"""What earlier runs left, as the core asks for it: results, attempts and texts out of the store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbpipe.core.fingerprint import Fingerprint, canonical
from nbpipe.core.result import Attempt, StepResult
from nbpipe.core.shape import well_formed
from nbpipe.errors import StoreError
from nbpipe.execution.sharing import Sharing
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Result, Results

COMPARED = 20
"""Attempts with different keys that are looked at for the nearest one."""

_AT_WORK = 64  # fingerprints of which it is remembered that they are kept
_READ = 20_000  # results of which it is remembered what they say


class StoredMemory:
    """Implements ``core.result.Memory`` over a workspace's store.

    Args:
        results: results and histories.
        objects: trees and blobs.
        sharing: the store that the workspace shares with others, or None.
    """

    def __init__(self, results: Results, objects: ObjectStore, sharing: Sharing | None = None) -> None:
        self.sharing = sharing
        self._results = results
        self._objects = objects
        self._fingerprints: dict[str, Fingerprint | None] = {}
        self._on_disk: dict[str, Path] = {}
        self._kept: dict[int, tuple[Fingerprint, str]] = {}
        self._read: dict[str, tuple[Result, StepResult]] = {}
        self._tried: dict[str, tuple[Sequence[dict[str, Any]], Sequence[Attempt]]] = {}

    def offer(self, files: Mapping[str, Path]) -> None:
        """Let texts that are not in the store yet be read where they lie: digest -> file."""
        self._on_disk.update(files)

    def result(self, key: str) -> StepResult | None:
        """The newest result of a key whose outputs are all there; no accepted one that was made anew since.

        There is also what lies in the shared store; it is asked only where nothing is known here.
        """
        for number, stored in enumerate(reversed(self._results.all(key))):
            if number and stored.record.get("accepted_from"):
                continue
            with suppress(TypeError, ValueError):
                result = self._as_result(key, stored)
                if all(self._objects.complete(digest) for digest in result.outputs.values()):
                    return result
                if self.sharing is not None and self.sharing.holds(result):
                    return result
        return self.sharing.result(key) if self.sharing is not None else None

    def _as_result(self, key: str, stored: Result) -> StepResult:
        """What a record says; of the one that answers for a key it is remembered."""
        last, result = self._read.get(key, (None, None))
        if result is None or last is not stored:
            result = StepResult.from_json(_whole_record(key, stored))
            if len(self._read) >= _READ:
                self._read.clear()
            self._read[key] = stored, result
        return result

    def adopt(self, result: StepResult, run: str) -> None:
        """Keep a shared result as used first by a run of this workspace."""
        if self.sharing is not None:
            self.sharing.adopt(result, run)

    def refuse(self, key: str) -> None:
        """Let the shared result of a key answer no more."""
        if self.sharing is not None:
            self.sharing.refuse(key)

    @property
    def sharing_in_use(self) -> bool:
        """Whether results are shared, so that a question may go to another machine."""
        return self.sharing is not None and self.sharing.in_use

    def lost_output(self, key: str) -> tuple[str, str] | None:
        """``(port, run)`` when a result of this key was there but its data are gone."""
        for stored in reversed(self._results.all(key)):
            with suppress(TypeError):
                for port, digest in StepResult.from_json(_whole_record(key, stored)).outputs.items():
                    if not self._objects.complete(digest):
                        return port, stored.run
        return None

    def attempts(self, step: str) -> Sequence[Attempt]:
        """The newest attempts at a step, one a key (the last), newest last."""
        history = self._results.history(step)
        last, attempts = self._tried.get(step, (None, ()))
        if last is not history:
            attempts = self._newest(history)
            if len(self._tried) >= _READ:
                self._tried.clear()
            self._tried[step] = history, attempts
        return attempts

    def refresh(self) -> None:
        """Let what `alike` answers be what is stored from now on."""
        self._results.refresh()

    def keep_known(self) -> None:
        """Keep what was read of results for the next process."""
        self._results.keep_known()

    def alike(self, fingerprint: Fingerprint) -> Iterator[StepResult]:
        """Results of any step that this may become the fingerprint of: those here, newest first, then shared ones."""
        inputs = {**dict.fromkeys(fingerprint.unknown), **fingerprint.part("inputs")}
        for key in self._results.alike(fingerprint.likeness, inputs):
            if result := self.result(key):
                yield result
        if self.sharing is not None:
            yield from self.sharing.alike(fingerprint.likeness)

    def note(
        self, step: str, node: str, pipeline: str, fingerprint: Fingerprint, *, run: str, status: str, time: float,
        seconds: float,
    ) -> None:  # fmt: skip
        """Add an attempt to the history of its step, which later plans compare with."""
        self._results.note({
            "step": step, "node": node, "pipeline": pipeline, "key": fingerprint.key, "run": run, "status": status,
            "time": time, "fingerprint": self.keep_fingerprint(fingerprint), "seconds": seconds,
        })  # fmt: skip

    def _newest(self, history: Sequence[dict[str, Any]]) -> list[Attempt]:
        """Attempts of a history, one a key (the last), newest last, a bounded number of them."""
        newest: dict[str, Attempt] = {}
        for entry in reversed(history):
            if len(newest) >= COMPARED:
                break
            with suppress(KeyError, TypeError, ValueError, OverflowError):  # a damaged line is passed over
                if entry["key"] in newest:
                    continue
                fingerprint = self.fingerprint(str(entry["fingerprint"]))
                if fingerprint is not None:
                    newest[entry["key"]] = well_formed(Attempt(
                        entry["key"], str(entry["run"]), str(entry["pipeline"]), entry["status"],
                        float(entry["time"]), fingerprint, float(entry.get("seconds", 0.0)),
                    ))  # fmt: skip
        return list(reversed(newest.values()))

    def fingerprint(self, digest: str) -> Fingerprint | None:
        """A stored fingerprint, or None where it is gone or damaged."""
        if digest not in self._fingerprints:
            found = None
            with suppress(StoreError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                if self._objects.has(digest):
                    found = Fingerprint.from_json(json.loads(self._objects.get_bytes(digest)))
            self._fingerprints[digest] = (
                found  # now, since another thread takes what stands here for all there is
            )
        return self._fingerprints[digest]

    def keep_fingerprint(self, fingerprint: Fingerprint) -> str:
        """Store a fingerprint; its digest."""
        last, digest = self._kept.get(id(fingerprint), (None, ""))
        if last is not fingerprint:  # a step's start, its result and its history all name it
            digest = self._objects.put_bytes(canonical(fingerprint.to_json()))
            if len(self._kept) >= _AT_WORK:
                self._kept = {}
            self._kept[id(fingerprint)] = fingerprint, digest
        return digest

    def read(self, digest: str) -> str | None:
        """Text of a stored file, or None where it is gone or no text."""
        if not digest:
            return None
        with suppress(StoreError, OSError, UnicodeDecodeError):
            if self._objects.has(digest):
                return self._objects.get_bytes(digest).decode("utf-8")
            if digest in self._on_disk:
                return self._on_disk[digest].read_text("utf-8")
        return None


def _whole_record(key: str, stored: Result) -> dict[str, Any]:
    """A record with what its place says of it."""
    return {**stored.record, "key": key, "run": stored.run}
