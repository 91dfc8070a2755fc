"""Results taken back into the notebook: ``nbpipe.path("clean")``."""

from __future__ import annotations

from pathlib import Path

from nbpipe.core.run_state import Status
from nbpipe.core.validation import close_to
from nbpipe.errors import ActivityFailedException, NotebookError, UnknownName, UsageError
from nbpipe.loading.declared import LEFT_OUT
from nbpipe.notebook.session import Session, current, declaring
from nbpipe.run import PipelineRun, StepRun


def path(name: str, *, run: PipelineRun | str | None = None, timeout: float | None = None) -> Path:
    """Where the result ``name`` lies; waits for the run that makes it.

    Args:
        name: an output, ``clean`` or ``prep.clean``.
        run: a run or its id; default: the newest run of the pipeline that makes it.
        timeout: seconds to wait at most; None waits for ever.

    Returns:
        The file or folder in the store: read it, do not write to it.

    Raises:
        ActivityFailedException: the step that makes it failed, was cancelled or could not run.
        UnknownName: no run makes it.
        TimeoutError: it was not made in time; the run goes on.

    Example:
        ``pandas.read_csv(nbpipe.path("clean"))``
    """
    if declaring():
        raise NotebookError(LEFT_OUT)
    session = current()
    found = _given(session, run, name) if run is not None else _newest(session, name)
    step_run, output = _maker(found, name)
    step_run.wait_for_completion(show_output=False, timeout_seconds=timeout, raise_on_error=False)
    if not Status(step_run.state.status).good:
        raise _not_made(step_run, name)
    return step_run.get_output(output).path


def _given(session: Session, run: PipelineRun | str, name: str) -> PipelineRun:
    found = session.workspace.get_run(run) if isinstance(run, str) else run
    if not _makers(found, name):
        raise UnknownName(f"Run {found.id} makes no {{{name}}}.", remedy=_listed(found))
    return found


def _newest(session: Session, name: str) -> PipelineRun:
    """The newest run that makes it, of the pipeline that declares it where the notebook declares it."""
    output = name.rpartition(".")[2]
    declared = {each.pipeline for each in session.declarations if output in each.outputs}
    runs = session.workspace.runs()
    for run in runs:
        if (not declared or run.pipeline_name in declared) and _makers(run, name):
            return run
    if declared:
        raise UsageError(f"{{{name}}} is not made yet.", remedy="Start the run that makes it:  %pipeline_run")
    known = {
        each for run in runs[:1] for node in run.graph.nodes for each in (port.name for port in node.outputs)
    }
    known |= {each for declaration in session.declarations for each in declaration.outputs}
    meant = close_to(name, known)
    hint = f" Did you mean {{{meant}}}?" if meant else ""
    listed = (
        f"Steps make: {', '.join(f'{{{each}}}' for each in sorted(known))}"
        if known
        else "Start one:  %pipeline_run"
    )
    raise UnknownName(f"No run makes {{{name}}}.{hint}", remedy=listed)


def _makers(run: PipelineRun, name: str) -> list[tuple[str, str]]:
    """``(node, output)`` of every step of a run that makes it."""
    step, _, output = name.rpartition(".")
    return [
        (node.node_id, port.name)
        for node in run.graph.nodes
        for port in node.outputs
        if port.name == output and step in ("", node.name, node.node_id)
    ]


def _maker(run: PipelineRun, name: str) -> tuple[StepRun, str]:
    makers = _makers(run, name)
    if len(makers) > 1:
        forms = "  or  ".join(f'nbpipe.path("{node}.{output}")' for node, output in makers[:4])
        raise UsageError(f"{len(makers)} steps make {{{name}}}.", remedy=f"Say which:  {forms}")
    node, output = makers[0]
    return StepRun(run, node), output


def _listed(run: PipelineRun) -> str:
    ports = sorted({port.name for node in run.graph.nodes for port in node.outputs})
    return f"It makes: {', '.join(f'{{{port}}}' for port in ports) or 'nothing'}"


def _not_made(step_run: StepRun, name: str) -> ActivityFailedException:
    run = step_run.run
    if step_run.failure:
        error = step_run.error()
        return ActivityFailedException(
            f"{{{name}}} was not made in run {run.id}. {error.fact}",
            remedy=error.remedy or f"Its output:  %pipeline_logs {step_run.name}",
        )
    state = step_run.state
    why = getattr(state.last, "because", "") or getattr(state.last, "by", "")
    if run.interrupted:
        return ActivityFailedException(
            f"{{{name}}} was not made: run {run.id} was interrupted.", remedy="Run it again:  %pipeline_run"
        )
    return ActivityFailedException(
        f"{{{name}}} was not made: {step_run.name} was {state.status} in run {run.id}"
        + (f" ({why})." if why else "."),
        remedy="Run it again:  %pipeline_run",
    )
