"""One attempt at a step: its process from start to end, and what is published of it."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbpipe.compute.base import Exit, Job, Stream
from nbpipe.core.events import Event, StepCancelled, StepFailed, StepFinished, StepLogged, StepNoted
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.node import CellSource, Node
from nbpipe.core.result import StepResult
from nbpipe.errors import NbpipeError, StoreError, UsageError
from nbpipe.execution.capacity import gpu_names
from nbpipe.execution.far_workplace import FarWorkplace
from nbpipe.execution.frozen import FrozenStep
from nbpipe.execution.logs import LogWriter
from nbpipe.execution.means import Means
from nbpipe.execution.process_environment import command_line, step_environment, step_run_id
from nbpipe.execution.progress import Progress
from nbpipe.execution.publisher import PutThere
from nbpipe.execution.step_process import StepProcess
from nbpipe.execution.workplace import BoundInput, Workplace
from nbpipe.platform import oom_kills
from nbpipe.runtime.masking import TextMasker
from nbpipe.runtime.metrics import fold
from nbpipe.store.files import read_lines

if TYPE_CHECKING:
    from nbpipe.execution.advice import Advice

TAIL = 64 * 2**10
"""Bytes of stderr that are read to say why a step failed."""

SPOOL_POLL = 0.1
"""Seconds between two looks at what the script logged."""

READ_ONLY = "A step only reads its inputs: write to a copy. If another program wrote, run it again."


class Attempt:
    """One attempt at a step.

    Args:
        means: what it works with.
        node: the step.
        folder: the attempt's folder, with its logs.
        number: 1 for the first.
        fingerprint: all of it.
        inputs: what the input ports are bound to.
        gpus: numbers of the GPUs it holds.
        may_retry: True when another attempt may follow.
        forced: nothing that an earlier run started is taken up.
        emit: records an event.

    Attributes:
        put: lets the machine that it ran on put results into a datastore; None where it ran here.
    """

    def __init__(
        self, means: Means, node: Node, folder: Path, *, number: int, fingerprint: Fingerprint,
        inputs: Mapping[str, BoundInput], gpus: list[int], may_retry: bool, emit: Callable[[Event], None],
        forced: bool = False,
    ) -> None:  # fmt: skip
        self.means = means
        self.node = node
        self.folder = folder
        self.number = number
        self.fingerprint = fingerprint
        self.inputs = inputs
        self.gpus = gpus
        self.may_retry = may_retry
        self.emit = emit
        self.records: list[dict[str, Any]] = []
        self.notes: list[StepNoted] = []
        self.forced = forced
        self.put: PutThere | None = None
        # Other workspaces have runs of the same numbers, and may use the same machines.
        self._id = f"{step_run_id(means.frozen.run, node.node_id)}.{number}.{secrets.token_hex(8)}"
        self._stopped_by = ""
        self._process: StepProcess | None = None
        self._readying: asyncio.Task[str] | None = None
        self._progress = Progress(node.node_id, emit, anew=self._begin_anew)
        self._place: Workplace | None = None
        self._spool_offset = 0
        self._oom_before = oom_kills()
        self._secrets = [means.variables.get(name, "") for name in node.environment.secrets]
        self._masker = TextMasker(self._secrets)

    async def run(self) -> Event:
        """Start the process, wait for its end, publish; the event that tells how it ended."""
        log = LogWriter(self.folder, limit=self.means.frozen.options.log_limit, secrets=self._secrets)
        place: Workplace | None = None
        try:
            self._place = place = self.means.workplace(self.folder / "work", self.node)
            self._look_for_secrets()
            step = self.means.frozen.steps[self.node.node_id]
            python = await self._ready(step)
            if python is None:
                return StepCancelled(time.time(), self.node.node_id, self._stopped_by)
            await asyncio.to_thread(place.prepare, step, self.inputs, self.means.runtime)
            self._process = process = self._on_target(python, place, log)
            ended = await self._run_process(process, place)
            log.close()
            self._read_spool(place.spool)
            event = await asyncio.to_thread(self._settle, ended, place, log)
            await self._let_go(process, place, event, ended)
        except (NbpipeError, OSError) as error:
            begun = self._process is not None and self._process.handle is not None
            return self._failed(
                "lost" if begun else "start", one_line(error), remedy=getattr(error, "details", "")
            )
        else:
            return event
        finally:
            log.close()
            if place is not None and os.path.lexists(place.folder):
                await asyncio.to_thread(place.clear)

    def _look_for_secrets(self) -> None:
        names = self.node.environment.secrets
        missing = ", ".join(name for name in names if name not in self.means.variables)
        if missing:
            raise UsageError(
                f"the secret {missing} was not set when the run was submitted.",
                remedy="Set the environment variable in the kernel or the shell, and run again.",
            )

    async def stop(self, by: str) -> None:
        """End the process and all it started; the attempt ends as cancelled by ``by``."""
        self._stopped_by = self._stopped_by or by
        if self._process is not None:
            await self._process.stop(by)
        elif self._readying is not None:
            self._readying.cancel()  # an environment may take minutes to be made

    async def _ready(self, step: FrozenStep) -> str | None:
        """The interpreter of the step, once its target is as it should be; None where it was stopped meanwhile."""
        if step.counted is None:
            return step.python
        making = self.means.backends.make_ready(self.node, step, self._progress.tell)
        self._readying = asyncio.create_task(making)
        await asyncio.wait({self._readying})
        return None if self._readying.cancelled() else self._readying.result()

    def _on_target(self, python: str, place: Workplace, log: LogWriter) -> StepProcess:
        """The attempt's process, ready to be started where the step runs."""
        far, paths = isinstance(place, FarWorkplace), place.paths
        env = step_environment(self.means.variables, self.node, self.means.frozen, paths, far=far)
        if self.gpus:
            env["CUDA_VISIBLE_DEVICES"] = gpu_names(self.gpus, {} if far else self.means.variables)
        resources = self.node.environment.resources
        job = place.sent_with(Job(
            attempt_id=self._id,
            python=python, script=self.node.script,
            argv=command_line(self.node, self.means.frozen.graph.parameters, paths),
            cwd=paths.cwd, env=env, memory=resources.memory, gpus=resources.gpus,
            nodes=self.node.environment.node_count,
        ))  # fmt: skip

        def sink(stream: Stream, data: bytes) -> None:
            (place.take if stream == "spool" else log.write)(stream, data)

        return StepProcess(
            self.means.backends.of(self.node.target), job, place, sink, self._progress,
            limit=resources.timeout, away=self.means.away(self.fingerprint.key, self.node), forced=self.forced,
        )  # fmt: skip

    async def _run_process(self, process: StepProcess, place: Workplace) -> Exit:
        """Start it, follow what its runtime records, and bring home what it left."""
        if self._stopped_by:
            await process.stop(self._stopped_by)
        watching = asyncio.create_task(self._watch_spool(place))
        try:
            ended = await process.run()
        finally:
            watching.cancel()
        self._stopped_by = self._stopped_by or process.stopped_by
        if process.handle is not None and not ended.lost:
            await place.collect(process.handle)
        if process.taken_up:
            text = f"{self.node.name} was taken up on {self.node.target}, where an earlier run had started it"
            self.notes.append(StepNoted(time.time(), self.node.node_id, text))
        return ended

    async def _let_go(self, process: StepProcess, place: Workplace, event: Event, ended: Exit) -> None:
        """Let the target remove what it holds of the attempt; it keeps what was published, for steps to come.

        One that was lost may still be there when the target is back.
        """
        if ended.lost:
            return
        if away := self.means.away(self.fingerprint.key, self.node):
            away.settled()
        if process.handle is not None:
            outputs = event.outputs if isinstance(event, StepFinished) else {}
            with suppress(NbpipeError):  # the target clears up by itself some day
                await process.handle.forget(place.kept_there(outputs))
                self.put = process.handle.put if isinstance(place, FarWorkplace) else None

    async def _watch_spool(self, place: Workplace) -> None:
        while True:
            await asyncio.sleep(SPOOL_POLL)
            self._read_spool(place.spool)

    def _begin_anew(self) -> None:
        """Forget what was recorded on a machine that was lost: the step begins again on another."""
        self._spool_offset = 0
        self.records.clear()
        if self._place is not None:
            self._place.begin_anew()

    def _read_spool(self, spool: Path) -> None:
        path = spool / "spool.jsonl"
        with suppress(StoreError):  # what the script put there is no file
            records, self._spool_offset = read_lines(path, self._spool_offset)
            for record in records:
                # The script may have written anything there; only what the runtime writes counts.
                if isinstance(record, dict) and {"record", "run"} <= record.keys():
                    self._take_record(self._masker.record(record))

    def _take_record(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        self.emit(StepLogged(time.time(), self.node.node_id, record))

    def _settle(self, ended: Exit, place: Workplace, log: LogWriter) -> Event:
        """Judge how it ended, keep what it left in ``./outputs`` however that was, and clear up."""
        try:
            event = self._judge(ended, place, log)
            if isinstance(event, StepFailed | StepCancelled):
                event = replace(event, kept=place.publish_kept())
            if place.not_kept:
                text = self._masker.text(f"./outputs was not kept: {place.not_kept}")
                self.notes.append(StepNoted(time.time(), self.node.node_id, text))
            return event
        finally:
            place.clear()

    def _judge(self, ended: Exit, place: Workplace, log: LogWriter) -> Event:
        """Look at the exit and the inputs; publish if all is well."""
        changed = place.changed(self.inputs)  # however it ended: a changed object is no result any more
        if self._stopped_by:
            return StepCancelled(
                time.time(),
                self.node.node_id,
                self._stopped_by,
                ended.wall,
                self._process is not None and self._process.timed_out,
            )
        if ended.code != 0:
            return self._broken(ended, place, log)
        told = next((record for record in reversed(self.records) if record["record"] == "fail"), None)
        if told is not None:  # Azure ML v1: a script that calls run.fail() has failed, whatever it exits with
            details = str(told.get("details") or "").strip() or "the script called run.fail()"
            return self._failed("exit", details.splitlines()[0], ended)
        if changed:
            return self._failed(
                "input", f"input changed while running: {', '.join(changed)}", ended, remedy=READ_ONLY
            )
        return self._publish(ended, place, log)

    def _publish(self, ended: Exit, place: Workplace, log: LogWriter) -> Event:
        """Take the outputs into the store, if they are all what was declared."""
        problems = {port.name: place.form_problem(port) for port in self.node.outputs}
        wrong = next((name for name, problem in problems.items() if problem), None)
        if wrong is not None:
            return self._broken(ended, place, log, wrong)
        try:
            outputs = {port.name: place.publish(port) for port in self.node.outputs}
            self.means.put_copies(self.node, outputs)
        except NbpipeError as error:
            return self._failed("output", one_line(error), ended, remedy=error.details)
        return self._publish_result(ended, outputs, place.publish_kept())

    def _publish_result(self, ended: Exit, outputs: dict[str, str], kept: str) -> Event:
        key = self.fingerprint.key
        frozen = self.means.frozen
        there = [each.record for each in self.means.results.all(key)]
        made = [record for record in there if not record.get("accepted_from")]
        # A clock that was set back makes no new result older than those it supersedes.
        before = [record["finished"] for record in there if isinstance(record.get("finished"), int | float)]
        now = max([time.time(), *before])
        result = StepResult(
            key=key, run=frozen.run, step=self.node.name, node=self.node.node_id, pipeline=frozen.graph.name,
            outputs=outputs, fingerprint=self.means.memory.keep_fingerprint(self.fingerprint), finished=now,
            seconds=ended.wall, metrics=fold(self.records), kept=kept, likeness=self.fingerprint.likeness,
            inputs=dict(self.fingerprint.part("inputs")),
        )  # fmt: skip
        self.means.results.publish(key, frozen.run, result.to_json())
        unequal = [
            port
            for port, digest in outputs.items()
            if any(record.get("outputs", {}).get(port) != digest for record in made)
        ]
        if unequal:
            names = ", ".join(self.node.output(port).file_name or port for port in unequal)
            text = f"{self.node.name} is not deterministic ({names}): its descendants always rerun"
            self.notes.append(StepNoted(now, self.node.node_id, text))
        return StepFinished(
            now, self.node.node_id, self.number, outputs, ended.wall, ended.cpu, ended.peak_bytes, kept
        )  # fmt: skip

    def _broken(self, ended: Exit, place: Workplace, log: LogWriter, wrong: str | None = None) -> StepFailed:
        advice = self._advice(ended, place, log, wrong)
        cause = "output" if wrong else "exit"
        if ended.lost:
            cause = "lost"
        elif ended.out_of_memory:
            cause = "memory"
        elif ended.signal:
            cause = "signal"
        return self._failed(cause, advice.message, ended, remedy=advice.remedy, line=advice.line)

    def _advice(
        self, ended: Exit, place: Workplace, log: LogWriter, wrong: str | None
    ) -> Advice:  # fmt: skip
        from nbpipe.execution.advice import Failure, advise

        source = self.node.source
        cell = isinstance(source, CellSource)
        step = self.means.frozen.steps[self.node.node_id]
        words = ["".join(map(str, word)) for word in self.node.arguments]
        options = self.means.frozen.options
        failure = Failure(
            step=self.node.name,
            script=self.node.script,
            cell=source.cell if isinstance(source, CellSource) else "",
            exit_code=ended.code,
            signal=ended.signal,
            lost=ended.lost,
            out_of_memory=ended.out_of_memory,
            oom_kills=0 if isinstance(place, FarWorkplace) else oom_kills() - self._oom_before,
            memory_limit=self.node.environment.resources.memory,
            stderr=log.tail("stderr", TAIL).decode("utf-8", "replace"),
            notebook_folder=self.means.root / source.folder,
            workspace=self.means.root,
            is_cell=cell,
            taken_along=set(step.files),
            words=words,
            inputs=dict(place.paths.inputs),
            outputs={
                port.name: (place.paths.outputs[port.name], _option_of(self.node, port.name))
                for port in self.node.outputs
            },
            missing_output=wrong,
            written=place.written(step.files) if wrong else [],
            names_elsewhere=dict(options.names_elsewhere),
            imports_elsewhere=dict(options.imports_elsewhere),
            python=step.python,
        )
        return advise(failure)

    def _failed(
        self,
        cause: str,
        message: str,
        ended: Exit | None = None,
        *,
        remedy: str = "",
        line: int | None = None,
    ) -> StepFailed:
        masked = self._masker.text  # a script may give a secret to a file as its name
        return StepFailed(
            time.time(), self.node.node_id, self.number, cause, masked(message),
            code=ended.code if ended else None, signal=ended.signal if ended else None, line=line,
            remedy=masked(remedy),
            wall=ended.wall if ended else 0.0, cpu=ended.cpu if ended else 0.0,
            peak_bytes=ended.peak_bytes if ended else 0, will_retry=self.may_retry,
        )  # fmt: skip


def _option_of(node: Node, output: str) -> str:
    """The option with which an output's path is given (``--out``), or empty."""
    before = ""
    for word in node.arguments:
        text = "".join(map(str, word))
        if any(piece.kind == "output" and piece.value == output for piece in word):
            return text.partition("=")[0] if "=" in text else before
        before = text if text.startswith("-") else ""
    return ""


def one_line(error: BaseException) -> str:
    """What an error says, in one line."""
    if isinstance(error, OSError) and error.filename and not isinstance(error, NbpipeError):
        return f"{error.filename}: {error.strerror}"
    return str(getattr(error, "fact", None) or error or type(error).__name__).splitlines()[0]
