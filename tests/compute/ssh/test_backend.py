"""A machine over SSH keeps the laws of backends, and nothing is lost when the line to it is."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from nbpipe.compute.base import Backend
from nbpipe.compute.conformance import BackendLaws, Target
from nbpipe.compute.conformance.family import NAMES, family
from nbpipe.compute.conformance.trial import Heard, Trial
from nbpipe.compute.ssh.kind import KIND
from nbpipe.errors import NbpipeError
from tests.sshd import Sshd, new_key, sshd_in
from tests.waiting import eventually

pytestmark = pytest.mark.ssh

COUNT = "import time\nfor n in range(100, 160): print(n, flush=True); time.sleep(0.05)\n"
COUNTED = [str(n) for n in range(100, 160)]


def opened(sshd: Sshd, **changes: object) -> Backend:
    """One more holder of the target."""
    return KIND.open("gpu-box", KIND.check({**sshd.settings, **changes}), sshd.environ)


def holder(sshd: Sshd) -> str:
    return (
        "from nbpipe.compute.ssh.kind import KIND\n"
        f"backend = KIND.open('gpu-box', KIND.check({sshd.settings!r}), {sshd.environ!r})\n"
    )


@pytest.fixture(scope="module")
def one_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd_in(tmp_path_factory.mktemp("sshd") / "sshd") as server:
        yield server


@pytest.fixture
def trial(sshd: Sshd, tmp_path: Path) -> Trial:
    return Trial(Target(lambda: opened(sshd)), tmp_path)


class TestLaws(BackendLaws):
    """The laws of every backend."""

    @pytest.fixture
    def target(self, one_sshd: Sshd) -> Target:
        return Target(lambda: opened(one_sshd), holder(one_sshd))

    @pytest.fixture
    def trial(self, target: Target, tmp_path: Path) -> Trial:
        return Trial(target, tmp_path)


async def until(look: Callable[[], object]) -> None:
    """Wait until something holds, while the backend goes on."""
    await asyncio.to_thread(eventually, look, 60)


def test_a_connection_that_drops_in_mid_step_leaves_no_gap(sshd: Sshd, trial: Trial):
    async def work(backend: Backend) -> None:
        handle, heard = await trial.started(backend, await trial.job(backend, COUNT))
        for number in ("110", "125", "140"):
            await heard.line(number)
            assert await asyncio.to_thread(sshd.drop) > 0
        assert (await handle.wait()).code == 0
        assert heard.lines == COUNTED
        names = [phase.name for phase in heard.phases]
        assert names.count("away") >= 3
        assert names[-1] == "running"

    trial.run(work)


def test_a_machine_that_vanishes_and_comes_back_has_gone_on(sshd: Sshd, trial: Trial):
    async def work(backend: Backend) -> None:
        handle, heard = await trial.started(backend, await trial.job(backend, COUNT))
        await heard.line("110")
        await asyncio.to_thread(sshd.kill)
        await until(lambda: any("refuses connections" in phase.why for phase in heard.named("away")))
        await asyncio.to_thread(sshd.start)
        assert (await handle.wait()).code == 0
        assert heard.lines == COUNTED

    trial.run(work)


def test_a_machine_that_comes_back_with_another_host_key_is_not_spoken_to(sshd: Sshd, trial: Trial):
    right = sshd.folder / "host_key"

    async def work(backend: Backend) -> None:
        handle, heard = await trial.started(backend, await trial.job(backend, COUNT))
        await heard.line("110")
        await asyncio.to_thread(sshd.kill)
        right.rename(sshd.folder / "right")
        new_key(right)
        await asyncio.to_thread(sshd.start, trusted=False)
        await until(lambda: any("is not the one in" in phase.why for phase in heard.named("away")))
        await asyncio.to_thread(sshd.kill)
        (sshd.folder / "right").replace(right)
        await asyncio.to_thread(sshd.start, trusted=False)
        assert (await handle.wait()).code == 0
        assert heard.lines == COUNTED

    trial.run(work)


def test_what_is_sent_and_fetched_goes_on_where_the_line_broke(sshd: Sshd, trial: Trial):
    blob = os.urandom(1 << 20) * 48

    async def work(backend: Backend) -> None:
        source = "import shutil; shutil.copy('big.bin', 'out.bin')"
        parcel = trial.parcel({"big.bin": blob}, results=("out.bin",))
        job = await trial.job(backend, source, parcel=parcel)
        heard = Heard()

        async def cut(phase: str) -> None:
            await until(lambda: heard.named(phase))
            await asyncio.to_thread(sshd.drop)

        cutting = asyncio.create_task(cut("sending"))
        handle = await backend.start(job, heard.sink, heard.phases.append)
        await cutting
        assert (await handle.wait()).code == 0, heard.stderr
        cutting = asyncio.create_task(cut("fetching"))
        into = trial.folder / "home"
        into.mkdir()
        await handle.collect(into)
        await cutting
        assert (into / "out.bin").read_bytes() == blob
        assert heard.named("sending")[-1].done == heard.named("sending")[-1].total

    trial.run(work)


def test_a_second_job_of_the_same_data_sends_nothing(sshd: Sshd, trial: Trial):
    async def work(backend: Backend) -> None:
        parcel = trial.parcel({"data.bin": os.urandom(1 << 20)})
        source = "print(len(open('data.bin', 'rb').read()))"
        first, second = [await trial.job(backend, source, parcel=parcel) for _ in range(2)]
        (_, heard), (_, again) = await trial.finished(backend, first), await trial.finished(backend, second)
        assert heard.lines == again.lines == ["1048576"]
        assert heard.named("sending")[-1].total > 1 << 20
        assert again.named("sending") == []

    trial.run(work)


def test_a_full_disk_there_is_told_with_the_machine_and_nothing_is_started(sshd: Sshd, tmp_path: Path, tmpfs):
    root = tmpfs(sshd.there / "small", "3m")
    trial = Trial(Target(lambda: opened(sshd, root=str(root))), tmp_path)

    async def work(backend: Backend) -> None:
        job = await trial.job(
            backend, "print('started')", parcel=trial.parcel({"big.bin": os.urandom(5 << 20)})
        )
        with pytest.raises(NbpipeError) as error:
            await backend.start(job, Heard().sink)
        assert "gpu-box" in str(error.value)
        assert re.search(r"disk|room|space", str(error.value))
        _, heard = await trial.finished(backend, await trial.job(backend, "print('small steps still run')"))
        assert heard.lines == ["small steps still run"]

    trial.run(work)


def test_an_agent_that_is_killed_takes_its_steps_along_and_says_so(sshd: Sshd, trial: Trial):
    async def work(backend: Backend) -> None:
        job = await trial.job(backend, family(NAMES) + "time.sleep(600)")
        handle, heard = await trial.started(backend, job)
        await heard.line("job ")
        pids = [line.split()[1] for line in heard.lines]
        for process in sshd.agents():
            process.send_signal(signal.SIGKILL)
        ended = await handle.wait()
        assert ended.lost
        assert ended.code is None
        await trial.until_gone(backend, pids)

    trial.run(work)


def test_a_clock_a_day_off_changes_nothing(sshd: Sshd, trial: Trial):
    sshd.kill()
    shifted = sshd.there / "shifted"
    shifted.mkdir()
    (shifted / "sitecustomize.py").write_text(
        "import time\nnow, now_ns = time.time, time.time_ns\n"
        "time.time = lambda: now() - 86400\ntime.time_ns = lambda: now_ns() - 86400 * 10**9\n"
    )
    sshd.env = [f"PYTHONPATH={shifted}"]
    sshd.start()

    async def work(backend: Backend) -> None:
        assert (
            float(await trial.printed(backend, "import time; print(time.time())"))
            < shifted.stat().st_mtime - 80000
        )
        parcel = trial.parcel({"data.txt": b"data"}, results=("out.txt",))
        source = "import shutil, time; time.sleep(0.2); shutil.copy('data.txt', 'out.txt')"
        handle, _ = await trial.started(backend, await trial.job(backend, source, parcel=parcel))
        ended = await handle.wait()
        assert ended.code == 0
        assert 0.2 <= ended.wall < 3600
        (trial.folder / "home").mkdir()
        await handle.collect(trial.folder / "home")
        assert (trial.folder / "home" / "out.txt").read_bytes() == b"data"
        second, _ = await trial.started(backend, await trial.job(backend, source, parcel=parcel))
        await second.cancel(0)

    trial.run(work)


def test_no_step_that_was_cancelled_leaves_anybody(sshd: Sshd, trial: Trial):
    async def work(backend: Backend) -> None:
        handle, heard = await trial.started(
            backend, await trial.job(backend, family(NAMES) + "time.sleep(600)")
        )
        await heard.line("job ")
        pids = [int(line.split()[1]) for line in heard.lines]
        await handle.cancel(0)
        assert not [pid for pid in pids if psutil.pid_exists(pid)]

    trial.run(work)


def test_a_machine_that_is_not_there_is_told_at_once(sshd: Sshd, trial: Trial):
    sshd.kill()
    with pytest.raises(NbpipeError) as error:
        trial.run(lambda backend: backend.probe())
    assert "refuses connections" in str(error.value)
    assert f"ssh -p {sshd.port}" in str(error.value)


def test_opening_a_target_connects_to_nothing(sshd: Sshd):
    async def go() -> None:
        backend = opened(sshd)
        await backend.aclose()

    before = (sshd.folder / "log").read_text().count("Accepted")
    asyncio.run(go())
    assert (sshd.folder / "log").read_text().count("Accepted") == before


def test_a_job_there_has_that_machines_environment(sshd: Sshd, trial: Trial):
    _, heard = trial.ran("import os; print(os.environ['HOME'], os.environ.get('NBPIPE_TEST_HERE'))")
    assert heard.lines == [f"{sshd.there} None"]
