"""Where else machines can have the inputs of steps from, and put their outputs: the shared store, and datastores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

from nbpipe.compute.base import Depot, Offer
from nbpipe.core.result import StepResult
from nbpipe.errors import NbpipeError
from nbpipe.execution.datastores import Datastores
from nbpipe.execution.far_data import FarFile
from nbpipe.execution.sharing import Sharing
from nbpipe.store.carrier_archive import carrier_archive
from nbpipe.store.objects import ObjectStore
from nbpipe.store.remote_folder import without_credentials
from nbpipe.store.shared_store import SharedStore

Names = Callable[[Collection[str]], Mapping[str, str]]
"""See `Depot.names`."""


class Depots:
    """Tells targets that see none of our files which datastores have what they need.

    Args:
        stores: the datastores of the workspace, with what they are opened with.
        sharing: the store that the workspace shares.
        objects: the workspace's own, where the program lies that travels.
    """

    def __init__(self, stores: Datastores, sharing: Sharing, objects: ObjectStore) -> None:
        self._stores = stores
        self._sharing = sharing
        self._objects = objects

    def of_inputs(self, trees: Collection[str], files: Mapping[str, FarFile]) -> tuple[Depot, ...]:
        """The datastores that some inputs of a step come from.

        Args:
            trees: digests of outputs of other steps.
            files: digest of content -> the file behind a URL that it was fetched from.
        """
        found = []
        with suppress(NbpipeError):  # a store that cannot be opened has nothing
            store = self._sharing.store() if trees and self._sharing.in_use else None
            if store is not None:
                found.append(self._depot(store.url, partial(_of_trees, store, trees)))
        by_url: dict[str, dict[str, str]] = defaultdict(dict)
        for digest, file in files.items():
            if without_credentials(file.url) == file.url:  # what is in a URL would travel
                by_url[file.url][digest] = file.name
        found += [self._depot(url, partial(_of_files, names)) for url, names in by_url.items()]
        return tuple(found)

    def offer(self, result: StepResult) -> Offer | None:
        """What the machine that a result was made on may put into the shared store; None where that has it all.

        Raises:
            StoreError: the store does not answer or does not take anything, or a part of the result is gone here.
        """
        store = self._sharing.store()
        objects = store.lacking(result.outputs.values()) if store is not None else {}
        if store is None or not objects:
            return None
        depot = self._depot(store.url, partial(_of_trees, store, [*result.outputs.values()]))
        names = {digest: store.name_of(digest) for digest in objects}
        return Offer(depot, objects, names, store.put_blob(result.fingerprint))

    def _depot(self, url: str, names: Names) -> Depot:
        program = self._objects.put_bytes(carrier_archive())
        options = self._stores.plain_options(url)
        return Depot(url, options, (program, self._objects.blob_path(program)), names)


def _of_trees(store: SharedStore, trees: Collection[str], wanted: Collection[str]) -> dict[str, str]:
    found = store.files_of(trees)
    return {digest: found[digest] for digest in wanted if digest in found}


def _of_files(names: Mapping[str, str], wanted: Collection[str]) -> dict[str, str]:
    return {digest: names[digest] for digest in wanted if digest in names}
