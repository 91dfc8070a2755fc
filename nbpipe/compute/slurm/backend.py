"""SLURM as a backend: one sbatch a step, over a folder that all machines of the cluster share."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nbpipe import runtime
from nbpipe.compute.base import Backend, Capacity, Handle, Job, Offsets, Sink, Tell, tell_nobody
from nbpipe.compute.checked import check_job
from nbpipe.compute.forked import request_of
from nbpipe.compute.local import LocalBackend
from nbpipe.compute.slurm.job import LATE, SlurmHandle
from nbpipe.compute.slurm.queue import SlurmQueue
from nbpipe.errors import NbpipeError, UsageError
from nbpipe.platform import open_private


class SlurmBackend(Backend):
    """Runs each job as one of a SLURM cluster; it goes on when this process ends.

    The folder of a job has to lie where every machine of the cluster sees it under the same path, and so does
    its interpreter. Beside the job's folder lies one by which the machine that runs it and this one speak
    (`nbpipe.runtime.keeper`). The environment travels as sbatch takes it, never in a file of ours.

    Args:
        name: of the target, for messages.
        partition: where jobs go; empty for the cluster's default.
        options: more words for sbatch, such as ``--account=lab`` or ``--time=2:00:00``.
        launcher: words of the program that starts a step of several machines; default: ``mpiexec`` where it is
            found, else ``srun``.
        environ: environment in which sbatch and its like are called.

    Example::

        backend = SlurmBackend("hpc", partition="gpu", options=["--time=2:00:00"])
    """

    shares_files = True
    outlives = True

    def __init__(
        self, name: str, *, partition: str = "", options: tuple[str, ...] = (), launcher: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._partition = partition
        self._options = options
        self._launcher = launcher
        self._queue = SlurmQueue(name, os.environ if environ is None else environ)
        self._here = LocalBackend()

    async def probe(self) -> Capacity:
        """What the largest machine of the partition has; see `Backend.probe`."""
        here = await self._here.probe()
        cpus, memory, gpus = await self._queue.largest(self._partition)
        return Capacity(cpus, memory, gpus, python=here.python, machine=await self._queue.cluster())

    async def run_script(self, python: str, script: Path, env: Mapping[str, str]) -> bytes:
        """Run it on this machine, which shares its interpreters with the cluster; see `Backend.run_script`."""
        return await self._here.run_script(python, script, env)

    async def start(self, job: Job, sink: Sink, tell: Tell = tell_nobody) -> Handle:
        """Hand the job to the queue; see `Backend.start`."""
        python = check_job(job)
        control = _control_folder(job)
        number = await self._number(control)
        if not number:
            _prepare(control, job)
            script = _batch_script(python, control, self._starter(job, python))
            try:
                number = await self._queue.submit(control.name, self._words(job), script, job.env)
            except NbpipeError:
                shutil.rmtree(control)
                raise
            _write_own(control / "number", number.encode())
        return SlurmHandle(self._queue, number, control, sink, tell, {})

    async def attach(
        self, job: Job, sink: Sink, tell: Tell = tell_nobody, offsets: Offsets | None = None
    ) -> Handle | None:
        """Take up a job by its name, from wherever it was started; see `Backend.attach`."""
        control = _control_folder(job)
        number = await self._number(control)
        if not number and (found := await self._queue.find(control.name)):
            number, folder = found
            control = _control_folder(replace(job, cwd=folder))
        if not number or not await self._is_known(number, control):
            return None
        return SlurmHandle(self._queue, number, control, sink, tell, offsets or {})

    async def _is_known(self, number: str, control: Path) -> bool:
        """Whether a job goes on, or has said how it ended; else nothing is to be had of it any more."""
        reported = (control / "report").exists
        job = None if reported() else await self._queue.ask(number)
        if (job is None or not job.open) and not reported() and control.exists():
            await asyncio.sleep(LATE)
        return reported() or (job is not None and job.open)

    async def _number(self, control: Path) -> str:
        """The number of a job that was queued before, or empty."""
        if not control.exists():
            return ""
        try:
            return (control / "number").read_text("ascii")
        except OSError:  # whoever queued it was killed before it was written down
            found = await self._queue.find(control.name)
        if found is None and not (control / "started").exists():
            shutil.rmtree(control)
        return found[0] if found else ""

    async def aclose(self) -> None:
        """Let go of the queue; jobs go on."""
        await self._queue.aclose()
        await self._here.aclose()

    def _words(self, job: Job) -> list[str]:
        """Options of sbatch for a job: the target's own last, so that they win."""
        words = [f"--nodes={job.nodes}", "--output=/dev/null", "--no-requeue"]
        words += [f"--partition={self._partition}"] if self._partition else []
        words += [f"--gres=gpu:{job.gpus}"] if job.gpus else []
        words += [f"--mem={-(-job.memory // 2**20)}M"] if job.memory else []
        return [*words, f"--chdir={job.cwd}", *self._options]

    def _starter(self, job: Job, python: str) -> tuple[str, ...]:
        if job.nodes == 1:
            return ()
        if self._launcher:
            return self._launcher
        path = os.pathsep.join((os.path.dirname(python), job.env.get("PATH", os.defpath)))
        mpiexec = shutil.which("mpiexec", path=path)
        return (mpiexec, "-n", str(job.nodes)) if mpiexec else ("srun", f"--ntasks={job.nodes}")


def _control_folder(job: Job) -> Path:
    """Where its keeper and this process speak; named so that the queue takes it, and so that it is found there."""
    digest = hashlib.sha256(job.attempt_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", job.attempt_id).strip("-.")[:40]
    return job.cwd.parent / "slurm" / f"{readable}-{digest}"


def _prepare(control: Path, job: Job) -> None:
    """Write what is to be run, without its environment."""
    try:
        control.parent.mkdir(mode=0o700, exist_ok=True)
        control.mkdir(mode=0o700)
    except OSError as error:
        raise UsageError(f"{control} cannot be made: {error.strerror}.", place=job.attempt_id) from error
    _write_own(control / "request", request_of(replace(job, env={})).to_bytes())


def _write_own(path: Path, data: bytes) -> None:
    with open(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(data)


def _batch_script(python: str, control: Path, launcher: tuple[str, ...]) -> str:
    entry = Path(runtime.__file__).with_name("__main__.py")
    words = [python, str(entry), "--keep", str(control), *launcher]
    return f"#!/bin/sh\nexec {' '.join(map(shlex.quote, words))}\n"
