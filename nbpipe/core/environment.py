"""What a step runs in: interpreter, variables, resources, and how much of it counts for reuse."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any, Literal

from nbpipe.core.compute import LOCAL
from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError

Counts = Literal["imports", "full", "none"]
"""How an environment counts for reuse: the distributions the code imports, all installed ones, or none."""
COUNTS = ("imports", "full", "none")
DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"


class CondaDependencies:
    """Packages by name, as an environment declares them (Azure ML v1's ``CondaDependencies``)."""

    def __init__(self) -> None:
        self.pip_packages: list[str] = []
        self.conda_packages: list[str] = []
        self.conda_channels: list[str] = []
        self.python_version: str | None = None

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str | None = None,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """Dependencies of these pip and conda packages."""
        del pip_indexurl, pin_sdk_version
        made = CondaDependencies()
        made.pip_packages = list(pip_packages or ())
        made.conda_packages = list(conda_packages or ())
        made.python_version = python_version
        return made

    def add_pip_package(self, pip_package: str) -> None:
        """Add a pip requirement."""
        self.pip_packages.append(pip_package)

    def add_conda_package(self, conda_package: str) -> None:
        """Add a conda package."""
        self.conda_packages.append(conda_package)

    def add_channel(self, channel: str) -> None:
        """Add a conda channel."""
        self.conda_channels.append(channel)

    def set_python_version(self, version: str) -> None:
        """Declare the Python version."""
        self.python_version = version

    def definition(self) -> dict[str, Any]:
        """What is declared, as JSON; empty where nothing is."""
        return {name: value for name, value in vars(self).items() if value}


class _Settings:
    """Refuses attributes that v1 does not know, as its ``RunConfiguration`` does."""

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_sealed", False) and not hasattr(self, name):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. It has: {', '.join(sorted(self._names()))}"
            )
        super().__setattr__(name, value)

    def _names(self) -> list[str]:
        return [name for name in vars(self) if not name.startswith("_")]

    def _seal(self) -> None:
        object.__setattr__(self, "_sealed", True)


class PythonSection(_Settings):
    """The Python part of an environment."""

    def __init__(self) -> None:
        self.interpreter_path = ""
        self.user_managed_dependencies = False
        self.conda_dependencies: CondaDependencies | None = None
        self._seal()


class DockerSection(_Settings):
    """The Docker part of an environment; declared, and ignored by the local target."""

    def __init__(self) -> None:
        self.enabled = False
        self.base_image: str | None = None
        self.use_docker = False
        self._seal()


class Environment(_Settings):
    """A named environment (Azure ML v1's ``Environment``).

    Attributes:
        python: interpreter and packages.
        docker: image; counts as part of the definition.
        environment_variables: set in the step, and part of its fingerprint.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.python = PythonSection()
        self.docker = DockerSection()
        self.environment_variables: dict[str, str] = {}
        self._seal()

    def definition(self) -> dict[str, Any]:
        """What is declared of packages and image, as JSON; empty for a plain interpreter."""
        declared: dict[str, Any] = {}
        if self.python.conda_dependencies is not None:
            declared |= self.python.conda_dependencies.definition()
        if self.docker.base_image:
            declared["base_image"] = self.docker.base_image
        return declared


@dataclass
class Resources:
    """What a step needs of the machine; none of it counts for reuse.

    Attributes:
        gpus: GPUs it holds while it runs.
        memory: bytes its process tree may use, or None.
        timeout: seconds an attempt may take, or None.
        retries: further attempts after a failure.
    """

    gpus: int = 0
    memory: int | None = None
    timeout: float | None = None
    retries: int = 0


class RunConfiguration(_Settings):
    """How a step's process is run (Azure ML v1's ``RunConfiguration``, and nbpipe's own settings).

    Args:
        environment: an ``Environment``, or how the plain interpreter counts: ``imports`` (default:
            distributions that the step's code imports), ``full`` (every installed one), ``none``.
        python: interpreter path, virtual environment folder or command name; default: the submitter's.

    Attributes:
        environment_variables: set in the step; part of its fingerprint.
        inherited_variables: names whose value at submit is part of the fingerprint (``--env``).
        secret_variables: names handed to the step, masked in logs, never written (``--secret``).
        resources: GPUs, memory, time-out, retries.

    Raises:
        UsageError: ``environment`` is another word. Setting an unknown attribute raises ``AttributeError``.

    Example:
        >>> RunConfiguration(environment="full").counts
        'full'
    """

    def __init__(
        self,
        script: str | None = None,
        arguments: list[str] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
        command: Any = None,
        *,
        environment: Environment | Counts | None = None,
        python: str | None = None,
    ) -> None:
        self.script = script
        self.arguments = arguments or []
        self.framework = framework or "Python"
        self.communicator = communicator or "None"
        self.command = command
        self.target: Any = LOCAL
        self.node_count = 1
        self.max_run_duration_seconds: float | None = None
        self.counts: Counts = "imports"
        self.environment = Environment("default")
        if isinstance(environment, Environment):
            self.environment = environment
        elif environment is not None:
            self.counts = _check_counts(environment)
        if python:
            self.environment = copy.deepcopy(self.environment)
            self.environment.python.interpreter_path = python
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self.environment_variables: dict[str, str] = {}
        self.inherited_variables: list[str] = []
        self.secret_variables: list[str] = []
        self.resources = Resources()
        self._seal()

    def spec(self) -> EnvironmentSpec:
        """What a graph's node keeps of this configuration."""
        resources = replace(self.resources)
        if resources.timeout is None:
            resources.timeout = self.max_run_duration_seconds
        return EnvironmentSpec(
            python=self.environment.python.interpreter_path,
            counts=_check_counts(self.counts),
            definition=self.environment.definition(),
            variables={**self.environment.environment_variables, **self.environment_variables},
            inherited=tuple(self.inherited_variables),
            secrets=tuple(self.secret_variables),
            user_managed=self.environment.python.user_managed_dependencies,
            node_count=self.node_count,
            resources=resources,
        )


def _check_counts(word: str) -> Counts:
    if word not in COUNTS:
        raise UsageError(
            f"environment={word!r} is not known.", remedy=f"An Environment, or one of: {', '.join(COUNTS)}"
        )
    return word  # type: ignore[return-value]


@dataclass(frozen=True)
class Declared:
    """What an environment is declared to hold.

    Attributes:
        packages: pip requirements.
        python: version of Python, ``3.11``; empty for any.
        conda: conda packages, other than Python and pip themselves.
    """

    packages: tuple[str, ...] = ()
    python: str = ""
    conda: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentSpec:
    """A run configuration as the graph keeps it: plain values that go to JSON and back.

    Attributes:
        python: interpreter path, environment folder or command; empty means the submitter's.
        counts: how the environment counts for reuse.
        definition: declared packages and image; empty for a plain interpreter.
        variables: environment variables set, by name.
        inherited: names whose value at submit counts for reuse.
        secrets: names handed over and masked.
        node_count: machines an MPI step wants; the local target has one.
        resources: GPUs, memory, time-out, retries.
        user_managed: the packages that are declared are there already, in the interpreter.
    """

    python: str = ""
    counts: Counts = "imports"
    definition: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    inherited: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    node_count: int = 1
    resources: Resources = field(default_factory=Resources)
    user_managed: bool = False

    @property
    def declared(self) -> Declared | None:
        """What an environment is declared to hold, which a target that is far makes; None for a plain interpreter."""
        conda = [str(each).strip() for each in self.definition.get("conda_packages", ())]
        named = {
            each: re.match(r"(?:[\w-]+::)?(python|pip)\s*(?:=+\s*([\d.]+)[\d.*]*)?$", each) for each in conda
        }
        version = next(
            (match[2] for match in named.values() if match and match[1] == "python" and match[2]), ""
        )
        declared = Declared(
            tuple(map(str, self.definition.get("pip_packages", ()))),
            str(self.definition.get("python_version") or version).strip("."),
            tuple(each for each, match in named.items() if match is None),
        )
        return declared if any(vars(declared).values()) and not self.user_managed else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        return {**vars(self), "resources": {**vars(self.resources)}}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> EnvironmentSpec:
        """The spec that ``to_json`` wrote."""
        fields = dict(data)
        for name in ("inherited", "secrets"):
            fields[name] = tuple(fields[name])
        fields["resources"] = Resources(**fields["resources"])
        return EnvironmentSpec(**fields)


_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_memory(text: str) -> int:
    """Bytes of a size such as ``512M``, ``2G`` or ``1.5GiB`` (powers of 1024).

    Example:
        >>> parse_memory("2G") == 2 * 2**30
        True
    """
    return int(_measure(text, _UNITS, r"(?:i?b)?", "a size", "512M or 2G"))


def parse_duration(text: str) -> float:
    """Seconds of a duration such as ``90``, ``90s``, ``5m`` or ``2h``.

    Example:
        >>> parse_duration("5m")
        300.0
    """
    return _measure(text, _SECONDS, "", "a duration", "90s, 5m or 2h")


def _measure(text: str, units: Mapping[str, float], ending: str, what: str, example: str) -> float:
    match = re.fullmatch(rf"(\d+(?:\.\d+)?)([a-z]?){ending}", text.strip().lower())
    if match is None or match[2] not in units or float(match[1]) == 0:
        raise UsageError(f"{text!r} is not {what}.", remedy=f"Write it as {example}.")
    return float(match[1]) * units[match[2]]
