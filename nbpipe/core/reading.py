"""What a walk through a program meets in its expressions: names read and set, objects changed in place."""

# ruff: noqa: D102, N815 - the methods of a NodeVisitor are named for the nodes that they visit
from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import ExitStack

from nbpipe.core.reached import Reached
from nbpipe.core.script import inner_names

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class Reading(ast.NodeVisitor):
    """What a walk through a program meets: names read and set, objects changed, in the order in which it runs.

    Args:
        outer: the walk through the text around a class body; names that the body lacks are read there.

    Attributes:
        here: the place reached.
        later: function or class -> what is read when it is used.
        hidden: names of the comprehensions around this place.
        reads, changes, alters, calls, passes, lines, stars, awaits: as in ``Names``, for the walk through the module.
    """

    def __init__(self, outer: Reading | None = None) -> None:
        self.outer = outer
        self.here = Reached()
        self.reads: dict[str, frozenset[str]] = {}
        self.changes: set[str] = set()
        self.alters: set[str] = set()
        self.calls: dict[str, set[str]] = {}
        self.passes: set[tuple[str, int | str, str]] = set()
        self.lines: dict[str, int] = {}
        self.stars: list[tuple[str, int]] = []
        self.awaits = 0
        self.later: dict[str, set[str]] = {}
        self.hidden: list[set[str]] = []
        self._unfolding: set[str] = set()

    @property
    def module(self) -> Reading:
        """The walk through the module itself."""
        return self if self.outer is None else self.outer.module

    def read(self, name: str, line: int) -> None:
        """A name is read; of a function also what it reads in turn."""
        if not self.here.leads_on or any(name in hidden for hidden in self.hidden):
            return
        if name not in self.here.sure and self.outer is not None:
            self.outer.read(name, line)
        elif name not in self.here.sure:
            self.reads[name] = self.reads.get(name, self.here.sure) & self.here.sure
            self.lines.setdefault(name, line)
        if name not in self._unfolding:
            self._unfolding.add(name)
            for each in sorted(self.later.get(name, ())):
                self.module.read(each, line)
            self._unfolding.discard(name)

    def from_before(self, node: ast.expr) -> str:
        """The name from before that an expression is a part of, or empty."""
        name = self.root(node)
        if name in self.here.sure or not self.here.leads_on:
            return ""
        return name if self.outer is None else self.outer.from_before(node)

    def root(self, node: ast.expr) -> str:
        """The name that an expression is a part of, or empty where it is a part of no variable."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        is_variable = isinstance(node, ast.Name) and not any(node.id in hidden for hidden in self.hidden)
        return node.id if isinstance(node, ast.Name) and is_variable else ""

    def change(self, node: ast.expr) -> None:
        """The object of which an expression is a part is changed in place."""
        self.module.changes.add(self.from_before(node))
        if self.outer is None:
            self.alters.add(self.root(node))

    def define(self, name: str, node: ast.AST, line: int, *, at_once: bool) -> None:
        """A function is defined: what its body reads is read when it is used, or at once."""
        reads, sets = inner_names(ast.unparse(node))
        for each in sorted(sets):
            self.module.here.bind(each, surely=False)
        if at_once:
            for each in sorted(reads - ({name} if self.outer is None else set())):
                self.module.read(each, line)
        else:
            self.later.setdefault(name, set()).update(reads)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read(node.id, node.lineno)
        elif isinstance(node.ctx, ast.Store):
            self.here.bind(node.id)
        else:
            self.read(node.id, node.lineno)
            self.here.unbind(node.id)

    def visit_Attribute(self, node: ast.Attribute | ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.change(node)
        self.generic_visit(node)

    visit_Subscript = visit_Attribute

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            if any(word.arg == "inplace" and _is_true(word.value) for word in node.keywords):
                self.change(function.value)
            if isinstance(function.value, ast.Name):
                self.module.calls.setdefault(self.from_before(function.value), set()).add(function.attr)
        if isinstance(function, ast.Name | ast.Attribute):
            called = function.id if isinstance(function, ast.Name) else f".{function.attr}"
            given: list[tuple[int | str, ast.expr]] = list(enumerate(node.args))
            given += [(word.arg, word.value) for word in node.keywords if word.arg]
            self.module.passes |= {
                (called, place, each.id)
                for place, each in given
                if isinstance(each, ast.Name) and self.from_before(each)
            }
        self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)
        self.define("", node, node.lineno, at_once=True)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.module.here.bind(node.target.id) if self.hidden else self.visit(node.target)

    def visit_Await(self, node: ast.Await) -> None:
        self.awaits = self.awaits or node.lineno
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._partly([node.test], [node.body, node.orelse])

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self._partly(node.values[:1], node.values[1:])

    def visit_Compare(self, node: ast.Compare) -> None:
        self._partly([node.left, *node.comparators[:1]], node.comparators[1:])

    def _partly(self, first: Sequence[ast.expr], rest: Sequence[ast.expr]) -> None:
        """An expression that is computed in part, or whole."""
        for each in first:
            self.visit(each)
        with self.here.may_be_passed_over():
            for each in rest:
                self.visit(each)

    def visit_ListComp(self, node: Comprehension) -> None:
        """A comprehension has names of its own; all but its first iterable does not see those of a class body."""
        self.visit(node.generators[0].iter)
        walk, own = self.module, set[str]()
        with ExitStack() as stack:
            stack.enter_context(walk.here.may_be_passed_over())
            walk.hidden.append(own)
            stack.callback(walk.hidden.pop)
            for number, each in enumerate(node.generators):
                if number:
                    walk.visit(each.iter)
                own |= {
                    n.id
                    for n in ast.walk(each.target)
                    if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                }
                for condition in each.ifs:
                    walk.visit(condition)
            for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
                walk.visit(part)

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
