"""A job is started once for its attempt, and is found again by others or ends with its holder."""

from __future__ import annotations

import asyncio
import secrets
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from nbpipe.compute.base import Backend, Handle, Job, Offsets
from nbpipe.compute.conformance.family import PRELUDE
from nbpipe.compute.conformance.trial import Heard, Laws, Trial

_COUNTS = "import os, time\nfor n in range(5): print(n, os.getpid(), flush=True); time.sleep(0.05)"

_HOLDER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from nbpipe.compute.conformance.trial import Target, Trial

async def main():
    trial = Trial(Target(lambda: backend), Path(sys.argv[1]))
    job = replace(await trial.job(backend, trial.family + "time.sleep(2)\\nprint('done')"), attempt_id=sys.argv[2])
    sys.stderr.write(job.place)
    await backend.start(job, lambda stream, data: sys.stdout.buffer.write(data) and sys.stdout.flush())
    await asyncio.sleep(3600)

asyncio.run(main())
"""


async def attached(backend: Backend, job: Job, heard: Heard, offsets: Offsets | None = None) -> Handle:
    """A job that was found again; the law is passed over where there is no such thing."""
    handle = await backend.attach(job, heard.sink, heard.phases.append, offsets)
    if handle is None:
        if backend.outlives:
            pytest.fail("jobs outlive their holder, and this one is not found")
        pytest.skip("jobs cannot be found again")
    return handle


class HolderLaws(Laws):
    """Laws of those who hold a backend, one after the other or at once."""

    def test_an_attempt_that_nobody_started_is_not_found(self, trial: Trial) -> None:
        async def work(backend: Backend) -> Handle | None:
            return await backend.attach(await trial.job(backend, ""), Heard().sink)

        assert trial.run(work) is None

    def test_a_job_is_started_once_however_often_that_is_asked(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            job = await trial.job(backend, _COUNTS)
            first, heard = await trial.started(backend, job)
            await attached(backend, job, Heard())
            second, heard_too = await trial.started(backend, job)
            assert (await first.wait()).code == (await second.wait()).code == 0
            third, late = await trial.started(backend, job)
            assert (await third.wait()).code == 0
            assert heard.stdout == heard_too.stdout == late.stdout
            assert len(heard.lines) == 5

        trial.run(work)

    def test_output_goes_on_at_the_offsets_that_were_taken(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            source = "import sys\nprint('0123456789'); sys.stderr.write('abcdef')"
            job = await trial.job(backend, source)
            ended, _ = await trial.finished(backend, job)
            heard = Heard()
            again = await attached(backend, job, heard, {"stdout": 4, "stderr": 6})
            assert await again.wait() == ended
            assert (heard.stdout, heard.stderr) == (b"456789\n", b"")

        trial.run(work)

    def test_closing_lets_a_job_go_on_or_ends_it(self, trial: Trial) -> None:
        async def first(backend: Backend) -> tuple[Job, list[str]]:
            job = await trial.job(backend, trial.family + "time.sleep(1)\nprint('done')")
            _, heard = await trial.started(backend, job)
            return job, await trial.pids(heard)

        async def second(backend: Backend, job: Job, family: list[str]) -> None:
            if not backend.outlives:
                assert await trial.alive(backend, family) == []
                return
            heard = Heard()
            handle = await attached(backend, job, heard)
            assert (await handle.wait()).code == 0
            assert heard.lines[-1] == "done"
            assert await trial.pids(heard) == family

        job, family = trial.run(first)
        trial.run(lambda backend: second(backend, job, family))

    def test_two_holders_follow_one_job(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            if not backend.outlives:
                pytest.skip("jobs end with their holder")
            other = trial.target.open()
            try:
                job = await trial.job(backend, PRELUDE + "tell('job')\ntime.sleep(600)")
                first, heard = await trial.started(backend, job)
                heard_too = Heard()
                second = await attached(other, job, heard_too)
                assert await heard.line("job ") == await heard_too.line("job ")
                await second.cancel(0)
                assert (await first.wait()).signal == (await second.wait()).signal == signal.SIGKILL
            finally:
                await other.aclose()

        trial.run(work)

    def test_a_holder_that_is_killed_leaves_its_job_to_others_or_takes_it_along(self, trial: Trial) -> None:
        if not trial.target.holder:
            pytest.skip("this target does not say how a holder is made (Target.holder)")
        attempt_id = f"law-{secrets.token_hex(8)}"
        code = textwrap.dedent(trial.target.holder) + _HOLDER
        holder = subprocess.Popen(
            [sys.executable, "-c", code, str(trial.folder), attempt_id],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

        async def work(backend: Backend) -> None:
            heard = Heard()
            family = await asyncio.to_thread(_told, holder)
            holder.send_signal(signal.SIGKILL)
            _, place = await asyncio.to_thread(holder.communicate)
            if not backend.outlives:
                await trial.until_gone(backend, family)
                return
            job = replace(await trial.job(backend, ""), attempt_id=attempt_id, place=place.decode())
            handle = await attached(backend, job, heard)
            assert (await handle.wait()).code == 0
            assert (await trial.pids(heard), heard.lines[-1]) == (family, "done")

        try:
            trial.run(work)
        finally:
            holder.kill()
            holder.communicate()


def _told(holder: subprocess.Popen[bytes]) -> list[str]:
    """The process numbers that a holder heard of."""
    assert holder.stdout is not None
    told = [holder.stdout.readline().decode().split() for _ in range(5)]
    return [line[1] for line in told]
