"""A real Dask cluster keeps the laws of every backend, and loses no step with a worker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from nbpipe.compute.base import Exit, Placed
from nbpipe.compute.conformance import BackendLaws, Target
from nbpipe.compute.dask.backend import DaskBackend
from nbpipe.errors import NbpipeError
from tests.dask_cluster import WAITS, DaskCluster, Trials, dask_cluster

pytestmark = pytest.mark.runner

_HOLDER = """
from nbpipe.compute.dask.backend import DaskBackend
backend = DaskBackend("cluster", {address!r})
"""


class TestDask(BackendLaws):
    """A worker over TCP."""

    @pytest.fixture
    def target(self, cluster: DaskCluster) -> Target:
        holder = _HOLDER.format(address=cluster.address)
        return Target(lambda: DaskBackend("cluster", cluster.address), holder=holder)


class TestThroughScheduler(BackendLaws):
    """A worker that is spoken with through its scheduler."""

    pytestmark = pytest.mark.slow

    @pytest.fixture
    def target(self, cluster: DaskCluster) -> Target:
        return Target(lambda: DaskBackend("cluster", cluster.address, direct=False))


def test_a_worker_that_is_killed_leaves_nothing_and_its_step_begins_on_another(trials: Trials) -> None:
    flag = trials.folder / "go"
    with dask_cluster(trials.folder / "dask") as cluster:

        async def work(backend: DaskBackend) -> Exit:
            handle = await trials.started(backend, trials.job(WAITS.format(flag=str(flag))))
            await trials.seen(lambda: b"up" in trials.printed)
            await trials.seen(lambda: any(phase.name == "running" for phase in trials.phases))
            name = next(phase.where for phase in trials.phases if phase.name == "running")
            cluster.workers[int(name.removeprefix("worker"))].kill()
            await trials.seen(lambda: len(trials.pids) == 2)
            flag.touch()
            return await handle.wait()

        assert trials.run(cluster, work).code == 0
    assert b"was lost; the step begins anew" in trials.printed
    assert any(phase.why == "its worker was lost" for phase in trials.phases)
    assert not any(Path(f"/proc/{pid}").exists() for pid in trials.pids)


def test_a_step_that_has_finished_is_never_run_again(trials: Trials) -> None:
    ran = trials.folder / "ran"
    with dask_cluster(trials.folder / "dask") as cluster:

        async def work(backend: DaskBackend) -> None:
            handle = await trials.started(backend, trials.job(f"open({str(ran)!r}, 'a').write('x')"))
            assert (await handle.wait()).code == 0
            name = next(phase.where for phase in trials.phases if phase.name == "running")
            cluster.workers[int(name.removeprefix("worker"))].kill()
            second = await trials.started(backend, trials.job("print('up 1')", 2))
            assert (await second.wait()).code == 0

        trials.run(cluster, work)
    assert ran.read_text() == "x"


def test_where_a_worker_has_just_left_another_one_answers(trials: Trials) -> None:
    script = trials.folder / "look.py"
    script.write_text("print('here')")
    with dask_cluster(trials.folder / "dask") as cluster:

        async def work(backend: DaskBackend) -> bytes:
            await backend.probe()
            name = next(iter(backend._cluster.workers.values()))["name"]
            cluster.workers[int(name.removeprefix("worker"))].kill()
            return await backend.run_script("", script, {})

        assert trials.run(cluster, work) == b"here\n"


def test_jobs_end_with_whoever_started_them(trials: Trials) -> None:
    with dask_cluster(trials.folder / "dask", workers=1) as cluster:

        async def work(backend: DaskBackend) -> None:
            await trials.started(backend, trials.job(WAITS.format(flag="/nowhere")))
            await trials.seen(lambda: trials.pids)
            # As when the process is killed: nothing is said to anybody.
            client = await backend._cluster.client()
            client.scheduler_comm.comm.abort()
            await trials.seen(lambda: not Path(f"/proc/{trials.pids[0]}").exists())

        trials.run(cluster, work)


def test_a_scheduler_that_is_gone_is_said_and_nothing_hangs(trials: Trials) -> None:
    with dask_cluster(trials.folder / "dask", workers=1) as cluster:

        async def work(backend: DaskBackend) -> Exit:
            handle = await trials.started(backend, trials.job(WAITS.format(flag="/nowhere")))
            await trials.seen(lambda: trials.pids)
            cluster.scheduler.kill()
            return await handle.wait()

        ended = trials.run(cluster, work)
        assert cluster.address in ended.lost
        assert "is gone" in ended.lost


def test_a_worker_that_is_shut_down_in_good_order_ends_its_step_which_begins_on_another(
    trials: Trials,
) -> None:
    flag = trials.folder / "go"
    with dask_cluster(trials.folder / "dask") as cluster:

        async def work(backend: DaskBackend) -> Exit:
            handle = await trials.started(backend, trials.job(WAITS.format(flag=str(flag))))
            await trials.seen(lambda: any(phase.name == "running" for phase in trials.phases))
            name = next(phase.where for phase in trials.phases if phase.name == "running")
            cluster.workers[int(name.removeprefix("worker"))].terminate()
            await trials.seen(lambda: b"begins anew" in trials.printed)
            flag.touch()
            return await handle.wait()

        assert trials.run(cluster, work).code == 0
    assert trials.printed.splitlines()[-1] == b"done"


def test_a_step_begins_anew_when_somebody_restarts_its_cluster(trials: Trials) -> None:
    flag = trials.folder / "go"
    with dask_cluster(trials.folder / "dask", workers=1) as cluster:

        async def work(backend: DaskBackend) -> Exit:
            handle = await trials.started(backend, trials.job(WAITS.format(flag=str(flag))))
            await trials.seen(lambda: trials.pids)
            async with Client(cluster.address, asynchronous=True, set_as_default=False) as somebody:
                await somebody.restart(wait_for_workers=False)
            await asyncio.to_thread(cluster.add_worker)
            await trials.seen(lambda: len(trials.pids) == 2)
            flag.touch()
            return await handle.wait()

        assert trials.run(cluster, work).code == 0


def test_a_step_is_stopped_while_what_it_needs_is_sent(trials: Trials, cluster: DaskCluster) -> None:
    large = trials.folder / "large"
    with large.open("wb") as file:
        file.truncate(1 << 32)

    async def work(backend: DaskBackend) -> Exit:
        job = trials.job("print('up 1')")
        parcel = replace(
            job.parcel,
            files={**job.parcel.files, "large": Placed("0" * 64)},
            objects={**job.parcel.objects, "0" * 64: large},
        )
        starting = asyncio.ensure_future(trials.started(backend, replace(job, parcel=parcel)))
        await trials.seen(lambda: any(phase.name == "sending" for phase in trials.phases))
        (handle,) = backend._handles.values()
        await handle.cancel(0.0)
        await starting
        return await handle.wait()

    assert trials.run(cluster, work).signal == signal.SIGTERM
    assert not trials.pids


def test_a_worker_that_says_nothing_any_more_is_not_waited_for(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbpipe.compute.dask.worker_channel.SILENCE", 0.5)
    monkeypatch.setattr("nbpipe.compute.dask.backend._AWAY", 0.5)
    with dask_cluster(trials.folder / "dask", workers=1) as cluster:

        async def work(backend: DaskBackend) -> Exit:
            handle = await trials.started(backend, trials.job(WAITS.format(flag="/nowhere")))
            await trials.seen(lambda: trials.pids)
            os.kill(cluster.workers[0].pid, signal.SIGSTOP)
            return await handle.wait()

        assert "does not answer" in trials.run(cluster, work).lost


def test_a_backend_is_closed_also_in_the_moment_in_which_an_answer_comes(
    trials: Trials, cluster: DaskCluster
) -> None:
    async def work(backend: DaskBackend) -> None:
        await backend.probe()
        connection = backend._cluster
        watching, looked = connection._watching, connection._workers

        async def looked_and_closed(client: Client) -> Any:
            told = await looked(client)
            asyncio.get_running_loop().call_soon(watching.cancel)
            return told

        connection._workers = looked_and_closed
        await asyncio.wait({watching})

    trials.run(cluster, work)


def test_steps_that_want_one_gpu_do_not_overlap(trials: Trials) -> None:
    with dask_cluster(trials.folder / "dask", workers=0) as cluster:
        cluster.add_worker("--resources", "GPU=1")

        async def work(backend: DaskBackend) -> None:
            source = (
                "import time; print('b', time.time(), flush=True); time.sleep(0.7); print('e', time.time())"
            )
            handles = [
                await trials.started(backend, trials.job(source, number, gpus=1)) for number in (1, 2, 3)
            ]
            assert [(await handle.wait()).code for handle in handles] == [0, 0, 0]

        trials.run(cluster, work)
    marks = sorted((float(line.split()[1]), line.split()[0]) for line in trials.printed.splitlines())
    assert [mark for _, mark in marks] == [b"b", b"e"] * 3
    assert "all workers are busy" in {phase.why for phase in trials.phases}


def test_a_step_says_what_it_waits_for_and_can_be_stopped_then(trials: Trials) -> None:
    with dask_cluster(trials.folder / "dask", workers=0) as cluster:

        async def work(backend: DaskBackend) -> Exit:
            handle = await trials.started(backend, trials.job("print('up 1')"))
            await trials.seen(lambda: any(phase.why == "no worker" for phase in trials.phases))
            await asyncio.to_thread(cluster.add_worker)
            assert (await handle.wait()).code == 0
            second = await trials.started(backend, trials.job("print('up 2')", 2, gpus=2))
            await trials.seen(lambda: any(phase.why == "no worker with GPU 2" for phase in trials.phases))
            await second.cancel(1.0)
            return await second.wait()

        assert trials.run(cluster, work).signal == signal.SIGTERM
    assert trials.pids == [1]


def test_a_scheduler_that_is_not_there_is_said_with_its_address(trials: Trials) -> None:
    backend = DaskBackend("cluster", "tcp://127.0.0.1:9")
    with pytest.raises(NbpipeError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        asyncio.run(backend.probe())


def test_a_step_wants_one_machine(trials: Trials, cluster: DaskCluster) -> None:
    with pytest.raises(NbpipeError, match="one machine"):
        trials.run(cluster, lambda backend: trials.started(backend, trials.job("", nodes=2)))


def certificates(folder: Path, name: str) -> dict[str, str]:
    """A certificate that vouches for itself, for every role."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True,
    )  # fmt: skip
    return {"tls_ca_file": str(cert), "tls_client_cert": str(cert), "tls_client_key": str(key)}


def test_a_cluster_over_tls_is_spoken_to_by_who_has_its_certificates_alone(trials: Trials) -> None:
    ours, others = certificates(trials.folder, "ours"), certificates(trials.folder, "others")
    options = (
        "--tls-ca-file",
        ours["tls_ca_file"],
        "--tls-cert",
        ours["tls_client_cert"],
        "--tls-key",
        ours["tls_client_key"],
    )

    async def ran(tls: dict[str, str], address: str) -> Exit:
        backend = DaskBackend("cluster", address, {**tls, "require_encryption": True})
        try:
            return await (await trials.started(backend, trials.job("print('up 1')"))).wait()
        finally:
            await backend.aclose()

    with dask_cluster(trials.folder / "dask", workers=1, options=options, protocol="tls") as cluster:
        assert cluster.address.startswith("tls://")
        assert asyncio.run(ran(ours, cluster.address)).code == 0
        in_memory = {name: Path(path).read_text() for name, path in ours.items()}
        assert asyncio.run(ran(in_memory, cluster.address)).code == 0
        with pytest.raises(NbpipeError, match="is not vouched for by tls_ca_file"):
            asyncio.run(ran(others, cluster.address))
