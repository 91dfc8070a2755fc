"""The life of a run in its runner: its locks are held, everything is opened, and it is carried out to its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from nbpipe.errors import StoreError
from nbpipe.execution.backends import Backends
from nbpipe.execution.capacity import default_jobs
from nbpipe.execution.datastores import Datastores, lend_credentials
from nbpipe.execution.depots import Depots
from nbpipe.execution.executor import Executor
from nbpipe.execution.frozen import FrozenRun
from nbpipe.execution.given import Given
from nbpipe.execution.means import Means
from nbpipe.execution.memory import StoredMemory
from nbpipe.execution.run_folder import RunFolder
from nbpipe.execution.slots import AllSlots, Slots
from nbpipe.runtime.stage import archive
from nbpipe.store.digests import FileDigests
from nbpipe.store.files import read_json, remove_tree, write_bytes
from nbpipe.store.layout import StateFolder
from nbpipe.store.locks import Lock
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results


def run_to_end(root: Path, run_id: str, given: Given) -> str:
    """Carry out a submitted run; its status in Azure ML v1's words.

    Raises:
        StoreError: another runner has it, or it cannot be read.
    """
    state = StateFolder(root)
    folder = RunFolder(state.run_folder(run_id))
    lock = Lock(folder.lock, run_id)
    if not lock.acquire():
        raise StoreError(f"Run {run_id} has a runner already.")
    collecting = Lock(state.locks / "gc", run_id)
    collecting.acquire(wait=True, shared=True)
    try:
        return asyncio.run(_execute(root, state, folder, given, collecting))
    except StoreError as error:
        if root.is_dir():
            raise
        raise StoreError(f"{root} was moved or removed while the run went on.") from error
    finally:
        with suppress(OSError):
            remove_tree(folder.runtime)
        collecting.release()
        lock.release()


async def _execute(root: Path, state: StateFolder, folder: RunFolder, given: Given, gate: Lock) -> str:
    frozen = FrozenRun.from_json(read_json(folder.graph))
    write_bytes(folder.runtime, archive())
    digests = FileDigests(state)
    objects = ObjectStore(state, digests)
    results = Results(state)
    lend_credentials(given.variables)
    stores = Datastores(state, secrets=given.stores)
    notes: list[str] = []
    sharing = stores.sharing(lambda: frozen.options.shared, results, objects, notes.append)
    means = Means(
        root=root, frozen=frozen, state=state, objects=objects, results=results,
        memory=StoredMemory(results, objects, sharing), digests=digests, backends=Backends(state, frozen, given),
        variables=given.variables, runtime=folder.runtime, notes=notes, far_data=stores.far_data(objects, digests),
        depots=Depots(stores, sharing, objects),
    )  # fmt: skip
    here = Slots(state.locks, frozen.run, frozen.options.jobs or default_jobs(), frozen.options.gpus)
    slots = AllSlots(here, state.locks, frozen.run, frozen.targets)
    return await Executor(means, folder, state, digests, slots, gate).run()
