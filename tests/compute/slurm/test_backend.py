"""A real SLURM runs steps, tells why they wait, and loses none."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from nbpipe.compute.base import Exit, Job, Phase
from nbpipe.compute.slurm.backend import SlurmBackend
from nbpipe.compute.slurm.queue import SlurmQueue
from nbpipe.errors import NbpipeError
from tests.slurm_cluster import SlurmCluster
from tests.waiting import eventually

pytestmark = pytest.mark.slow


async def seen(look: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, look)


class Steps:
    """Scripts run by the cluster, with what they printed and where they stood."""

    def __init__(self, cluster: SlurmCluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder / "code"
        self.folder.mkdir()
        self.printed = {"stdout": b"", "stderr": b""}
        self.phases: list[Phase] = []

    def backend(self, **settings) -> SlurmBackend:
        return SlurmBackend("hpc", environ=self.cluster.environ, **settings)

    def job(self, source: str, *argv: str, **changes) -> Job:
        (self.folder / "script.py").write_text(textwrap.dedent(source))
        return replace(
            Job("1.train.1", sys.executable, "script.py", argv, self.folder, self.cluster.environ), **changes
        )

    def sink(self, stream: str, data: bytes) -> None:
        self.printed[stream] += data

    async def ran(self, job: Job, **settings) -> Exit:
        backend = self.backend(**settings)
        try:
            handle = await backend.start(job, self.sink, self.phases.append)
            return await handle.wait()
        finally:
            await backend.aclose()

    def run(self, job: Job, **settings) -> Exit:
        return asyncio.run(self.ran(job, **settings))


@pytest.fixture
def steps(cluster: SlurmCluster, tmp_path: Path) -> Steps:
    return Steps(cluster, tmp_path)


def test_what_a_step_prints_and_how_it_exits_comes_back(steps: Steps) -> None:
    ended = steps.run(steps.job(
        """
        import sys
        print("out", sys.argv[1])
        print("err", file=sys.stderr)
        sys.exit(3)
        """, "ärger ü",
    ))  # fmt: skip
    assert (ended.code, ended.signal, ended.lost) == (3, None, "")
    assert steps.printed == {"stdout": "out ärger ü\n".encode(), "stderr": b"err\n"}
    assert steps.phases[-1].name == "running"
    assert steps.phases[-1].where in ("n1", "n2")


def test_a_step_is_queued_once_for_its_attempt(steps: Steps) -> None:
    job = steps.job("open('ran', 'a').write('x')")

    async def twice() -> None:
        for _ in range(2):
            await steps.ran(job)

    asyncio.run(twice())
    assert (steps.folder / "ran").read_text() == "x"


def test_a_step_that_waits_says_why(steps: Steps) -> None:
    hold = steps.cluster.call(
        "sbatch", "--parsable", "-p", "small", "--exclusive", "--wrap", "sleep 600", "-o", "/dev/null"
    )
    job = steps.job("print(1)")

    async def watched() -> Exit:
        backend = steps.backend(partition="small", options=("--exclusive",))
        handle = await backend.start(job, steps.sink, steps.phases.append)
        await seen(lambda: any(phase.why == "Resources" for phase in steps.phases))
        steps.cluster.call("scancel", hold.strip())
        ended = await handle.wait()
        await backend.aclose()
        return ended

    assert asyncio.run(watched()).code == 0
    assert steps.phases[0].name == "queued"


def test_stopping_ends_the_whole_tree_and_is_obeyed_with_patience(steps: Steps) -> None:
    job = steps.job(
        """
        import os, signal, subprocess, sys, time
        child = "import os, time; os.setsid(); open('child', 'w').write(str(os.getpid())); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", child])
        signal.signal(signal.SIGTERM, lambda *_: print("bye", flush=True))
        while not os.path.exists("child"): time.sleep(0.01)
        print("up", flush=True)
        time.sleep(600)
        time.sleep(600)
        """
    )

    async def stopped() -> Exit:
        backend = steps.backend()
        handle = await backend.start(job, steps.sink)
        await seen(lambda: b"up" in steps.printed["stdout"])
        await handle.cancel(0.5)
        ended = await handle.wait()
        await backend.aclose()
        return ended

    assert asyncio.run(stopped()).signal == 9
    assert b"bye" in steps.printed["stdout"]
    child = int((steps.folder / "child").read_text())
    eventually(lambda: not Path(f"/proc/{child}").exists())


def test_one_that_waits_in_the_queue_can_be_stopped(steps: Steps) -> None:
    async def stopped() -> Exit:
        backend = steps.backend(options=("--hold",))
        handle = await backend.start(steps.job("print(1)"), steps.sink, steps.phases.append)
        await handle.cancel(5.0)
        ended = await handle.wait()
        await backend.aclose()
        return ended

    assert asyncio.run(stopped()).signal == 15
    assert steps.printed["stdout"] == b""


def test_a_later_process_takes_a_step_up_without_a_gap(steps: Steps) -> None:
    job = steps.job(
        """
        import os, time
        for number in range(100):
            print(number, flush=True)
            while number == 50 and not os.path.exists("go"): time.sleep(0.01)
        """
    )

    async def begun() -> None:
        backend = steps.backend()
        await backend.start(job, steps.sink)
        await seen(lambda: b"50\n" in steps.printed["stdout"])
        await backend.aclose()

    async def taken_up() -> Exit:
        backend = steps.backend()
        first = len(steps.printed["stdout"])
        handle = await backend.attach(job, steps.sink, offsets={"stdout": first})
        (steps.folder / "go").touch()
        ended = await handle.wait()
        await backend.aclose()
        return ended

    asyncio.run(begun())
    assert asyncio.run(taken_up()).code == 0
    assert steps.printed["stdout"].split() == [b"%d" % number for number in range(100)]
    assert asyncio.run(steps.backend().attach(replace(job, attempt_id="other"), steps.sink)) is None


def test_a_keeper_that_is_killed_is_told_as_a_loss_and_leaves_nothing(steps: Steps) -> None:
    job = steps.job("import os, time\nopen('step', 'w').write(f'{os.getpid()} ')\ntime.sleep(600)")

    def pid() -> int:
        text = (steps.folder / "step").read_text() if (steps.folder / "step").exists() else ""
        return int(text) if text.endswith(" ") else 0

    async def killed() -> Exit:
        backend = steps.backend()
        handle = await backend.start(job, steps.sink)
        await seen(pid)
        guard = psutil.Process(pid()).parent()
        guard.parent().kill()
        ended = await handle.wait()
        await backend.aclose()
        return ended

    assert "left no report" in asyncio.run(killed()).lost
    eventually(lambda: not Path(f"/proc/{pid()}").exists())


def test_a_step_has_as_many_machines_as_it_wants(steps: Steps) -> None:
    source = "import os\nprint(os.environ['SLURMD_NODENAME'], os.environ['SLURM_NNODES'])"
    ended = steps.run(steps.job(source, nodes=2), launcher=("srun", "--ntasks=2"))
    assert ended.code == 0, steps.printed
    assert sorted(steps.printed["stdout"].split()) == [b"2", b"2", b"n1", b"n2"]


def test_the_ranks_of_a_step_find_each_other(steps: Steps) -> None:
    source = """
        from mpi4py import MPI
        world = MPI.COMM_WORLD
        print(world.size, world.allreduce(world.rank + 1), flush=True)
        """
    ended = steps.run(steps.job(source, nodes=2))
    assert ended.code == 0, steps.printed
    assert steps.printed["stdout"] == b"2 3\n" * 2


def test_what_the_environment_holds_lies_in_no_file_of_ours(steps: Steps) -> None:
    env = {**steps.cluster.environ, "TOKEN": "s3cr3t-t0ken"}
    steps.run(steps.job("import os; print(len(os.environ['TOKEN']))", env=env))
    assert steps.printed["stdout"] == b"12\n"
    written = b"".join(path.read_bytes() for path in steps.folder.parent.rglob("*") if path.is_file())
    assert b"s3cr3t-t0ken" not in written
    modes = {path.stat().st_mode & 0o077 for path in (steps.folder.parent / "slurm").rglob("*")}
    assert modes == {0}


def test_ten_megabytes_of_log_come_whole(steps: Steps) -> None:
    ended = steps.run(steps.job("for number in range(1_000_000): print(f'{number:09d}')"))
    assert ended.code == 0
    assert steps.printed["stdout"] == b"".join(b"%09d\n" % number for number in range(1_000_000))


def test_a_partition_that_is_not_there_is_told_with_those_that_are(steps: Steps) -> None:
    with pytest.raises(NbpipeError, match="no partition gpu") as caught:
        asyncio.run(steps.backend(partition="gpu").probe())
    assert "debug" in caught.value.remedy
    with pytest.raises(NbpipeError, match="partition"):
        steps.run(steps.job("print(1)"), partition="gpu")


def test_a_job_that_somebody_else_cancels_is_told_as_that(steps: Steps) -> None:
    job = steps.job("import os, time; print(os.environ['SLURM_JOB_ID'], flush=True); time.sleep(600)")

    async def cancelled() -> Exit:
        backend = steps.backend()
        handle = await backend.start(job, steps.sink)
        await seen(lambda: steps.printed["stdout"].endswith(b"\n"))
        steps.cluster.call("scancel", steps.printed["stdout"].decode().strip())
        ended = await handle.wait()
        await backend.aclose()
        return ended

    assert asyncio.run(cancelled()).lost == "Somebody cancelled its job."


def test_a_job_that_slurm_could_not_start_is_told_with_the_machine_that_knows_why(steps: Steps) -> None:
    spool = steps.cluster.sockets / "n3"
    away = spool.rename(spool.with_name("away"))
    ended = steps.run(steps.job("print(1)"), partition="small")
    away.rename(spool)
    assert "could not start it there; slurmd's log on n3 tells" in ended.lost


def test_the_cluster_says_what_it_has(steps: Steps) -> None:
    capacity = asyncio.run(steps.backend().probe())
    assert (capacity.cpus, capacity.memory, capacity.machine) == (2, 4000 * 2**20, "practice")


def test_a_controller_that_is_away_for_a_while_loses_no_step(steps: Steps) -> None:
    job = steps.job(
        "import os, time\nprint('up', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)"
    )

    async def through() -> Exit:
        backend = steps.backend()
        handle = await backend.start(job, steps.sink)
        await seen(lambda: b"up" in steps.printed["stdout"])
        controller = steps.cluster.pid("controller")
        os.kill(controller, 9)
        (steps.folder / "go").touch()
        ended = await handle.wait()
        steps.cluster.controller()
        await backend.aclose()
        return ended

    assert asyncio.run(through()).code == 0


def test_a_machine_without_slurm_says_so(tmp_path: Path) -> None:
    backend = SlurmBackend("hpc", environ={"PATH": str(tmp_path)})
    with pytest.raises(NbpipeError, match="no sinfo on this machine"):
        asyncio.run(backend.probe())


def test_a_loop_may_end_at_any_moment_of_a_question_to_slurm(cluster: SlurmCluster) -> None:
    asking = set()

    async def ended(after: int) -> None:
        asking.add(asyncio.create_task(SlurmQueue("hpc", cluster.environ).ask("1")))
        for _ in range(after):
            await asyncio.sleep(0)

    for after in range(20):
        asyncio.run(ended(after))
    assert all(each.done() for each in asking)
