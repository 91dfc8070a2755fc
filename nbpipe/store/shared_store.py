"""A store that several machines share: objects and results in a datastore's folder, each made once and verified.

::

    nbpipe-1/objects/5f/5f1d...            a blob; for a tree, its manifest
    nbpipe-1/alike/0/0bd7.../9c02...   says that a key has this likeness; empty
    nbpipe-1/results/9/9c02.../<time>-<check>.json   what one run made for one key

The order is that of the local store: content, then manifest, then the result that points to it. Whoever reads
trusts nothing: every blob is compared with the digest that is its name, a manifest is judged as one from
outside, and a result that names what is not there, or not as it should be, is refused. What was refused is
made anew here and put in its place.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from nbpipe.core.fingerprint import canonical
from nbpipe.errors import StoreError, Unreachable
from nbpipe.store.digests import digest_bytes, digest_file
from nbpipe.store.files import own_folder, remove_tree
from nbpipe.store.layout import StateFolder
from nbpipe.store.locks import Lock
from nbpipe.store.manifest import Manifest
from nbpipe.store.objects import ObjectStore
from nbpipe.store.remote_folder import RemoteFolder
from nbpipe.store.transfer import CHUNK, Listener, Meter, fetch_file, in_parallel, send_file
from nbpipe.store.trees import assemble

LAYOUT = "nbpipe-1"
"""The folder in the datastore; its number is that of the layout."""

REMEMBERED = 30.0
"""Seconds for which it is not asked again what results there are."""

AWAY = 60.0
"""Seconds for which a datastore that did not answer is not asked for results again."""

PATIENCE = 10.0
"""Seconds that a plan waits for an answer."""

_LARGEST_RECORD = 4 << 20  # bytes; metrics may make a record large, but nobody's memory is filled with one
_LARGEST_BLOB = 1 << 30  # bytes; a manifest of millions of files has less
_SMALL = 1 << 16  # bytes up to which a blob is sent without asking whether it is there
_LISTED = {
    "results": re.compile(LAYOUT + r"/results/[0-9a-f]/([0-9a-f]{16,128})/(\d{13}-[0-9a-f]{16})\.json"),
    "alike": re.compile(LAYOUT + r"/alike/[0-9a-f]/([0-9a-f]{64})/([0-9a-f]{16,128})"),
}
_DIGEST = re.compile(r"[0-9a-f]{64}")


class SharedResult(NamedTuple):
    """A result in a shared store.

    Attributes:
        key: key of the fingerprint.
        name: what tells it from others of its key; later ones come later in order.
        record: what was published.
    """

    key: str
    name: str
    record: dict[str, Any]


class SharedStore:
    """Objects and results in a folder of a datastore, beside those of a workspace.

    Args:
        folder: where they lie.
        objects: the workspace's own, which objects come from and go to.
        state: where what is on its way is kept.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        folder: RemoteFolder,
        objects: ObjectStore,
        state: StateFolder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = folder.url
        self.refused: set[str] = set()
        self._folder = folder
        self._objects = objects
        self._state = state
        self._clock = clock
        self._whole_trees: set[str] = set()
        self._listed: dict[str, tuple[float, dict[str, list[str]]]] = {}
        self._away_until = float("-inf")

    def publish(
        self,
        key: str,
        record: dict[str, Any],
        *,
        trees: Iterable[str],
        blobs: Iterable[str] = (),
        likeness: str = "",
        there: Collection[str] = (),
        tell: Listener | None = None,
    ) -> None:
        """Put a result there with all it names; what is there already stays and costs a question.

        Args:
            key: key of the fingerprint.
            record: JSON that names trees and blobs; `finished` in it is seconds since the epoch.
            trees, blobs: digests of what it names.
            likeness: 64 hex digits by which `alike` finds the key; empty for none.
            there: digests of files that somebody else has put there; they are looked for, and not sent again.
            tell: hears of progress.

        Raises:
            Unreachable: the datastore is away; nothing points to what went there so far.
            StoreError: it takes nothing, or an object is not in the workspace's store.
        """
        todo, manifests = self._todo(trees)
        for digest in blobs:
            place = self._objects.blob_path(digest)
            todo[digest] = (place, place.stat().st_size)
        meter = Meter(sum(size for _, size in todo.values()), tell)
        in_parallel(
            partial(self._send, digest, *where, meter, known=digest in there)
            for digest, where in todo.items()
        )
        for digest, place in manifests.items():
            self._send(digest, place, place.stat().st_size, Meter(0))
        if _DIGEST.fullmatch(likeness) and key not in self._names("alike", likeness):
            self._folder.create(f"{_place('alike', likeness)}/{key}", b"", _nobody)
        finished = int(float(record.get("finished") or 0) * 1000)
        content = canonical({"key": key, "record": record})
        name = f"{finished:013d}-{digest_bytes(content)[:16]}"
        self._folder.create(f"{_place('results', key)}/{name}.json", content, _nobody)
        self._whole_trees.update(manifests)

    def lacking(self, trees: Iterable[str]) -> dict[str, Path]:
        """Digest -> path here of the files of some trees that may not lie there yet, none that has to be replaced.

        Raises:
            Unreachable: the datastore is away.
            StoreError: it refuses access, or a tree is not here.
        """
        todo, _ = self._todo(trees)
        return {digest: path for digest, (path, _) in todo.items() if digest not in self.refused}

    def put_blob(self, digest: str) -> str:
        """Put a blob of the workspace there; its name in the datastore. Raises as `publish`."""
        place = self._objects.blob_path(digest)
        self._send(digest, place, place.stat().st_size, Meter(0))
        return _object(digest)

    @staticmethod
    def name_of(digest: str) -> str:
        """The name of an object in the datastore."""
        return _object(digest)

    def _todo(self, trees: Iterable[str]) -> tuple[dict[str, tuple[Path, int]], dict[str, Path]]:
        """Files of trees that do not lie there as a whole, each with its path and size here; and all the manifests."""
        todo: dict[str, tuple[Path, int]] = {}
        manifests: dict[str, Path] = {}
        for digest in dict.fromkeys(trees):
            manifest = self._objects.manifest(digest)
            manifests[digest] = self._objects.blob_path(digest)
            known_bad = any(entry.digest in self.refused for entry in manifest.entries)
            if not known_bad and self._has(digest, manifests[digest].stat().st_size):
                continue  # it came there last of all the tree
            tree = (
                self._objects.path(digest) if manifest.kind == "folder" else self._objects.path(digest).parent
            )
            for entry in manifest.entries:
                if entry.type == "file":
                    todo[entry.digest] = (tree / entry.path, entry.size)
        return todo, manifests

    def files_of(self, trees: Iterable[str]) -> dict[str, str]:
        """Digest -> name in the datastore of every file of those trees that lie there, none that was refused.

        The trees' manifests are here. A datastore that does not answer has nothing, and is not asked for a while.
        """
        found: dict[str, str] = {}
        for digest in trees:
            with suppress(StoreError):
                if digest in self._whole_trees or self._has_tree(digest):
                    self._whole_trees.add(digest)
                    entries = self._objects.manifest(digest).entries
                    found.update(
                        {each.digest: _object(each.digest) for each in entries if each.type == "file"}
                    )
        return {digest: name for digest, name in found.items() if digest not in self.refused}

    def _has_tree(self, digest: str) -> bool:
        """Whether a tree lies there: its manifest came last."""
        if self._clock() < self._away_until:
            return False
        size = self._objects.blob_path(digest).stat().st_size
        try:
            return bool(within(PATIENCE, lambda: self._has(digest, size), self.url))
        except StoreError:
            self._away_until = self._clock() + AWAY
            raise

    def results(self, key: str) -> Iterator[SharedResult]:
        """Results of a key, the newest first; damaged ones and refused ones are passed over.

        What there is, is remembered for a while, and so is that a datastore did not answer.

        Raises:
            Unreachable: it does not answer now; for a while after nothing is found and nothing raised.
            StoreError: it refuses access.
        """
        for name in sorted(self._names("results", key), reverse=True):
            if name not in self.refused:
                with suppress(FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
                    place = f"{_place('results', key)}/{name}.json"
                    content = self._whole(place, _LARGEST_RECORD)
                    told = json.loads(content)
                    if digest_bytes(content)[:16] == name[14:] and told["key"] == key:
                        yield SharedResult(key, name, dict(told["record"]))

    def alike(self, likeness: str) -> list[str]:
        """Keys that were published with a likeness; their results say what else is true. Raises as `results`."""
        return self._names("alike", likeness)

    def refuse(self, result: SharedResult) -> None:
        """Let a result answer no more, here and as long as this process lives."""
        self.refused.add(result.name)

    def fetch_blob(self, digest: str) -> bytes:
        """Bring a blob into the workspace's store, unless it is there; its bytes.

        Raises:
            Unreachable: the datastore is away.
            StoreError: it is not there, or not what its digest says.
        """
        if self._objects.has(digest):
            with suppress(StoreError):
                return self._objects.get_bytes(digest)
        try:
            content = self._whole(_object(digest), _LARGEST_BLOB)
        except (FileNotFoundError, ValueError) as error:
            self.refused.add(digest)
            raise StoreError(f"{self.url} has no object {digest[:12]} any more.") from error
        if digest_bytes(content) != digest:
            self.refused.add(digest)
            raise StoreError(f"Object {digest[:12]} in {self.url} is damaged; it is not used.")
        self._objects.put_bytes(content)
        return content

    def fetch_manifest(self, digest: str) -> Manifest:
        """Bring the manifest of a tree; raises as `fetch_blob`, and where it is none."""
        manifest = Manifest.from_json(self.fetch_blob(digest))
        if manifest.digest != digest:  # the same content, told in another form
            raise StoreError(f"Object {digest[:12]} in {self.url} is no manifest of nbpipe.")
        return manifest

    def fetch_tree(self, digest: str, tell: Listener | None = None) -> None:
        """Bring a tree into the workspace's store, unless it is there; what came before a break is not fetched again.

        Args:
            digest: the tree.
            tell: hears of progress.

        Raises:
            Unreachable: the datastore is away.
            StoreError: a part of it is not there or not what its digest says, or it cannot be kept.
        """
        if self._objects.complete(digest):
            return
        manifest = self.fetch_manifest(digest)
        self._state.ensure()
        with Lock(self._state.locks / f"key-fetch-{digest}"):
            if not self._objects.complete(digest):  # another process may have brought it by now
                self._fetch_content(digest, manifest, tell)

    def _fetch_content(self, digest: str, manifest: Manifest, tell: Listener | None) -> None:
        coming = self._state.tmp / f"fetching-{digest}"
        own_folder(coming)
        wanted = {entry.digest: entry.size for entry in manifest.entries if entry.type == "file"}
        meter = Meter(sum(wanted.values()), tell)
        in_parallel(partial(self._fetch, name, coming / name, size, meter) for name, size in wanted.items())
        with self._state.scratch() as scratch:
            source = assemble(manifest, coming, scratch / "tree")
            made = self._objects.publish(source, kind=manifest.kind)
        remove_tree(coming)
        if made.digest != digest:  # somebody changed it on its way
            raise StoreError(f"Object {digest[:12]} was changed while it was fetched; it is not used.")

    def _fetch(self, digest: str, target: Path, size: int, meter: Meter) -> None:
        try:
            fetch_file(
                self._folder, _object(digest), target, size=size, meter=meter,
                is_whole=lambda path: digest_file(path) == digest,
            )  # fmt: skip
        except FileNotFoundError as error:
            self.refused.add(digest)
            raise StoreError(f"{self.url} has no object {digest[:12]} any more.") from error
        except Unreachable:
            raise
        except StoreError:
            self.refused.add(digest)
            raise

    def _send(self, digest: str, source: Path, size: int, meter: Meter, *, known: bool = False) -> None:
        """Put a blob there; one that is damaged, or was refused, is replaced.

        One that is large, or known to be there, is looked for first.
        """
        name = _object(digest)
        if digest in self.refused:
            self._folder.replace(name, source, meter.add)
            self.refused.discard(digest)
            return
        if (known or size > _SMALL) and self._has(digest, size):
            meter.skip(size)
            return
        send_file(self._folder, name, source, size, meter)

    def _has(self, digest: str, size: int) -> bool:
        seen = None if digest in self.refused else self._folder.look(_object(digest))
        return seen is not None and seen.size == size

    def _names(self, kind: str, key: str) -> list[str]:
        """What lies in the folder of a key, of one listing for a sixteenth of all keys."""
        part, now = f"{kind}/{key[:1]}", self._clock()
        when, listed = self._listed.get(part, (float("-inf"), {}))
        if now - when >= REMEMBERED:
            if now < self._away_until:
                return []
            try:
                listed = self._list(part, _LISTED[kind])
            except StoreError:
                self._away_until = self._clock() + AWAY
                raise
            self._listed[part] = self._clock(), listed
        return listed.get(key, [])

    def _list(self, part: str, pattern: re.Pattern[str]) -> dict[str, list[str]]:
        listed: dict[str, list[str]] = {}
        for path in within(PATIENCE, lambda: self._folder.find(f"{LAYOUT}/{part}"), self.url):
            if found := pattern.fullmatch(path):
                listed.setdefault(found[1], []).append(found[2])
        return listed

    def _whole(self, name: str, most: int) -> bytes:
        """All of a small file, in one question."""
        content = b""
        while len(content) <= most:
            more = self._folder.read(name, len(content), len(content) + CHUNK)
            content += more
            if len(more) < CHUNK:
                return content
        raise ValueError(name)


def _place(kind: str, key: str) -> str:
    return f"{LAYOUT}/{kind}/{key[:1]}/{key}"


def _object(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise StoreError(f"{digest!r} names no object.")
    return f"{LAYOUT}/objects/{digest[:2]}/{digest}"


def within(seconds: float, ask: Callable[[], Any], url: str) -> Any:
    """Ask with limited patience; what does not answer in time is left to a thread that nobody waits for.

    Raises:
        Unreachable: no answer in time.
    """
    answers: list[tuple[Any, BaseException | None]] = []

    def work() -> None:
        try:
            answers.append((ask(), None))
        except BaseException as error:  # noqa: BLE001 - raised where it was asked
            answers.append((None, error))

    thread = threading.Thread(target=work, name="nbpipe-asks", daemon=True)
    thread.start()
    thread.join(seconds)
    if not answers:
        raise Unreachable(f"{url} does not answer within {seconds:g} s.", remedy="Is the network there?")
    answer, error = answers[0]
    if error is not None:
        raise error
    return answer


def _nobody(_count: int) -> None:
    """Take the place of a listener."""
