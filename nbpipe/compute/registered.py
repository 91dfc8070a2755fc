"""Types of compute targets, by name: nbpipe's own, and those that installed packages bring as entry points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from nbpipe.compute.base import Backend
from nbpipe.core.record import dataclass
from nbpipe.errors import MissingExtra, NbpipeError, UnknownName, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "nbpipe.backends"
"""The group of the entry points; each is named for its type and leads to a `BackendKind`."""

_OWN = "nbpipe-steps"
_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


@dataclass(frozen=True)
class Setting:
    """One thing that a target of a type can be told.

    Attributes:
        kind: what it is: ``str``, ``int``, ``float``, ``bool``, ``dict`` or ``list``; a ``float`` may be given
            as a whole number.
        meaning: what it is for, in a few words, with its unit.
        default: what it is where nothing is said; None for nothing, which may then also be given.
        required: nothing can be done without it.
        wrong: says what is wrong with a value of the right kind, or nothing.
    """

    kind: type
    meaning: str
    default: Any = None
    required: bool = False
    wrong: Callable[[Any], str | None] = lambda _value: None

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, in words that follow the setting's name."""
        if value is None and not self.required and self.default is None:
            return None
        right = isinstance(value, (int, float) if self.kind is float else self.kind)
        if not right or (isinstance(value, bool) and self.kind is not bool):
            return f"is {_WORDS[self.kind]} ({self.meaning}), not {value!r:.80}"
        return self.wrong(value)


def at_least(least: float) -> Callable[[Any], str | None]:
    """A test of numbers for `Setting.wrong`.

    Example:
        >>> at_least(1)(0)
        'is at least 1, not 0'
    """
    return lambda value: None if value >= least else f"is at least {least:g}, not {value:g}"


class BackendKind(ABC):
    """A type of compute target: what it can be told, and how its backend is opened.

    A module that cannot be imported for want of optional packages is told with the extra that bears the
    type's name.

    Attributes:
        settings: what a target can be told, by name. ``slots`` is known to every type.
        slots: steps that run at once on a target that says nothing of it.
        shares_files: its backends see our files; see `Backend.shares_files`.
        takes_nodes: a step can have several machines.
        gives_gpus: its own queue gives GPUs to steps; else whoever starts them does.

    Example::

        class Cloud(BackendKind):
            settings: ClassVar = {"region": Setting(str, "where it runs", required=True)}

            def open(self, name, settings, environ):
                return CloudBackend(name, **settings)


        KIND = Cloud()  # pyproject.toml: [project.entry-points."nbpipe.backends"] cloud = "my_cloud:KIND"
    """

    settings: ClassVar[Mapping[str, Setting]] = {}
    slots: ClassVar[int] = 1
    shares_files: ClassVar[bool] = False
    takes_nodes: ClassVar[bool] = False
    gives_gpus: ClassVar[bool] = False

    @abstractmethod
    def open(self, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Backend:
        """The backend of one target; it connects to nothing before it is asked something.

        Args:
            name: how the target is called, in messages.
            settings: as `check` returned them.
            environ: the user's environment, which has agents, homes and credentials.

        Raises:
            NbpipeError: it cannot be opened.
        """

    def check(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a target with the defaults of what they leave out.

        Raises:
            UsageError: some are wrong, missing or unknown; it names all of them.
        """
        known = {"slots": Setting(int, "steps at once", self.slots, wrong=at_least(1)), **self.settings}
        problems = [f"{name} {why}." for name in settings if (why := _problem(known, name, settings[name]))]
        problems += [
            f"{name} is missing: {each.meaning}."
            for name, each in known.items()
            if each.required and name not in settings
        ]
        whole = {name: settings.get(name, each.default) for name, each in known.items()}
        problems += [] if problems else self.problems(whole)
        if problems:
            raise UsageError("\n".join(problems), remedy=f"Known are: {', '.join(known)}.")
        return whole

    def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """What is wrong with settings that are right each for itself; sentences."""
        del settings
        return []


def _problem(known: Mapping[str, Setting], name: str, value: Any) -> str | None:
    return known[name].problem(value) if name in known else "is unknown"


def backend_types() -> tuple[str, ...]:
    """The types a target can have here, in alphabetical order."""
    return tuple(sorted({point.name for point in _points()}))


def backend_kind(name: str) -> BackendKind:
    """A type of targets by its name.

    Raises:
        UnknownName: no installed package has it.
        MissingExtra: it needs packages that are not installed.
        NbpipeError: the package that brings it is broken.
    """
    points = sorted(_points(name=name), key=_ours_first)
    if not points:
        raise UnknownName(
            f"No installed package knows compute targets of type {name!r}.",
            remedy=f"Known are: {', '.join(backend_types())}.",
        )
    point = points[0]
    try:
        kind = point.load()
    except Exception as error:  # whatever a stranger's module does
        raise _unusable(point, error) from error
    if not isinstance(kind, BackendKind):
        raise NbpipeError(f"{point.value} of {_package(point)} is no BackendKind.")
    return kind


def missing_extra(what: str, extra: str, package: str = _OWN) -> MissingExtra:
    """The error for a target whose optional packages are not installed.

    Example:
        >>> print(missing_extra("An SSH target", "ssh"))
        An SSH target needs packages that are not installed.
          pip install "nbpipe-steps[ssh]"
    """
    return MissingExtra(
        f"{what} needs packages that are not installed.", remedy=f'pip install "{package}[{extra}]"'
    )


def _points(name: str = "") -> Iterable[EntryPoint]:
    """What installed packages bring. To look takes a while, which a run on this machine alone is spared."""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP, name=name) if name else entry_points(group=GROUP)


def _unusable(point: EntryPoint, error: Exception) -> NbpipeError:
    """Why a type cannot be used: mostly for want of the extra that bears its name."""
    extras = point.dist.metadata.get_all("Provides-Extra") if point.dist is not None else None
    if isinstance(error, ImportError) and point.name in (extras or ()):
        return missing_extra(f"A compute target of type {point.name!r}", point.name, _package(point))
    return NbpipeError(
        f"Compute targets of type {point.name!r} cannot be used: {error}.",
        place=f"{point.value} of {_package(point)}",
    )


def _ours_first(point: EntryPoint) -> tuple[bool, str]:
    return _package(point) != _OWN, _package(point)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"
