"""The workspace: opens a folder and wires everything below it; plans, submits and finds runs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbpipe.core.compute import LOCAL, ComputeTarget
from nbpipe.core.datastore import Datastore
from nbpipe.core.explanation import Explanation, explain
from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan, StepPlan
from nbpipe.core.result import StepResult
from nbpipe.core.validation import build_problems, circle_problems, gpu_problems, parameter_problems
from nbpipe.errors import InvalidPipeline, NbpipeError, Problem, UnknownName, UsageError
from nbpipe.execution.acceptance import accept_result
from nbpipe.execution.capacity import count_gpus
from nbpipe.execution.datastores import Datastores
from nbpipe.execution.fingerprinter import Prepared
from nbpipe.execution.frozen import FrozenTarget, RunOptions
from nbpipe.execution.given import Given
from nbpipe.execution.located import Locator
from nbpipe.execution.memory import StoredMemory
from nbpipe.execution.planner import Planner
from nbpipe.execution.process_environment import submitter_environment
from nbpipe.execution.reused_run import tell_reused_run
from nbpipe.execution.run_folder import RunFolder
from nbpipe.execution.settings import CONFIG_KEYS, SETTINGS_FILE, Settings, config_in, read_config
from nbpipe.execution.staging import script_problem
from nbpipe.execution.submission import freeze, start_runner, write_frozen
from nbpipe.execution.targets import WorkspaceTargets
from nbpipe.run import DeclaredRun, PipelineRun
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.locks import Lock
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results

if TYPE_CHECKING:
    from nbpipe.store.collector import Collector

DECLARE_MODE = "NBPIPE_DECLARE"
"""Environment variable: set while a notebook or script is only read for the pipeline it declares."""


class Workspace:
    """A folder with pipelines, their state and their runs.

    Args:
        root: the folder; nothing is written before something is run.
        config: Azure ML v1's three keys, where there is a ``config.json``.

    Example:
        ``ws = Workspace.open(".")``
    """

    def __init__(self, root: str | os.PathLike[str] = ".", config: Mapping[str, str] | None = None) -> None:
        self.root = Path(os.path.abspath(root))
        config = config or {}
        self.subscription_id = config.get("subscription_id", "local")
        self.resource_group = config.get("resource_group", "local")
        self.name = config.get("workspace_name") or self.root.name or "workspace"
        self.state = StateFolder(self.root)
        self.digests = FileDigests(self.state)
        self.objects = ObjectStore(self.state, self.digests)
        self.results = Results(self.state)
        self.stores = Datastores(self.state, self)
        self.sharing = self.stores.sharing(
            lambda: self.settings.shared, self.results, self.objects, warnings.warn
        )
        self.memory = StoredMemory(self.results, self.objects, self.sharing)
        self.targets = WorkspaceTargets(self.state, self)
        far = self.stores.far_data(self.objects, self.digests)
        self._planner = Planner(self.state, self.digests, self.memory, self.targets, far)
        self._locator = Locator(self.root)

    @staticmethod
    def find(start: str | os.PathLike[str] = ".") -> Workspace:
        """The workspace that a folder belongs to: the nearest one upward that has state of ours or a v1 config.

        Folders above the home folder are not looked at; where none is found it is the folder itself.
        """
        folder = Path(os.path.abspath(start))
        for place in (folder, *folder.parents):
            if place in Path.home().parents:
                break
            config = config_in(place)
            if StateFolder(place).exists() or config is not None:
                return Workspace(place, config)
        return Workspace(folder)

    @staticmethod
    def open(folder: str | os.PathLike[str] = ".") -> Workspace:
        """The workspace that a folder belongs to; ``UsageError`` where there is no such folder."""
        if not os.path.isdir(folder):
            raise UsageError(f"There is no folder {os.fspath(folder)}.")
        return Workspace.find(folder)

    @staticmethod
    def from_config(path: str | os.PathLike[str] | None = None, auth: Any = None) -> Workspace:  # noqa: ARG004
        """The workspace of a v1 ``config.json``, or of the working directory where there is none.

        Args:
            path: the file or its folder; default: search upward.
            auth: kept for v1.

        Raises:
            UsageError: ``path`` names no config with v1's three keys.
        """
        if path is None:
            return Workspace.find(".")
        folder = Path(path) if os.path.isdir(path) else Path(path).parent
        config = config_in(folder) if os.path.isdir(path) else read_config(Path(path))
        if config is None:
            keys = f"It has the keys {', '.join(CONFIG_KEYS)}."
            raise UsageError(f"{os.fspath(path)} is no workspace config.", remedy=keys)
        return Workspace(folder.parent if folder.name == ".azureml" else folder, config)

    @cached_property
    def settings(self) -> Settings:
        """What the workspace's ``nbpipe.toml`` says."""
        return Settings.read(self.root / SETTINGS_FILE)

    @property
    def compute_targets(self) -> Mapping[str, ComputeTarget]:
        """Compute targets by name."""
        return self.targets.all()

    def get_default_compute_target(self, type: str = "CPU") -> ComputeTarget:  # noqa: A002 - Azure ML v1's name
        """The target of steps that name none."""
        del type
        return self.compute_targets[LOCAL]

    @property
    def datastores(self) -> Mapping[str, Datastore]:
        """Datastores by name; the first is the workspace's own folder."""
        return self.stores.all()

    def get_default_datastore(self) -> Datastore:
        """The datastore that was chosen as default, else the workspace's own folder."""
        return self.stores.default()

    def set_default_datastore(self, name: str) -> None:
        """Choose the default datastore; ``UnknownName`` where there is none of that name."""
        self.stores.set_default(name)

    def get_datastore(self, name: str) -> Datastore:
        """The datastore of that name; ``UnknownName`` names those there are."""
        return self.stores.find(name)

    def share(self, datastore: Datastore | str | None) -> None:
        """Share results through a datastore, or the path or URL of a folder, with all who do so; None ends it."""
        self.stores.share(datastore.name if isinstance(datastore, Datastore) else datastore)
        self.sharing.reset()

    def script_problem(self, node: Node) -> str:
        """Why a script cannot be found from the working directory, or an empty string."""
        return script_problem(node, os.getcwd())

    def locate(self, graph: Graph, base: Path) -> Graph:
        """The graph with paths, relative to ``base``, made relative to the workspace where they lie in it."""
        return self._locator.locate(graph, base)

    def graph_of(
        self,
        pipeline: Pipeline | Graph,
        values: Mapping[str, Any] | None = None,
        target: str | None = None,
    ) -> Graph:
        """The graph that would run: paths located, parameter values set.

        Args:
            pipeline: a pipeline, or a graph whose paths are relative to the workspace.
            values: of parameters, by name.
            target: name of the compute target of steps that name none; in a graph those are on ``local``.

        Raises:
            InvalidPipeline: with every problem of the graph.
            UnknownName: there is no such target.
        """
        default = self.targets.find(target).name if target else LOCAL
        if isinstance(pipeline, Pipeline):
            return self.locate(pipeline.graph_for(values, default), Path.cwd())
        graph = pipeline.copy().on_target(default)
        missing = partial(script_problem, root=self.root)
        problems = [
            *parameter_problems(graph.parameters, values or {}),
            *circle_problems(graph),
            *build_problems(graph, script_problem=missing, targets=self.compute_targets),
        ]
        if problems:
            raise InvalidPipeline(problems)
        graph.parameters |= dict(values or {})
        return graph

    def plan(
        self,
        pipeline: Pipeline | Graph,
        *,
        pipeline_parameters: Mapping[str, Any] | None = None,
        force: Iterable[str] = (),
        python: str | None = None,
        steps: Iterable[str] = (),
        target: str | None = None,
        since: Plan | None = None,
        edits_only: bool = False,
    ) -> Plan:
        """What will run, what is reused, and why; nothing is started or written but caches.

        Args:
            pipeline: a pipeline, or a graph whose paths are relative to the workspace.
            pipeline_parameters: name -> value.
            force: names of steps that run whatever is stored; ``all`` means each.
            python: interpreter of steps that name none; default: this one.
            steps: only these and what they need.
            target: name of the compute target of steps that name none.
            since: an earlier plan of the pipeline; a step whose plan is what it was keeps that object.
            edits_only: look only at steps that were declared anew since then, and at what they need; a plan that looks
                at the files and results of all is to follow.
        """
        graph = self._chosen(self.graph_of(pipeline, pipeline_parameters, target), steps)
        forced = graph.ids(force)
        return self._planned(graph, forced, python, since=since, edits_only=edits_only)[0]

    def _chosen(self, graph: Graph, steps: Iterable[str]) -> Graph:
        names = list(steps)
        return graph.subgraph(graph.ids(names)) if names else graph

    def _planned(
        self, graph: Graph, forced: Collection[str], python: str | None, **options: Any
    ) -> tuple[Plan, dict[str, Prepared]]:
        return self._planner.plan(graph, forced, python, code_by_bytes=self.settings.code_by_bytes, **options)

    def submit(
        self,
        pipeline: Pipeline | Graph,
        experiment_name: str = "",
        *,
        pipeline_parameters: Mapping[str, Any] | None = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        force: Iterable[str] = (),
        jobs: int | None = None,
        tags: Mapping[str, str] | None = None,
        steps: Iterable[str] = (),
        python: str | None = None,
        target: str | None = None,
        names_elsewhere: Mapping[str, str] | None = None,
        imports_elsewhere: Mapping[str, str] | None = None,
    ) -> PipelineRun | DeclaredRun:
        """Freeze a pipeline and start its run in a process of its own; returns at once.

        Args:
            pipeline: a pipeline, or a graph whose paths are relative to the workspace.
            experiment_name: groups runs; default: the pipeline's name.
            pipeline_parameters: name -> value.
            continue_on_step_failure: go on with steps that do not depend on a failed one.
            regenerate_outputs: reuse nothing.
            force: names of steps that run whatever is stored; ``all`` means each.
            jobs: steps at once.
            tags: free text by name.
            steps: only these and what they need.
            python: interpreter of steps that name none; default: this one.
            target: name of the compute target of steps that name none.
            names_elsewhere, imports_elsewhere: names of the notebook's other cells, for advice.

        Raises:
            InvalidPipeline: with every problem; nothing was started.
            UsageError: ``jobs`` is less than 1, or ``force`` or ``steps`` name no step.
            StoreError: the workspace cannot be written.
        """
        if jobs is not None and jobs < 1:
            raise UsageError(f"A run cannot have {jobs} steps at once.", remedy="jobs is 1 or more.")
        graph = self._chosen(self.graph_of(pipeline, pipeline_parameters, target), steps)
        if os.environ.get(DECLARE_MODE):
            return DeclaredRun(graph.name)
        forced = graph.ids("all" if regenerate_outputs else force)
        options = RunOptions(
            force=tuple(sorted(forced)), continue_on_step_failure=continue_on_step_failure,
            jobs=jobs or self.settings.jobs, tags=dict(tags or {}), gpus=self._gpus(),
            log_limit=self.settings.log_limit, names_elsewhere=dict(names_elsewhere or {}),
            imports_elsewhere=dict(imports_elsewhere or {}), shared=self.settings.shared,
        )  # fmt: skip
        # What is planned to be reused, and what is frozen, is nobody's until the run's folder names it.
        collecting = Lock(self.state.locks / "gc")
        if self.state.exists():  # else there is nothing that might be collected
            self.state.ensure()
            collecting.acquire(wait=True, shared=True)
        try:
            plan, prepared = self._planned(graph, forced, python, patient=True)
            used = self.targets.frozen(graph, self._planner.capacity)
            self._refuse(graph, plan, used)
            self.state.ensure()
            collecting.acquire(wait=True, shared=True)
            return self._start(plan, prepared, used, experiment_name or graph.name, options)
        finally:
            collecting.release()

    def _start(
        self, plan: Plan, prepared: Mapping[str, Prepared], targets: Mapping[str, FrozenTarget], experiment: str,
        options: RunOptions,
    ) -> PipelineRun:  # fmt: skip
        frozen = freeze(
            self.state, self.objects, plan.graph, prepared, plan, experiment=experiment,
            workspace=self.identity(), options=options, targets=targets,
        )  # fmt: skip
        folder = write_frozen(self.state, frozen)
        if not tell_reused_run(frozen, plan, folder, self.memory):
            given = Given(
                submitter_environment(os.environ), self.targets.secrets_of(targets), self.stores.secrets()
            )
            start_runner(self.root, folder, given)
        return PipelineRun(folder, self.objects, self.memory, frozen)

    def identity(self) -> dict[str, str]:
        """Name, v1's further keys and root, as a step's script sees them."""
        return {
            "workspace_name": self.name,
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "root": str(self.root),
        }

    def _gpus(self) -> int:
        return count_gpus() if self.settings.gpus is None else self.settings.gpus

    def _refuse(self, graph: Graph, plan: Plan, targets: Mapping[str, FrozenTarget]) -> None:
        """Raise with everything that stands in the way of a run."""
        problems = [
            Problem(f"Step {step.name}: {reason.text}", step=step.node_id)
            for step in plan
            if step.action == "blocked"
            for reason in step.reasons
            if reason.kind != "upstream"
        ]
        there = {name: each.gpus for name, each in targets.items() if each.gpus is not None}
        problems += gpu_problems(graph, {LOCAL: self._gpus(), **there})
        if problems:
            raise InvalidPipeline(problems)

    def runs(self) -> list[PipelineRun]:
        """All runs, newest first."""
        folders = (RunFolder(self.state.run_folder(run_id)) for run_id in reversed(self.state.run_ids()))
        begun = (each for each in folders if os.path.lexists(each.graph))
        return [PipelineRun(each, self.objects, self.memory) for each in begun]

    def get_run(self, run_id: str) -> PipelineRun:
        """The run of that id; ``UnknownName`` names the newest ones."""
        runs = self.runs()
        found = next((run for run in runs if run.id == run_id), None)
        if found is None:
            newest = ", ".join(run.id for run in runs[:5]) or "none"
            raise UnknownName(f"No run {run_id}.", remedy=f"Newest runs: {newest}")
        return found

    def latest_run(self, pipeline: str | None = None) -> PipelineRun | None:
        """The newest run, of a pipeline of that name where one is given; None where there is none."""
        for run in self.runs():
            with suppress(NbpipeError):  # a damaged record, or one of a newer nbpipe, hides no other
                if pipeline is None or run.pipeline_name == pipeline:
                    return run
        return None

    def explain(self, plan: Plan, step: str) -> Explanation:
        """Why a step of a plan will run or be reused, with diffs and the receipt of its fingerprint."""
        chosen = plan[step]
        before, compared_run = self._compared(chosen)
        return explain(
            chosen.name,
            chosen.status,
            chosen.reasons,
            chosen.fingerprint,
            before,
            self.memory.read,
            compared_run=compared_run,
        )

    def _compared(self, step: StepPlan) -> tuple[Any, str]:
        if step.compared:
            return step.compared.fingerprint, step.compared.run
        if step.result:
            return self.memory.fingerprint(step.result.fingerprint), step.result.run
        return None, ""

    def accept(
        self,
        pipeline: Pipeline | Graph,
        step: str,
        *,
        pipeline_parameters: Mapping[str, Any] | None = None,
        python: str | None = None,
    ) -> StepResult:
        """Take the last result of a step as valid for what it is now, though something in it changed.

        For an edit that is known to be harmless. It is recorded, shown as accepted, and undone by forcing the step.

        Raises:
            UsageError: the step has no earlier result, or an input of it is not known yet.
        """
        plan = self.plan(pipeline, pipeline_parameters=pipeline_parameters, python=python)
        return accept_result(plan.graph, plan[step], self.memory, self.results)

    def collector(self) -> Collector:
        """What finds and frees state that the last runs do not need."""
        from nbpipe.store.collector import Collector

        return Collector(self.state, self.objects, self.results)

    def __repr__(self) -> str:
        return f"Workspace({self.name!r}, {str(self.root)!r})"
