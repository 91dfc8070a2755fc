"""Laws of dataclasses that are made ready late: in all that is used here they are as the standard library's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar

import pytest

from nbpipe.core import record

late: Any = record.dataclass  # to the type checker it is the library's


def _kinds(decorate: Callable[..., Any]) -> tuple[Any, Any, Any]:
    @decorate(frozen=True)
    class Base:
        """A base."""

        kind: ClassVar[str] = "base"
        name: str

    @decorate(frozen=True)
    class Point(Base):
        """A point."""

        at: tuple[int, ...] = (0, 0)
        tags: dict[str, str] = field(default_factory=dict, compare=False)
        secret: str = field(default="", repr=False)

    @decorate
    class Open:
        """One that changes."""

        value: int = 0

        def __post_init__(self) -> None:
            self.value += 1

    return Base, Point, Open


@pytest.mark.parametrize(
    "look",
    [
        lambda base, point, made: repr([base("a"), point("a", (1,), secret="x"), made(3)]).replace("late", ""),
        lambda base, point, made: [base("a") == base("a"), base("a") == point("a"), made(1) == made(2)],
        lambda base, point, made: point("a", tags={"b": "c"}) == point("a"),
        lambda base, point, made: hash(base("a")) == hash(base("a")),
        lambda base, point, made: len({point("a"), point("a", tags={"b": "c"}), point("b")}),
        lambda base, point, made: made.__hash__,
        lambda base, point, made: point.__match_args__,
        lambda base, point, made: vars(dataclasses.replace(point("a"), at=(2,))),
        lambda base, point, made: dataclasses.asdict(point("a", tags={"b": "c"})),
        lambda base, point, made: [each.name for each in dataclasses.fields(point)],
        lambda base, point, made: (point("a").tags is point("b").tags, point.at, hasattr(point, "tags")),
        lambda base, point, made: vars(made()),
    ],
)  # fmt: skip
def test_a_class_is_what_the_library_makes_of_it(look: Callable[..., Any]) -> None:
    assert look(*_kinds(late)) == look(*_kinds(dataclasses.dataclass))


def test_a_frozen_one_cannot_be_changed() -> None:
    base, _, made = _kinds(late)
    for each in (base("a"),):
        with pytest.raises(FrozenInstanceError, match="name"):
            each.name = "b"
        with pytest.raises(FrozenInstanceError, match="name"):
            del each.name
    changed = made()
    changed.value = 7
    assert changed.value == 7


def test_a_wrong_call_is_told_in_the_words_of_the_library_each_time() -> None:
    base, _, _ = _kinds(late)
    for _attempt in range(2):
        with pytest.raises(
            TypeError, match=r"Base.__init__\(\) missing 1 required positional argument: 'name'"
        ):
            base()


def test_own_methods_stay() -> None:
    @late(frozen=True)
    class Named:
        name: str

        def __repr__(self) -> str:
            return self.name

        def __eq__(self, other: object) -> bool:
            return isinstance(other, str)

        def __hash__(self) -> int:
            return 7

    named = Named("a")
    assert (repr(named), named == "b", hash(named)) == ("a", True, 7)
