"""The verbs of ``%pipeline``: what each does with the notebook's pipeline and its runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbpipe.core.parameter import parse_value
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.core.record import dataclass
from nbpipe.core.validation import circle_problems, parameter_problems
from nbpipe.errors import InvalidPipeline, UnknownName, UsageError
from nbpipe.loading.graph_file import save_graph
from nbpipe.notebook.extraction.extract import extract
from nbpipe.notebook.formats.format import KINDS
from nbpipe.notebook.last_graph import LastGraph, last_graph
from nbpipe.notebook.live import is_over, show_below, show_run
from nbpipe.notebook.page import page_asks
from nbpipe.notebook.restore import gone_cells, missing_cells, restore
from nbpipe.notebook.session import Session, declaring
from nbpipe.notebook.verb_line import Verb, VerbLine, VerbOption, read_verb_line
from nbpipe.run import DeclaredRun, PipelineRun, StepRun
from nbpipe.views.targets import look_at, target_lines
from nbpipe.views.why import why_html, why_text

_PIPELINE = VerbOption("NAME", "which pipeline, where there are several")
_PARAM = VerbOption("NAME=VALUE", "set a parameter", repeats=True)
_FORCE = VerbOption("STEP|all", "run it whatever is stored", repeats=True)
_TARGET = VerbOption("NAME", "run there what names no target")
_ONLY = VerbOption("STEP", "only this step and what it needs", repeats=True)

_EXTRACT = {
    "--name": VerbOption("NAME", "the step's name"),
    "--as": VerbOption("NAME=KIND", f"keep a value as {', '.join(KINDS)}", repeats=True),
    "--skip": VerbOption("NAME", "neither pass nor write it", repeats=True),
    "--save-inputs": VerbOption("", "save values that no step makes beside the notebook"),
    "--preview": VerbOption("", "show what would be written, and from where"),
}


@dataclass(frozen=True)
class Shown:
    """A text with a richer form for notebooks."""

    html: str
    text: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def _pipeline(session: Session, line: VerbLine) -> Pipeline:
    return session.pipeline(line.text("--pipeline"))


def _values(pipeline: Pipeline, line: VerbLine) -> dict[str, Any]:
    """Values of ``--param``, each of the type of its default.

    Raises:
        UsageError: a text without ``=``, or a value of another type.
        InvalidPipeline: a parameter that no step takes.
    """
    given: dict[str, Any] = {}
    for text in line.texts("--param"):
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--param {text} has no value.", remedy=f"Write  --param {text}=VALUE")
        given[name] = value
    problems = list(parameter_problems(pipeline.graph.parameters, given))
    if problems:
        raise InvalidPipeline(problems)
    return {name: parse_value(value, pipeline.graph.parameters[name]) for name, value in given.items()}


def show(session: Session, line: VerbLine) -> Pipeline | LastGraph:
    """The pipeline, which displays as its graph with its plan; in a restarted kernel the last graph, greyed.

    Raises:
        InvalidPipeline: its steps wait for each other, so there is no plan to display.
    """
    if last := last_graph(session, line.text("--pipeline")):
        return last
    shown = _pipeline(session, line)
    if problems := list(circle_problems(shown.graph)):
        raise InvalidPipeline(problems)
    for name in gone_cells(session):
        print(f"{name}: its cell is gone from the notebook. Take the step out too:  %pipeline_remove {name}")
    return shown


def plan(session: Session, line: VerbLine) -> Plan:
    """The plan: what will run, what is reused, and why."""
    pipeline = _pipeline(session, line)
    made: Plan = pipeline.plan(
        _values(pipeline, line),
        force=line.texts("--force"),
        steps=line.texts("--only"),
        target=line.text("--target") or None,
    )
    return made


def run(session: Session, line: VerbLine) -> Any:
    """A run that has just been started; shown below the cell."""
    pipeline = _pipeline(session, line)
    started = session.submit(
        pipeline,
        pipeline_parameters=_values(pipeline, line),
        continue_on_step_failure=line.has("--continue-on-failure"),
        force=line.texts("--force"),
        jobs=line.count("--jobs"),
        steps=line.texts("--only"),
        target=line.text("--target") or None,
    )
    return show_run(started, wait=line.has("--wait"))


def _run_meant(session: Session, line: VerbLine, *, run_id: str = "") -> PipelineRun:
    """The named run, else the pipeline's newest one that goes on, else its newest.

    Raises:
        UnknownName: there is none.
    """
    if run_id:
        return session.workspace.get_run(run_id)
    name = session.chosen(line.text("--pipeline"))
    runs = [each for each in session.workspace.runs() if not name or each.pipeline_name == name]
    if not runs:
        raise UnknownName("No run yet.", remedy="Start one:  %pipeline_run")
    return next((each for each in runs if not is_over(each)), runs[0])


def stop(session: Session, line: VerbLine) -> None:
    """Stop a step, or the whole run."""
    meant = _run_meant(session, line)
    if is_over(meant):
        print(f"Run {meant.id} has ended already: {meant.status}.")
        return
    step = line.words[0] if line.words else None
    meant.cancel(step)
    print(f"Run {meant.id}: {step or 'every step'} is being stopped.")


def explain(session: Session, line: VerbLine) -> Shown:
    """Why a step will run or be reused, with diffs."""
    planned = _pipeline(session, line).plan(steps=[line.words[0]])
    found = session.workspace.explain(planned, line.words[0])
    return Shown(why_html(found), why_text(found))


def logs(session: Session, line: VerbLine) -> None:
    """What a step printed, or all of them."""
    meant = _run_meant(session, line, run_id=line.text("--run"))
    if line.has("-f"):
        target = meant.step(line.words[0]) if line.words else meant
        target.wait_for_completion(show_output=True, raise_on_error=False)
        return
    steps = [meant.step(line.words[0])] if line.words else meant.get_steps()
    for each in steps:
        text = _printed(session, each)
        if len(steps) > 1 and text:
            print(f"--- {each.name}: {each.status}")
        if text:
            print(text, end="" if text.endswith("\n") else "\n")
        elif len(steps) == 1:
            print(f"{each.name} ({each.status} in run {meant.id}) has printed nothing.")


def _printed(session: Session, step: StepRun) -> str:
    """What a step printed; of a reused one what it printed in the run that it comes from."""
    if step.reused:
        with suppress(UnknownName):
            step = session.workspace.get_run(step.reused_run).step(step.node_id)
    chunks = step.log.read()[0] if step.state.attempts else []
    return b"".join(data for _, data in chunks).decode("utf-8", "replace")


def attach(session: Session, line: VerbLine) -> PipelineRun:
    """Show a run that was started by another kernel, and follow it."""
    meant = _run_meant(session, line, run_id=line.words[0] if line.words else "")
    show_below(meant)
    return meant


def restore_cells(session: Session, line: VerbLine) -> Pipeline | None:
    """Register the step cells again after a restart of the kernel."""
    for note in restore(session, session.folder / line.words[0] if line.words else None):
        print(note)
    print(f"Registered again: {', '.join(each.name for each in session.declarations) or 'nothing'}.")
    missing = _missing_values(session)
    if missing:
        print(f"Run the cells that set {', '.join(missing)}.")
    return None if missing else session.pipeline()


def _missing_values(session: Session) -> list[str]:
    """Names that step cells read and that neither a step nor the notebook gives now, with their last value."""
    made = {output for each in session.declarations for output in each.outputs}
    last = {name: value for values in session.last_values().values() for name, value in values.items()}
    read = {
        read.name
        for each in session.declarations
        for read in each.line.reads()
        if not (read.path or read.step)
    }
    lacking = sorted(read - made - session.namespace.keys())
    return [f"{name} (it was {last[name]!r})" if name in last else name for name in lacking]


def remove(session: Session, line: VerbLine) -> None:
    """Take a step out of the pipeline; its file stays."""
    gone = session.remove(line.words[0])
    session.save(gone.pipeline)
    kept = session.files.shown(gone.script_path(session.folder))
    print(f"{gone.name} is no step any more. {kept} stays.")


def load(session: Session, line: VerbLine) -> None:
    """Take the text of a step's or module's file into this cell."""
    magic, text, path = _loadable(session, line.words[0])
    if not path.is_file():
        raise UsageError(f"There is no file {session.files.shown(path)}.")
    cell = f"%%{magic} {text}\n{path.read_text('utf-8', 'replace')}".rstrip("\n")
    _insert(cell, replace=True)


def _loadable(session: Session, name: str) -> tuple[str, str, Path]:
    """Magic, magic line and file of a step or module."""
    if name in session.refused:
        text, path = session.refused[name]
        return ("pipeline_module" if name.endswith(".py") else "pipeline_step"), text, path
    if name.endswith(".py"):
        return "pipeline_module", name, session.folder / name
    declared = session.step(name)
    return "pipeline_step", declared.line.text, declared.script_path(session.folder)


def extract_answers(line: VerbLine) -> dict[str, Any]:
    """What a line says of an extraction; see ``extraction.answers``."""
    kinds = dict(text.rpartition("=")[::2] for text in line.texts("--as"))
    given = {"kinds": kinds, "skip": line.texts("--skip"), "save_inputs": line.has("--save-inputs")}
    return given | {"name": line.text("--name"), "preview": line.has("--preview")}


def extract_cell(session: Session, line: VerbLine) -> None:
    """Write a step cell from an ordinary cell below this one; nothing while there is something to answer."""
    made = extract(session, line.words[0], extract_answers(line))
    print(made.told(preview=line.has("--preview")))
    if not (made.questions or line.has("--preview")):
        _insert(made.text, replace=False)


def _insert(cell: str, *, replace: bool) -> None:
    """Put a text into this cell or a new one below; where nobody can, print it."""
    from IPython import get_ipython

    ip = get_ipython()
    if ip is None:
        print(cell)
    else:
        ip.set_next_input(cell, replace=replace)


def edit(session: Session, line: VerbLine) -> Any:
    """A form that makes a step, or changes one; its cell is written, and nothing runs."""
    from nbpipe.notebook.form import form_of  # brings ipywidgets along, which takes long

    return form_of(session, line.words[0] if line.words else "")


def params(session: Session, line: VerbLine) -> Any:
    """A form of the parameters where a page can show it, else a list: values now, and who takes them."""
    graph = _pipeline(session, line).graph
    if page_asks():
        from nbpipe.notebook.params_form import ParamsForm

        return ParamsForm(session, line.text("--pipeline"))
    for name, value in graph.parameters.items():
        takers = ", ".join(node.name for node in graph.nodes if name in node.parameters())
        print(f"{name} = {value!r}  ({takers})")
    if not graph.parameters:
        print("No parameters. A number or text of the notebook becomes one on a magic line:  --lr {lr}")
    return None


def targets(session: Session, line: VerbLine) -> None:
    """List the compute targets, each looked at now."""
    known = session.workspace.targets
    wanted = [known.find(name) for name in line.words] or list(known.all().values())
    for target in wanted if line.has("--renew") else ():
        known.renew(target.name)
    print(*target_lines(look_at(wanted)), sep="\n")


def save(session: Session, line: VerbLine) -> None:
    """Write the pipeline's graph to a file that the terminal runs: ``nbpipe run graph.json``."""
    path = session.folder / line.words[0]
    if path.suffix != ".json":
        raise UsageError(f"{line.words[0]} is no .json file.", remedy="Write  %pipeline_save graph.json")
    workspace = session.workspace
    graph = workspace.graph_of(_pipeline(session, line))
    save_graph(graph, workspace.root, path)
    print(f"{line.words[0]} holds {_steps(len(graph.nodes))}.")


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def check(session: Session, line: VerbLine) -> None:
    """Tell everything that is wrong with the pipeline.

    Raises:
        InvalidPipeline: with every problem.
    """
    made = _pipeline(session, line)
    graph = session.workspace.graph_of(made)
    blocked = [step for step in made.plan() if step.action == "blocked"]
    for step in blocked:
        print(f"- {step.name}: {step.why}")
    for name in missing_cells(session):
        print(f"- {name}: its cell is not in the notebook as saved. If it is gone:  %pipeline_remove {name}")
    if not blocked:
        print(f"No problem: {_steps(len(graph.nodes))}.")


def accept(session: Session, line: VerbLine) -> None:
    """Take a step's last result as valid for an edit known to be harmless."""
    result = session.workspace.accept(_pipeline(session, line), line.words[0])
    origin = result.accepted_from or result.run
    print(f"{line.words[0]}: the result of run {origin} counts for the step as it is now.")
    print(f"Take it back:  %pipeline_run --force {line.words[0]}")


def _verbs() -> Iterator[tuple[str, Verb]]:
    chosen = {"--pipeline": _PIPELINE}
    planned = {"--force": _FORCE, "--only": _ONLY, "--param": _PARAM, "--target": _TARGET} | chosen
    started = {
        "--wait": VerbOption("", "show the output and wait for the end; raise if it fails"),
        "--jobs": VerbOption("N", "steps at once"),
        "--continue-on-failure": VerbOption("", "go on with steps that do not need a failed one"),
    }
    followed = {
        "-f": VerbOption("", "follow it until it ends"),
        "--run": VerbOption("ID", "of an earlier run"),
    }
    yield "run", Verb(run, "", "Start a run; returns at once.", started | planned)
    yield "stop", Verb(stop, "[STEP]", "Stop a step, or the whole run.", chosen, "step")
    yield "plan", Verb(plan, "", "What will run, what is reused, and why.", planned)
    yield "explain", Verb(explain, "STEP", "Why a step will run or be reused.", chosen, "step")
    yield "logs", Verb(logs, "[STEP]", "What a step printed, or all of them.", followed | chosen, "step")
    yield (
        "attach",
        Verb(attach, "[RUN]", "Show a run that another kernel started, and follow it.", chosen, "run"),
    )
    yield "restore", Verb(restore_cells, "[FILE]", "Register the step cells again after a restart.")
    yield (
        "remove",
        Verb(remove, "STEP", "Take a step out of the pipeline; its file stays.", {}, "step", declares=True),
    )
    yield "load", Verb(load, "STEP", "Take a step's file into this cell.", {}, "step")
    yield "extract", Verb(extract_cell, "CELL", "Write a step cell from an ordinary one.", _EXTRACT, "cell")
    yield "edit", Verb(edit, "[STEP]", "A form that makes a step, or changes one.", {}, "step")
    yield "params", Verb(params, "", "The parameters and their values, to change them.", chosen)
    renewed = {"--renew": VerbOption("", "forget what was seen: declared packages are resolved anew")}
    yield (
        "targets",
        Verb(targets, "[NAME]", "List the compute targets: which are ready, what they have.", renewed),
    )
    yield "save", Verb(save, "FILE", "Write the graph for the terminal:  nbpipe run graph.json", chosen)
    yield "check", Verb(check, "", "Tell everything that is wrong with the pipeline.", chosen)
    yield (
        "accept",
        Verb(accept, "STEP", "Take a step's last result as valid for a harmless edit.", chosen, "step"),
    )


SHOW = Verb(
    show,
    "",
    "Show the pipeline: its graph, what will run, what is reused, and why.",
    {"--pipeline": _PIPELINE},
)
VERBS = dict(_verbs())
"""Every verb by name."""


def carry_out(session: Session, name: str, text: str) -> Any:
    """Do what a verb says.

    Args:
        session: the notebook's session.
        name: the verb; empty shows the pipeline.
        text: what stands behind it.

    Returns:
        What the cell displays. In declare mode most verbs do nothing, and a run that was not started answers quietly.
    """
    verb = VERBS[name] if name else SHOW
    line = read_verb_line(name, verb, text)
    if declaring() and not verb.declares:
        return DeclaredRun()
    return verb.run(session, line)
