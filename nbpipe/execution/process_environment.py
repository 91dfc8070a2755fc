"""The environment variables and the command line of a step's process (Azure ML v1's contract, and nbpipe's own)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from nbpipe.core.node import Node
from nbpipe.core.record import dataclass
from nbpipe.execution.frozen import FrozenRun

ADDED_BY_KERNEL = re.compile(r"JPY_.*|MPLBACKEND|PYDEVD_.*|PAGER|GIT_PAGER|CLICOLOR.*|FORCE_COLOR|NBPIPE_.*")
"""What a Jupyter kernel puts into its environment: no step should see it."""

DEFAULTS = {"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "315532800"}
"""Set where the user set none, so that equal inputs give equal bytes; 1980-01-01 is the first day a zip can hold."""


@dataclass(frozen=True)
class StepPaths:
    """Where one attempt finds and leaves things.

    Attributes:
        cwd: the private working copy.
        inputs: input port -> path (for a ``direct`` input its id).
        outputs: output port -> path it is told to write.
        spool: folder that the runtime writes metrics and files to.
        runtime: archive with the runtime, for interpreters without nbpipe.
    """

    cwd: Path
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    spool: Path
    runtime: Path


def submitter_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without what a kernel added to it."""
    return {name: value for name, value in environ.items() if not ADDED_BY_KERNEL.fullmatch(name)}


def command_line(node: Node, values: Mapping[str, object], paths: StepPaths) -> tuple[str, ...]:
    """The script's arguments with every placeholder filled: no placeholder ever reaches a script."""
    filled: Mapping[str, Mapping[str, object]] = {
        "parameter": values, "input": paths.inputs, "output": paths.outputs,
    }  # fmt: skip
    return tuple(
        "".join(
            piece.value if piece.kind == "text" else str(filled[piece.kind][piece.value]) for piece in word
        )
        for word in node.arguments
    )


def step_environment(
    base: Mapping[str, str], node: Node, frozen: FrozenRun, paths: StepPaths, *, far: bool = False
) -> dict[str, str]:
    """The environment of a step's process.

    Args:
        base: the submitter's environment at submit, without what a kernel added.
        node: the step.
        frozen: the run.
        paths: where this attempt finds and leaves things.
        far: it runs on a machine with an environment of its own, of the submitter's it gets what it declares.
    """
    spec = node.environment
    wanted = (*spec.inherited, *spec.secrets) if far else base
    given = {name: base[name] for name in wanted if name in base}
    for name, value in DEFAULTS.items():
        given.setdefault(name, value)
    given |= _identity(node, frozen)
    given |= _parameters(node, frozen.graph.parameters)
    for name, text in {**paths.inputs, **paths.outputs}.items():
        given[f"AZUREML_DATAREFERENCE_{name}"] = text
    given |= _datasets(node, paths, {**base, **given})
    given |= node.environment.variables
    given["AZUREML_OUTPUT_DIRECTORY"] = str(paths.cwd / "outputs")
    given["NBPIPE_SPOOL"] = str(paths.spool)
    if node.environment.secrets:
        given["NBPIPE_SECRETS"] = "=".join(node.environment.secrets)  # the one sign that no name has
    given["NBPIPE_RUNTIME"] = str(paths.runtime)
    return given


def _identity(node: Node, frozen: FrozenRun) -> dict[str, str]:
    return {
        "AZUREML_RUN_ID": step_run_id(frozen.run, node.node_id),
        "AZUREML_ROOT_RUN_ID": frozen.run,
        "AZUREML_ARM_WORKSPACE_NAME": frozen.workspace["workspace_name"],
        "AZUREML_ARM_SUBSCRIPTION": frozen.workspace["subscription_id"],
        "AZUREML_ARM_RESOURCEGROUP": frozen.workspace["resource_group"],
        "AZUREML_ARM_PROJECT_NAME": frozen.experiment,
        "NBPIPE_WORKSPACE": frozen.workspace["root"],
        "NBPIPE_STEP": node.name,
    }


def step_run_id(run: str, node_id: str) -> str:
    """The id of a step's run: the run's id and the node's."""
    return f"{run}.{node_id}"


def _parameters(node: Node, values: Mapping[str, object]) -> dict[str, str]:
    found = {name: values[name] for name in node.parameters()}
    found |= {
        name: values[piece.value] if piece.kind == "parameter" else piece.value
        for name, piece in node.params.items()
    }
    return {"AML_PARAMETER_" + re.sub(r"\W", "_", name): str(value) for name, value in found.items()}


def _datasets(node: Node, paths: StepPaths, taken: Mapping[str, str]) -> dict[str, str]:
    """Variables of dataset ports; a bare name never takes the place of a variable that is there (``PATH``)."""
    found: dict[str, str] = {}
    inputs = [port for port in node.inputs if port.kind == "dataset"]
    for port in inputs:
        for name in (port.name, port.name.upper()):
            if name not in taken:
                found[name] = paths.inputs[port.name]
    if inputs:
        found["AZUREML_DATASET_ENVIRONMENT_VARS"] = ",".join(f"{port.name}:{port.mode}" for port in inputs)
    outputs = [port.name for port in node.outputs if port.kind == "dataset"]
    if outputs:
        found["AZUREML_DATASET_FILE_OUTPUTS"] = ";".join(outputs)
        found |= {name: paths.outputs[name] for name in outputs if name not in taken}
    return found
