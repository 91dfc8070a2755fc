"""Values of parameters as the notebook has them: what may be chosen for each, and how one is set."""

from __future__ import annotations

import typing
from typing import Any, Literal

from nbpipe.core.parameter import SIMPLE_TYPES, PipelineParameter
from nbpipe.core.record import dataclass
from nbpipe.errors import UnknownName, UsageError
from nbpipe.notebook.session import Session

Simple = bool | int | float | str


@dataclass(frozen=True)
class Choice:
    """A parameter that a form offers.

    Attributes:
        name: its name.
        value: its value now.
        options: the values it may have, of a variable annotated ``Literal[...]``; else none.
        low, high, step: its range, of one annotated ``Annotated[float, (0, 1)]`` or ``Annotated[int, range(1, 20)]``;
            else None.
    """

    name: str
    value: Simple
    options: tuple[Simple, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None


def choices(session: Session, pipeline: str = "") -> list[Choice]:
    """The parameters of a pipeline whose value is a number, a text or true/false.

    Args:
        session: the notebook's.
        pipeline: its name; empty where there is only one.

    Raises:
        InvalidPipeline, UsageError: the notebook has no pipeline that can be meant.
    """
    given = session.pipeline(pipeline).graph.parameters
    hints = session.namespace.get("__annotations__", {})
    return [
        _choice(name, value, hints.get(name) if isinstance(hints, dict) else None)
        for name, value in given.items()
        if isinstance(value, SIMPLE_TYPES)
    ]


def _choice(name: str, value: Simple, hint: Any) -> Choice:
    """A parameter with what its variable's annotation says; an annotation that says nothing of it is passed over."""
    args = typing.get_args(hint)
    if typing.get_origin(hint) is Literal and value in args:
        return Choice(name, value, tuple(each for each in args if isinstance(each, SIMPLE_TYPES)))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    for each in getattr(hint, "__metadata__", ()) if number else ():
        if isinstance(each, range) and len(each) > 1:
            return Choice(name, value, low=each[0], high=each[-1], step=each.step)
        if (
            isinstance(each, tuple)
            and len(each) in (2, 3)
            and all(isinstance(one, int | float) for one in each)
        ):
            return Choice(name, value, low=each[0], high=each[1], step=each[2] if len(each) == 3 else None)
    return Choice(name, value)


def set_value(session: Session, name: str, value: Simple, pipeline: str = "") -> None:
    """Give a parameter another value, which every later plan and run takes: its variable is set.

    Args:
        session: the notebook's.
        name: the parameter.
        value: of the kind that it has; a whole number may become a fraction.
        pipeline: name of its pipeline; empty where there is only one.

    Raises:
        UnknownName: the pipeline has no such parameter, or no variable of the notebook holds it.
        UsageError: the value is of another kind.
    """
    known = {each.name: each for each in choices(session, pipeline)}
    if name not in known:
        raise UnknownName(f"No parameter {name}.", remedy=f"Parameters: {', '.join(known) or 'none'}")
    before = known[name].value
    numbers = isinstance(value, int | float) and isinstance(before, int | float)
    same = isinstance(value, bool) == isinstance(before, bool) and (
        numbers or isinstance(value, type(before))
    )
    if not same:
        raise UsageError(f"{name} is {before!r}; {value!r} is no such value.")
    _set(session, name, value)


def _set(session: Session, name: str, value: Simple) -> None:
    """Set the ``PipelineParameter`` of that name among the notebook's variables, else the variable itself."""
    variables = session.namespace
    held = [each for each in variables.values() if isinstance(each, PipelineParameter) and each.name == name]
    for each in held:
        each.default_value = value
    if held:
        return
    if not isinstance(variables, dict) or not isinstance(variables.get(name), SIMPLE_TYPES):
        raise UnknownName(
            f"No variable of this notebook holds the parameter {name}.",
            remedy=f"Set it where the pipeline is made, or for one run:  %pipeline_run --param {name}=...",
        )
    variables[name] = value
