"""The store that workspaces share, as plans and runs use it: results looked up, judged, brought, and published."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.result import StepResult
from nbpipe.errors import NbpipeError, StoreError, Unreachable
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results

if TYPE_CHECKING:
    from nbpipe.store.shared_store import SharedResult, SharedStore
    from nbpipe.store.transfer import Listener

COMPARED = 20
"""Shared keys of one likeness that are looked at for one whose inputs may be those of a step."""

Say = Callable[[str], None]
"""Tells whoever works here, in one sentence."""


class Sharing:
    """What a workspace takes from the store that it shares, and gives to it.

    Nothing is opened before the first question. Where the store does not answer, that is said once, and
    everything goes on as if there were none.

    Args:
        where: name, path or URL of the store; empty where nothing is shared.
        open_store: opens it.
        results, objects: the workspace's own; objects that are not here are fetched through this.
        say: hears of a store that is away or refuses.
    """

    def __init__(
        self,
        where: Callable[[], str],
        open_store: Callable[[str], SharedStore],
        results: Results,
        objects: ObjectStore,
        say: Say,
    ) -> None:
        self._where = where
        self._open = open_store
        self._results = results
        self._objects = objects
        self._say = say
        self._said: set[str] = set()
        self._place: str | None = None
        self._opened: SharedStore | None = None
        self._opening = threading.Lock()
        self._found: dict[str, tuple[SharedResult, StepResult]] = {}
        objects.fetch = self.bring

    def reset(self) -> None:
        """Look anew where results are shared, and open that at the next question."""
        with self._opening:
            self._place = self._opened = None
            self._found.clear()
            self._said.clear()

    @property
    def in_use(self) -> bool:
        """Whether results are shared at all; nothing is opened for it."""
        if self._place is None:
            self._place = self._where()
        return bool(self._place)

    def store(self) -> SharedStore | None:
        """The shared store, opened now if it was not yet; None where nothing is shared.

        Raises:
            NbpipeError: it cannot be opened.
        """
        with self._opening:
            if self._opened is None and self.in_use:
                self._opened = self._open(self._place or "")
            return self._opened

    def result(self, key: str) -> StepResult | None:
        """The newest result of a key that is shared, with its fingerprint and manifests brought here and judged."""
        known = self._found.get(key)
        if known is not None:
            return known[1]
        try:
            store = self.store()
            for shared in store.results(key) if store else ():
                result = self._judged(store, shared) if store else None
                if result is not None:
                    self._found[key] = shared, result
                    return result
        except NbpipeError as error:
            self._say_once(f"The shared store is not looked at: {error.fact}")
        return None

    def alike(self, likeness: str) -> Iterator[StepResult]:
        """Shared results of a likeness, one a key, a bounded number of them; each asked for as it is taken."""
        keys: list[str] = []
        try:
            store = self.store()
            keys = store.alike(likeness)[:COMPARED] if store else []
        except NbpipeError as error:
            self._say_once(f"The shared store is not looked at: {error.fact}")
        yield from (result for key in keys if (result := self.result(key)))

    def adopt(self, result: StepResult, run: str) -> None:
        """Keep a shared result among the workspace's own, as used first by a run; its data may come later."""
        with suppress(StoreError):
            self._results.publish(result.key, run, {**result.to_json(), "run": run})

    def holds(self, result: StepResult) -> bool:
        """Whether data of a result that are not here can be brought: it was shared, and their manifests are here."""
        if not result.shared_from:
            return False
        with suppress(NbpipeError):
            store = self.store()
            trees = [digest for digest in trees_of(result) if not self._objects.complete(digest)]
            return store is not None and all(self._objects.has(digest) for digest in trees)
        return False

    def refuse(self, key: str) -> None:
        """Let the shared result of a key answer no more: its data are not what they should be."""
        shared, _ = self._found.pop(key, (None, None))
        with suppress(NbpipeError):
            if shared is not None and (store := self.store()):
                store.refuse(shared)
        for stored in self._results.all(key):
            if stored.record.get("shared_from"):
                with suppress(StoreError):
                    self._results.discard(key, stored.run)

    def bring(self, digest: str, tell: Listener | None = None) -> None:
        """Bring a tree here.

        Raises:
            StoreError: it is not there, not what its digest says, or the store does not answer.
        """
        store = self.store()
        if store is not None:
            store.fetch_tree(digest, tell)

    def publish(self, result: StepResult, there: Collection[str] = (), tell: Listener | None = None) -> None:
        """Put a result of this workspace into the shared store, with all that it names.

        Args:
            result: the result.
            there: digests of files that the machine it was made on has put there.
            tell: hears of progress.

        Raises:
            StoreError: the store does not answer or does not take it, or a part of the result is gone here.
        """
        store = self.store()
        if store is not None:
            store.publish(
                result.key, result.to_json(), trees=trees_of(result), blobs=[result.fingerprint],
                likeness=result.likeness, there=there, tell=tell,
            )  # fmt: skip

    def _judged(self, store: SharedStore, shared: SharedResult) -> StepResult | None:
        """What a shared record says, if it and what it names are of the right shape and belong together.

        Raises:
            Unreachable: the store does not answer any more.
        """
        try:
            told = {
                **shared.record,
                "key": shared.key,
                "run": "",
                "shared_from": store.url,
                "accepted_from": "",
            }
            result = StepResult.from_json(told)
            fingerprint = Fingerprint.from_json(json.loads(store.fetch_blob(result.fingerprint)))
            for digest in trees_of(result):
                store.fetch_manifest(digest)
        except Unreachable:
            raise
        except (StoreError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            fingerprint = None
        if fingerprint is None or fingerprint.key != shared.key:
            store.refuse(shared)
            return None
        inputs = dict(fingerprint.part("inputs"))
        return replace(
            result, likeness=fingerprint.likeness, inputs=inputs
        )  # whatever the record says of these

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def trees_of(result: StepResult) -> list[str]:
    """Digests of all trees that a result names."""
    return [*dict.fromkeys([*result.outputs.values(), *([result.kept] if result.kept else [])])]
