"""Names of a piece of Python: which it takes from what ran before it, and which it leaves to what runs after."""

# ruff: noqa: N802, N815 - the methods of a NodeVisitor are named for the nodes that they visit
from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import field

from nbpipe.core.reached import State
from nbpipe.core.reading import Reading
from nbpipe.core.record import dataclass
from nbpipe.core.script import parse

Function = ast.FunctionDef | ast.AsyncFunctionDef
_ENDING = (ast.Raise, ast.Return, ast.Break, ast.Continue)


@dataclass(frozen=True)
class Names:
    """What a piece of Python does with names, by the rules of a module.

    Attributes:
        reads: names that it may read before it sets them -> those it has surely set before every such read.
        sets: names that it may leave set, in the order of the text.
        surely: those of them that it leaves set however it goes.
        changes: names from before whose object it changes in place: ``x[i] = 1``, ``x.a = 1``, ``inplace=True``.
        alters: all names whose object it changes so, those that it set itself too.
        calls: name from before -> methods that it calls on it.
        passes: ``(function, place, name)``: a name from before that it passes to a function as it is, by position or
            keyword; a function that is an attribute, as in ``random.shuffle(x)``, is ``.shuffle``.
        lines: name -> first line that reads it.
        stars: ``(module, line)`` of each ``from module import *``.
        awaits: line of an ``await`` outside functions, or 0.
    """

    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    surely: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    alters: frozenset[str] = frozenset()
    calls: Mapping[str, frozenset[str]] = field(default_factory=dict)
    passes: frozenset[tuple[str, int | str, str]] = frozenset()
    lines: Mapping[str, int] = field(default_factory=dict)
    stars: tuple[tuple[str, int], ...] = ()
    awaits: int = 0


def names_of(source: str) -> Names:
    r"""What a piece of Python does with names.

    A name counts as read where some way through the text reads it before it is set. What a function reads counts where
    the function is first used, since it cannot run earlier; of a decorated function, where it is defined.

    Raises:
        SyntaxError: the text is no Python, or is nested too deeply to be read.

    Example:
        >>> names = names_of("total += 1\nkept = [row for row in rows]\ndel rows")
        >>> sorted(names.reads), names.sets
        (['rows', 'total'], ('total', 'kept'))
    """
    return _walked(parse(source).body)


def names_inside(function: Function) -> Names:
    """What the body of a function does with names when it runs; its parameters count as names from before."""
    return _walked(function.body)


def _walked(body: Sequence[ast.stmt]) -> Names:
    walk = _Walk()
    try:
        walk.block(body)
    except RecursionError as error:
        raise SyntaxError("too deeply nested") from error
    sets = tuple(name for name in dict.fromkeys(walk.here.bound) if name in walk.here.perhaps)
    return Names(
        walk.reads, sets, walk.here.sure, frozenset(walk.changes - {""}), frozenset(walk.alters - {""}),
        {name: frozenset(methods) for name, methods in walk.calls.items() if name}, frozenset(walk.passes),
        walk.lines, tuple(walk.stars), walk.awaits,
    )  # fmt: skip


class _Walk(Reading):
    """A walk through statements, along every way that they may run."""

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Statements one after the other."""
        for statement in body:
            self.visit(statement)
            if isinstance(statement, _ENDING):
                self.here.end()

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Lambda) and isinstance(node.targets[0], ast.Name):
            self.visit(node.value.args)
            self.define(node.targets[0].id, node.value, node.lineno, at_once=False)
        else:
            self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id, node.lineno)
        self.visit(node.value)
        self.visit(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        before, left = self.here.now(), self.here.begin()
        with self.here.branch() as ends:
            self.visit(node.target)
            self.block(node.body)
        self._after_loop([before, *ends, left()], node.orelse)

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        before, left = self.here.now(), self.here.begin()
        with self.here.branch() as ends:
            self.block(node.body)
        self._after_loop([before, *ends, left()], node.orelse)

    def _after_loop(self, ends: list[State], orelse: Sequence[ast.stmt]) -> None:
        self.here.join(ends)
        with self.here.branch() as after:  # a loop that breaks passes over it
            self.block(orelse)
        self.here.join([self.here.now(), *after])

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        ends: list[State] = []
        for branch in (node.body, node.orelse):
            with self.here.branch(ends):
                self.block(branch)
        self.here.join(ends)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.visit(item.optional_vars)
        left = self.here.begin()
        self.block(node.body)
        if not all(_is_open(item.context_expr) for item in node.items):  # it may swallow an exception
            self.here.join([self.here.now(), left()])

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        left = self.here.begin()
        with self.here.branch() as ends:
            self.block(node.body)
            in_body = left()
            self.block(node.orelse)
        for handler in node.handlers:
            self.here.join([in_body])
            with self.here.branch(ends):
                self.visit(handler)
        for ways in (
            [left()],
            ends,
        ):  # what runs at the end is read wherever it is begun; it goes on from the ends
            self.here.join(ways)
            self.block(node.finalbody)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self.here.bind(node.name)
        self.block(node.body)
        if node.name:
            self.here.unbind(node.name)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        ends: list[State] = []
        for case in node.cases:
            with self.here.branch(ends):
                self.visit(case.pattern)
                if case.guard is not None:
                    self.visit(case.guard)
                self.block(case.body)
        last = node.cases[-1]
        if last.guard is not None or not isinstance(last.pattern, ast.MatchAs) or last.pattern.pattern:
            ends.append(self.here.now())
        self.here.join(ends)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.generic_visit(node)
        if node.name:
            self.here.bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self.here.bind(node.rest)

    def visit_FunctionDef(self, node: Function) -> None:
        for each in (*node.decorator_list, node.args, node.returns):
            if each is not None:
                self.visit(each)
        self.define(node.name, node, node.lineno, at_once=bool(node.decorator_list))
        self.here.bind(node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for each in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(each)
        inside = _Walk(self)
        inside.block(node.body)
        later = set().union(*inside.later.values())
        if node.decorator_list or node.bases or node.keywords:  # they may call its methods
            for name in sorted(later - {node.name}):
                self.module.read(name, node.lineno)
        else:
            self.later.setdefault(node.name, set()).update(later)
        self.here.bind(node.name)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.here.bind(alias.asname or alias.name.partition(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(("." * node.level + (node.module or ""), node.lineno))
            else:
                self.here.bind(alias.asname or alias.name)

    visit_AsyncFor, visit_AsyncWith, visit_AsyncFunctionDef = visit_For, visit_With, visit_FunctionDef
    visit_TryStar, visit_MatchStar = visit_Try, visit_MatchAs


def _is_open(node: ast.expr) -> bool:
    """True for a call of ``open``, whose ``with`` swallows no exception."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
