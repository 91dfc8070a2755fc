"""Workers need nothing of nbpipe, and serve many holders; slots and GPUs are given out once and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbpipe.compute.base import Exit
from nbpipe.compute.dask.backend import DaskBackend
from tests.dask_cluster import WAITS, DaskCluster, Trials, dask_cluster

pytestmark = pytest.mark.runner

STRANGE = """
import sys
import distributed.versions

sys.modules["nbpipe"] = None  # whoever imports it fails
told = sys.__dict__.setdefault("told", distributed.versions.get_system_info)  # this is run more than once
distributed.versions.get_system_info = lambda: {**told(), "python": "3.9.1.final.0"}
"""

MEETS = """
import os, time
print("gpus", os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
open(os.path.join({folder!r}, "met-" + str(os.getpid())), "x").close()
while sum(name.startswith("met-") for name in os.listdir({folder!r})) < {count}: time.sleep(0.01)
"""


def test_a_second_holder_leaves_the_jobs_of_the_first_alone(trials: Trials, cluster: DaskCluster) -> None:
    flag = trials.folder / "go"

    async def work(backend: DaskBackend) -> Exit:
        handle = await trials.started(backend, trials.job(WAITS.format(flag=str(flag))))
        await trials.seen(lambda: trials.pids)
        other = DaskBackend("other", cluster.address)
        assert (await other.probe()).cpus == 4
        second = await trials.started(other, trials.job("print('up 2')", 2))
        assert (await second.wait()).code == 0
        await other.aclose()
        flag.touch()
        return await handle.wait()

    assert trials.run(cluster, work).code == 0
    assert trials.printed.splitlines()[-1] == b"done"


def test_a_cluster_needs_no_nbpipe_and_says_which_versions_differ(trials: Trials) -> None:
    preload = trials.folder / "strange.py"
    preload.write_text(STRANGE)
    options = ("--preload", str(preload))
    with dask_cluster(trials.folder / "dask", workers=1, options=options) as strange:

        async def work(backend: DaskBackend) -> tuple[Exit, str]:
            handle = await trials.started(backend, trials.job("print('up 1')"))
            return await handle.wait(), (await backend.probe()).machine

        ended, machine = trials.run(strange, work)
    assert (ended.code, trials.pids) == (0, [1])
    assert "here, 3.9 there" in machine


def test_slots_are_free_again_however_early_a_job_was_stopped(trials: Trials, cluster: DaskCluster) -> None:
    async def stopped(backend: DaskBackend, number: int) -> None:
        starting = asyncio.ensure_future(trials.started(backend, trials.job("", number)))
        for _ in range(number * number):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})

    async def work(backend: DaskBackend) -> list[int | None]:
        await backend.probe()
        for number in range(24):
            await stopped(backend, number)
        source = MEETS.format(folder=str(trials.folder), count=4)
        handles = [await trials.started(backend, trials.job(source, number)) for number in range(4)]
        return [(await handle.wait()).code for handle in handles]

    assert trials.run(cluster, work) == [0] * 4


def test_a_slot_is_held_until_what_its_step_left_is_here(trials: Trials, cluster: DaskCluster) -> None:
    source = "import os; os.makedirs('../out'); open('../out/made', 'w').write('whole')"

    async def work(backend: DaskBackend) -> None:
        client = await backend._cluster.client()

        async def held() -> int:
            return sum(len(keys) for keys in (await client.processing()).values())

        handle = await trials.started(backend, trials.job(source, results=("out",)))
        assert (await handle.wait()).code == 0
        assert await held() == 1
        await handle.collect(trials.folder / "home")
        while await held():  # noqa: ASYNC110 - the scheduler tells nobody
            await asyncio.sleep(0.01)

    trials.run(cluster, work)
    assert (trials.folder / "home/out/made").read_text() == "whole"


def test_a_slot_that_a_step_has_left_is_the_next_ones_and_nobodys_where_none_comes(
    trials: Trials, cluster: DaskCluster
) -> None:
    async def work(backend: DaskBackend) -> int:
        client = await backend._cluster.client()

        async def ended(number: int, **changes: int) -> None:
            assert (await (await trials.started(backend, trials.job("", number, **changes))).wait()).code == 0

        for number in range(4):
            await ended(number)
        while any((await client.processing()).values()):  # noqa: ASYNC110 - the scheduler tells nobody
            await asyncio.sleep(0.01)
        await ended(4)
        return len(await client.get_events(backend._cluster._topic))

    assert trials.run(cluster, work) == 2


def test_a_slot_that_is_kept_is_in_the_way_of_no_step_that_wants_another(
    trials: Trials, rich: DaskCluster
) -> None:
    async def work(backend: DaskBackend) -> list[int | None]:
        codes = []
        for number, gpus in enumerate((2, 1, 2, 0, 2)):
            handle = await trials.started(backend, trials.job("", number, gpus=gpus))
            codes.append((await handle.wait()).code)
        return codes

    assert trials.run(rich, work) == [0] * 5


def test_a_slot_that_was_taken_back_while_it_was_kept_is_claimed_anew(
    trials: Trials, cluster: DaskCluster
) -> None:
    async def work(backend: DaskBackend) -> list[int | None]:
        codes = []
        client = await backend._cluster.client()
        for number in range(4):
            if number:
                slot = next(iter(backend._cluster._slots.values()))
                await client._cancel([slot.task]) if number == 1 else slot.task.release()
            handle = await trials.started(backend, trials.job("", number))
            codes.append((await handle.wait()).code)
        return codes

    assert trials.run(cluster, work) == [0] * 4


def test_a_worker_that_is_asked_through_the_scheduler_does_the_same(
    trials: Trials, cluster: DaskCluster
) -> None:
    async def work(backend: DaskBackend) -> Exit:
        handle = await trials.started(backend, trials.job("print('up 1')"))
        return await handle.wait()

    assert trials.run(cluster, work, direct=False).code == 0
    assert trials.pids == [1]


@pytest.fixture(scope="module")
def rich(tmp_path_factory) -> Iterator[DaskCluster]:
    """A worker that has more than threads."""
    with dask_cluster(tmp_path_factory.mktemp("rich"), workers=0) as made:
        made.add_worker("--resources", "GPU=2 MEMORY=4e9")
        yield made


def test_each_step_on_a_worker_has_gpus_of_its_own(trials: Trials, rich: DaskCluster) -> None:
    async def work(backend: DaskBackend) -> list[int | None]:
        source = MEETS.format(folder=str(trials.folder), count=2)
        handles = [await trials.started(backend, trials.job(source, number, gpus=1)) for number in (1, 2)]
        return [(await handle.wait()).code for handle in handles]

    assert trials.run(rich, work) == [0, 0]
    assert sorted(trials.printed.split()) == [b"0", b"1", b"gpus", b"gpus"]


def test_memory_is_counted_where_workers_declare_it(trials: Trials, rich: DaskCluster) -> None:
    async def work(backend: DaskBackend) -> None:
        fits = await trials.started(backend, trials.job("print('up 1')", memory=3_000_000_000))
        assert (await fits.wait()).code == 0
        waits = await trials.started(backend, trials.job("print('up 2')", 2, memory=5_000_000_000))
        await trials.seen(lambda: trials.phases[-1].why == "no worker with MEMORY 5e+09")
        await waits.cancel(0.0)

    trials.run(rich, work, memory="MEMORY")
    assert trials.pids == [1]


@pytest.mark.slow
def test_a_worker_that_ran_out_of_memory_is_said_and_its_step_begins_anew(trials: Trials) -> None:
    flag = trials.folder / "go"
    with dask_cluster(trials.folder / "dask", workers=0) as cluster:
        cluster.add_worker("--memory-limit", "400MB", nanny=True)

        async def work(backend: DaskBackend) -> Exit:
            handle = await trials.started(backend, trials.job(WAITS.format(flag=str(flag))))
            await trials.seen(lambda: trials.pids)
            client = await backend._cluster.client()
            eating = asyncio.ensure_future(
                client.run(eval, "[b'x' * 500_000_000, __import__('time').sleep(60)]")
            )
            await trials.seen(lambda: b"begins anew" in trials.printed)
            await asyncio.gather(eating, return_exceptions=True)
            flag.touch()
            return await handle.wait()

        assert trials.run(cluster, work).code == 0
    assert b"had more memory than it may" in trials.printed
    assert not Path(f"/proc/{trials.pids[0]}").exists()
