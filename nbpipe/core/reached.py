"""Which names are set at a place of a program, surely or perhaps, kept while one walks through it as it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

State = tuple[set[str], set[str]] | None
"""Names set on every way to a place, and those set on some; None where no way leads."""


class Reached:
    """The place reached in a program.

    Attributes:
        bound: every name that the program sets anywhere up to here, in the order of the text, as often as it does.

    Example:
        >>> here = Reached()
        >>> with here.branch() as ends:
        ...     here.bind("a"), here.bind("b")
        (None, None)
        >>> with here.branch(ends):
        ...     here.bind("a")
        >>> here.join(ends)
        >>> sorted(here.sure), sorted(here.perhaps)
        (['a'], ['a', 'b'])
    """

    def __init__(self) -> None:
        self._state: State = (set(), set())
        self.bound: list[str] = []
        self._gone: list[str] = []
        self._passed_over = 0

    @property
    def leads_on(self) -> bool:
        """True where some way leads here."""
        return self._state is not None

    @property
    def sure(self) -> frozenset[str]:
        """Names set on every way here."""
        return frozenset(self._state[0] if self._state else ())

    @property
    def perhaps(self) -> frozenset[str]:
        """Names set on some way here."""
        return frozenset(self._state[1] if self._state else ())

    def bind(self, name: str, *, surely: bool = True) -> None:
        """A name is set."""
        self.bound.append(name)
        if self._state is not None:
            self._state[1].add(name)
            if surely and not self._passed_over:
                self._state[0].add(name)

    def unbind(self, name: str) -> None:
        """A name is gone."""
        self._gone.append(name)
        if self._state is not None:
            self._state[0].discard(name)
            self._state[1].discard(name)

    def end(self) -> None:
        """No way leads on from here."""
        self._state = None

    def now(self) -> State:
        """What is known here, to go on from later."""
        return None if self._state is None else (set(self._state[0]), set(self._state[1]))

    @contextmanager
    def branch(self, ends: list[State] | None = None) -> Iterator[list[State]]:
        """One of several ways from here; what is known at its end is added to ``ends``."""
        before, ends = self.now(), [] if ends is None else ends
        yield ends
        ends.append(self._state)
        self._state = before

    def join(self, ends: Iterable[State]) -> None:
        """Several ways meet."""
        reached = [end for end in ends if end is not None]
        sure, perhaps = [end[0] for end in reached], [end[1] for end in reached]
        self._state = (set.intersection(*sure), set.union(*perhaps)) if reached else None

    def begin(self) -> Callable[[], State]:
        """Begin a block that may be left anywhere in it; what is returned tells what is known where it was left."""
        before, bound, gone = self.now(), len(self.bound), len(self._gone)

        def left() -> State:
            if before is None:
                return None
            return before[0] - {*self._gone[gone:]}, before[1] | {*self.bound[bound:]}

        return left

    @contextmanager
    def may_be_passed_over(self) -> Iterator[None]:
        """Parts of an expression that are not always computed: what they set is set perhaps."""
        self._passed_over += 1
        yield
        self._passed_over -= 1
