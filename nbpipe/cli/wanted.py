"""The pipeline that a command line asks for: which file, with which parameters, forced steps and target."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import click

from nbpipe.core.graph import Graph
from nbpipe.core.parameter import parse_value
from nbpipe.core.plan import Plan
from nbpipe.core.record import dataclass
from nbpipe.core.validation import close_to, parameter_problems
from nbpipe.errors import InvalidPipeline, UnknownName, UsageError
from nbpipe.loading.load import KINDS, Loaded, load
from nbpipe.run import PipelineRun
from nbpipe.workspace import DECLARE_MODE, Workspace

FORMS = "NOTEBOOK|PIPELINE.py|graph.json"
"""How usage lines call the file of a pipeline."""


@dataclass(frozen=True)
class Wanted:
    """A pipeline as a command line asks for it.

    Attributes:
        loaded: what the file declares.
        graph: its graph, on the wanted compute target.
        values: parameter -> value.
        force: steps that run whatever is stored.
        only: only these steps and what they need; empty for all.
        jobs: steps at once, or None.
    """

    loaded: Loaded
    graph: Graph
    values: Mapping[str, Any]
    force: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    jobs: int | None = None

    @property
    def workspace(self) -> Workspace:
        """Where it is planned and run."""
        return self.loaded.workspace

    def plan(self) -> Plan:
        """What would happen."""
        return self.workspace.plan(
            self.graph, pipeline_parameters=self.values, force=self.force, python=self.loaded.python,
            steps=self.only,
        )  # fmt: skip

    def submit(self, *, continue_on_step_failure: bool) -> PipelineRun:
        """Start its run."""
        run = self.workspace.submit(
            self.graph, pipeline_parameters=self.values, force=self.force, jobs=self.jobs, steps=self.only,
            continue_on_step_failure=continue_on_step_failure, python=self.loaded.python,
            names_elsewhere=self.loaded.names_elsewhere, imports_elsewhere=self.loaded.imports_elsewhere,
        )  # fmt: skip
        return cast("PipelineRun", run)  # ``_wanted`` is never asked in declare mode


def takes_pipeline(*, required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a verb the pipeline's file and options; it gets ``want``, which loads it when called.

    Args:
        required: the file has to be named; else ``want`` answers None without one.
    """
    options = (
        click.argument("file", required=required, metavar=FORMS if required else f"[{FORMS}]"),
        click.option(
            "--param", "params", multiple=True, metavar="NAME=VALUE", help="Set a pipeline parameter."
        ),
        click.option("--force", multiple=True, metavar="STEP|all", help="Run this step whatever is stored."),
        click.option("--only", multiple=True, metavar="STEP", help="Only this step and what it needs."),
        click.option("--jobs", type=click.IntRange(1), metavar="N", help="Steps at once, when it runs."),
        click.option("--target", default="", metavar="NAME", help="Compute target of steps that name none."),
        click.option(
            "--pipeline", default="", metavar="NAME", help="Which one, where the file declares several."
        ),
    )

    def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(verb)
        def call(
            *, file: str | None, params: tuple[str, ...], target: str, pipeline: str, force: tuple[str, ...],
            only: tuple[str, ...], jobs: int | None, **others: Any,
        ) -> Any:  # fmt: skip
            def want(path: str | None = file) -> Wanted | None:
                if path is None:
                    return None
                return _wanted(path, pipeline, params, target, force=force, only=only, jobs=jobs)

            return verb(want=want, **others)

        for option in reversed(options):
            call = option(call)
        return call

    return decorate


def _wanted(
    path: str, pipeline: str, params: Iterable[str], target: str, *, force: tuple[str, ...],
    only: tuple[str, ...], jobs: int | None,
) -> Wanted:  # fmt: skip
    if os.environ.get(DECLARE_MODE):
        raise SystemExit(
            0
        )  # a cell of a notebook that is being loaded calls us: nothing is started from there
    loaded = load(path, pipeline)
    graph = on_target(loaded.graph, target, loaded.workspace) if target else loaded.graph
    for name in (*force, *only):
        _check_step(graph, name)
    return Wanted(loaded, graph, values_of(graph, params), force, only, jobs)


def _check_step(graph: Graph, name: str) -> None:
    if name != "all" and not graph.named(name):
        meant = close_to(name, graph.node_dict)
        hint = f" Did you mean {meant}?" if meant else ""
        raise UnknownName(f"No step {name}.{hint}", remedy=f"Steps: {', '.join(graph.node_dict)}")


def values_of(graph: Graph, params: Iterable[str]) -> dict[str, Any]:
    """Values of ``--param NAME=VALUE``, each of the type of its default.

    Raises:
        UsageError: a word without ``=``, or a value of another type.
        InvalidPipeline: the graph has no such parameter.

    Example:
        >>> graph = Graph()
        >>> graph.parameters["lr"] = 0.1
        >>> values_of(graph, ["lr=0.2"])
        {'lr': 0.2}
    """
    texts: dict[str, str] = {}
    for word in params:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"--param {word} sets nothing.", remedy="Write it as  --param NAME=VALUE")
        texts[name] = text
    problems = list(parameter_problems(graph.parameters, texts))
    if problems:
        raise InvalidPipeline(problems)
    values = {}
    for name, text in texts.items():
        try:
            values[name] = parse_value(text, graph.parameters[name])
        except UsageError as error:
            raise UsageError(f"--param {name}: {error.fact}") from None
    return values


def on_target(graph: Graph, target: str, workspace: Workspace) -> Graph:
    """The graph with the steps that name no compute target on this one.

    Raises:
        UnknownName: the workspace has no such target.
    """
    return graph.on_target(workspace.targets.find(target).name)


def workspace_at(file: str | None) -> Workspace:
    """The workspace of a pipeline's file or of a folder; of the working directory where none is named.

    Raises:
        UsageError: there is no such file or folder.
    """
    path = Path(file) if file else Path()
    if not path.exists():
        raise UsageError(f"There is no file {file}.")
    return Workspace.find(path if path.is_dir() else path.absolute().parent)


def is_pipeline_file(word: str) -> bool:
    """True for a word that names a file from which a pipeline is read."""
    path = Path(word)
    return path.suffix in KINDS and path.is_file()
