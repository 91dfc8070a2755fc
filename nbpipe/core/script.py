"""A script as text: what it imports, which names it lacks, and the digest that comments do not change."""

from __future__ import annotations

import ast
import builtins
import hashlib
import symtable
import sys
from collections.abc import Iterator

_MODULE_NAMES = {
    "__annotations__", "__builtins__", "__cached__", "__doc__", "__file__", "__loader__", "__module__",
    "__name__", "__package__", "__qualname__", "__spec__",
}  # fmt: skip
"""Names that every module, or the body of every class, has."""
_KERNEL_NAMES = {"display", "get_ipython", "__IPYTHON__"}
"""Names that a kernel puts among the builtins, and a script does not have."""


def parse(source: str) -> ast.Module:
    """The syntax tree of a script.

    Raises:
        SyntaxError: the text is no Python, or Python cannot hold its tree (NUL characters, endless nesting).
    """
    try:
        return ast.parse(source)
    except (MemoryError, RecursionError, ValueError) as error:
        raise SyntaxError(str(error) or "too deeply nested") from error


def code_digest(source: str) -> str:
    """SHA-256 of a script's syntax tree: comments, blank lines and formatting do not count, docstrings do.

    The tree is written the same by every Python: empty fields, which versions add, are passed over.

    Raises:
        SyntaxError: the text is no Python.

    Example:
        >>> code_digest("x = 1  # one") == code_digest("x=1")
        True
    """
    digest = hashlib.sha256(b"ast\0")
    todo: list[object] = [parse(source)]
    while todo:
        item = todo.pop()
        if isinstance(item, ast.AST):
            todo.extend(reversed(_written(item)))
        elif isinstance(item, _Mark):
            digest.update(item)
        else:
            digest.update(f"{type(item).__name__}:{item!r} ".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class _Mark(bytes):
    """A bracket or name of the tree's structure, as against a value of the script."""


def _written(tree: ast.AST) -> list[object]:
    """One level of the tree: its kind, and its filled fields in brackets."""
    items: list[object] = [_Mark(f"{type(tree).__name__} ".encode())]
    for name, value in ast.iter_fields(tree):
        if value is None or value == [] or name in ("kind", "type_comment"):
            continue
        items += [_Mark(f"({name} ".encode()), *(value if isinstance(value, list) else [value]), _Mark(b")")]
    return items


def imports_of(source: str) -> set[tuple[str, int]]:
    r"""Every module that a script imports anywhere in it, as ``(dotted name, relative level)``.

    ``from a.b import c`` gives both ``a.b`` and ``a.b.c``, since ``c`` may be a module.

    Example:
        >>> sorted(imports_of("import os.path\nfrom . import near"))
        [('', 1), ('near', 1), ('os.path', 0)]
    """
    found: set[tuple[str, int]] = set()
    for tree in ast.walk(parse(source)):
        if isinstance(tree, ast.Import):
            found |= {(alias.name, 0) for alias in tree.names}
        elif isinstance(tree, ast.ImportFrom):
            base = tree.module or ""
            found.add((base, tree.level))
            dot = "." if base else ""
            found |= {(f"{base}{dot}{alias.name}", tree.level) for alias in tree.names if alias.name != "*"}
    return found


def top_level_imports(source: str) -> set[str]:
    """First part of every absolute import that is no module of the standard library.

    Example:
        >>> top_level_imports("import os, numpy.linalg")
        {'numpy'}
    """
    tops = {name.partition(".")[0] for name, level in imports_of(source) if level == 0 and name}
    return tops - sys.stdlib_module_names


def undefined_names(source: str) -> list[str]:
    r"""Names that a script reads and nobody defines: what a cell took from other cells.

    A star import may define anything, so a script that has one lacks nothing for sure: the answer is empty.

    Raises:
        SyntaxError: the text is no Python.

    Example:
        >>> undefined_names("import os\nprint(os.sep, df.shape)")
        ['df']
    """
    if any(isinstance(t, ast.ImportFrom) and t.names[0].name == "*" for t in ast.walk(parse(source))):
        return []
    top = _symbols(source)
    own = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    defined = own | _declared_global(top) | (set(dir(builtins)) - _KERNEL_NAMES) | _MODULE_NAMES
    read = {name for table in _tables(top) for name in _globals_read(table)}
    return sorted(read - defined)


def inner_names(source: str) -> tuple[set[str], set[str]]:
    r"""Names that a script reads as globals in any of its scopes, and those that its functions set as globals.

    Raises:
        SyntaxError: the text is no Python.

    Example:
        >>> inner_names("def f(x):\n    global seen\n    seen = x + step")
        ({'step'}, {'seen'})
    """
    top = _symbols(source)
    return {name for table in _tables(top) for name in _globals_read(table)}, _declared_global(top)


def _symbols(source: str) -> symtable.SymbolTable:
    try:
        return symtable.symtable(source, "<cell>", "exec")
    except (MemoryError, RecursionError, ValueError) as error:
        raise SyntaxError(str(error) or "too deeply nested") from error


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _globals_read(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        at_top = table.get_type() == "module"
        if symbol.is_referenced() and (at_top or symbol.is_global()):
            yield symbol.get_name()


def _declared_global(top: symtable.SymbolTable) -> set[str]:
    return {
        symbol.get_name()
        for table in _tables(top)
        for symbol in table.get_symbols()
        if symbol.is_declared_global() and symbol.is_assigned()
    }
