"""Nothing that a job starts outlives it or its cancelling."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from nbpipe.compute.base import Backend, Exit, Handle
from nbpipe.compute.conformance.family import NAMES, PRELUDE
from nbpipe.compute.conformance.trial import Heard, Laws, Trial


class EndingLaws(Laws):
    """Laws of how jobs end that do not end by themselves."""

    def during(
        self, trial: Trial, source: str, act: Callable[[Handle], Awaitable[object]]
    ) -> tuple[Exit, Heard, list[str]]:
        """Do something to a job once it has told of itself; how it ended, and which of its processes are left."""

        async def work(backend: Backend) -> tuple[Exit, Heard, list[str]]:
            handle, heard = await trial.started(backend, await trial.job(backend, source))
            await heard.line("job ")
            await act(handle)
            ended = await handle.wait()
            told = [line.split()[1] for line in heard.lines if line.startswith((*NAMES, "job"))]
            return ended, heard, await trial.alive(backend, told)

        return trial.run(work)

    def test_cancelling_ends_the_whole_tree(self, trial: Trial) -> None:
        ended, heard, left = self.during(
            trial, trial.family + "time.sleep(600)", lambda handle: handle.cancel(0.3)
        )
        assert len(heard.lines) == len(trial.target.family) + 1
        assert (ended.signal in (signal.SIGTERM, signal.SIGKILL), left) == (True, [])

    def test_what_a_job_leaves_behind_is_gone_when_it_is_done(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            job = await trial.job(backend, trial.family + "os._exit(7)")
            ended, heard = await trial.finished(backend, job)
            assert ended.code == 7
            assert await trial.alive(backend, await trial.pids(heard)) == []

        trial.run(work)

    def test_a_job_may_use_its_grace(self, trial: Trial) -> None:
        source = """
def save(*_):
    os.write(1, b"saved\\n")
    os._exit(4)
signal.signal(signal.SIGTERM, save)
tell("job")
time.sleep(600)
"""
        ended, heard, _ = self.during(trial, PRELUDE + source, lambda handle: handle.cancel(60))
        assert (ended.code, heard.lines[-1]) == (4, "saved")

    def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(self, trial: Trial) -> None:
        source = PRELUDE + "deafen()\ntell('job')\ntime.sleep(600)"
        ended, _, left = self.during(trial, source, lambda handle: handle.cancel(0.2))
        assert (ended.signal, left) == (signal.SIGKILL, [])

    def test_a_job_that_was_stopped_can_be_cancelled(self, trial: Trial) -> None:
        source = PRELUDE + "tell('job')\nos.kill(os.getpid(), signal.SIGSTOP)"
        ended, _, left = self.during(trial, source, lambda handle: handle.cancel(0.1))
        # SIGTERM may come just before it stops itself.
        assert (ended.signal in (signal.SIGTERM, signal.SIGKILL), left) == (True, [])

    def test_of_two_cancels_the_less_patient_counts_and_one_after_the_end_is_no_error(
        self, trial: Trial
    ) -> None:
        async def act(handle: Handle) -> None:
            await asyncio.gather(handle.cancel(600), handle.cancel(0))
            await handle.cancel(1)

        source = PRELUDE + "deafen()\ntell('job')\ntime.sleep(600)"
        ended, _, left = self.during(trial, source, act)
        assert (ended.signal, left) == (signal.SIGKILL, [])

    def test_who_stops_waiting_leaves_the_job_alone(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            source = PRELUDE + "tell('job')\ntime.sleep(0.3)\nprint('done')"
            handle, heard = await trial.started(backend, await trial.job(backend, source))
            waiting = asyncio.ensure_future(handle.wait())
            await heard.line("job ")
            waiting.cancel()
            assert (await handle.wait()).code == (await handle.wait()).code == 0
            assert heard.lines[-1] == "done"

        trial.run(work)

    def test_other_jobs_go_on_when_one_is_ended(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            source = PRELUDE + "tell('job')\ntime.sleep(600)"
            first, heard = await trial.started(backend, await trial.job(backend, source))
            second, heard_too = await trial.started(backend, await trial.job(backend, source))
            await heard.line("job ")
            pid = await heard_too.line("job ")
            await first.cancel(0)
            assert await trial.alive(backend, [pid]) == [pid]
            await second.cancel(0)

        trial.run(work)
