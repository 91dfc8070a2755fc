"""``dataclass`` for whoever starts often: what the standard library's compiles at once is compiled at the first use.

That one writes and compiles six methods a class, half a millisecond in all. A command imports a hundred classes and
uses a few, so it would spend a third of its start on methods that nobody calls. Here the fields are read at once, the
constructor is the library's own, made for the first instance, and the other methods are the same for all classes.
"""

from __future__ import annotations

import dataclasses
from functools import cache, partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - to the type checker it is the library's
else:

    def dataclass(kind: Any = None, *, frozen: bool = False, eq: bool = True) -> Any:
        """The standard library's decorator, as far as it is used here; see the module.

        Args:
            kind: the class.
            frozen: its instances cannot be changed, and have a hash.
            eq: they are compared by their fields.

        Example:
            >>> @dataclass(frozen=True)
            ... class Point:
            ...     x: int
            ...     y: int = 0
            >>> Point(1), Point(1) == Point(1, 0)
            (Point(x=1, y=0), True)
        """
        if kind is None:
            return partial(dataclass, frozen=frozen, eq=eq)
        own = dict(vars(kind))
        kind = dataclasses.dataclass(init=False, repr=False, eq=False)(kind)
        methods = {"__init__": _constructor_of(kind, frozen), "__repr__": _repr}
        if eq:
            methods["__eq__"] = _eq
            if own.get("__hash__") is None:
                methods["__hash__"] = _hash if frozen else None
        if frozen:
            methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        for name, method in methods.items():
            if own.get(name) is None:
                setattr(kind, name, method)
        return kind


def _constructor_of(kind: type[Any], frozen: bool) -> Any:
    """A constructor that has itself replaced by the library's when it is first called."""

    def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807 - it is called so in tracebacks
        made = _constructor(kind, frozen)
        setattr(kind, "__init__", made)  # noqa: B010 - the type checker knows it as a part of the class
        made(self, *args, **values)

    return __init__


def _constructor(kind: type[Any], frozen: bool) -> Any:
    """The constructor that the library writes for a class of these fields."""
    fields = {each.name: each for each in dataclasses.fields(kind)}
    body = {"__annotations__": {name: each.type for name, each in fields.items()}, **fields}
    if hasattr(kind, "__post_init__"):
        body["__post_init__"] = kind.__post_init__
    twin = type(kind.__name__, (), {**body, "__doc__": kind.__doc__, "__qualname__": kind.__qualname__})
    return vars(dataclasses.dataclass(repr=False, eq=False, frozen=frozen)(twin))["__init__"]


@cache
def _compared(kind: type[Any]) -> attrgetter[Any]:
    """Gives what counts of an instance when it is compared."""
    names = [each.name for each in dataclasses.fields(kind) if each.compare]
    return attrgetter(*names or ["__class__"])


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    counts = _compared(self.__class__)
    return counts(self) == counts(other)


def _hash(self: Any) -> int:
    return hash(_compared(self.__class__)(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_to_set(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
