"""A script as text: what it imports, which names it lacks, and the digest that comments do not change."""

from __future__ import annotations

import ast
import builtins
import hashlib
import symtable
import sys
from collections.abc import Iterator

_MODULE_NAMES = {
    "__file__",
    "__name__",
    "__doc__",
    "__builtins__",
    "__annotations__",
    "__spec__",
    "__loader__",
}


def code_digest(source: str) -> str:
    """SHA-256 of a script's syntax tree: comments, blank lines and formatting do not count, docstrings do.

    Raises:
        SyntaxError: the text is no Python.

    Example:
        >>> code_digest("x = 1  # one") == code_digest("x=1")
        True
    """
    digest = hashlib.sha256(b"ast\0")
    for token in _tokens(ast.parse(source)):
        digest.update(token)
    return digest.hexdigest()


def _tokens(tree: ast.AST) -> Iterator[bytes]:
    """The tree, the same in every Python: empty fields, which versions add, are passed over."""
    for name, value in ast.iter_fields(tree):
        if value is None or value == [] or name in ("kind", "type_comment"):
            continue
        yield f"({type(tree).__name__}.{name} ".encode()
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield f"{type(item).__name__} ".encode()
                yield from _tokens(item)
            else:
                yield f"{type(item).__name__}:{item!r} ".encode("utf-8", "surrogatepass")
        yield b")"


def imports_of(source: str) -> set[tuple[str, int]]:
    r"""Every module that a script imports anywhere in it, as ``(dotted name, relative level)``.

    ``from a.b import c`` gives both ``a.b`` and ``a.b.c``, since ``c`` may be a module.

    Example:
        >>> sorted(imports_of("import os.path\nfrom . import near"))
        [('', 1), ('near', 1), ('os.path', 0)]
    """
    found: set[tuple[str, int]] = set()
    for tree in ast.walk(ast.parse(source)):
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

    Example:
        >>> undefined_names("import os\nprint(os.sep, df.shape)")
        ['df']
    """
    if any(isinstance(t, ast.ImportFrom) and t.names[0].name == "*" for t in ast.walk(ast.parse(source))):
        return []
    top = symtable.symtable(source, "<cell>", "exec")
    defined = {
        s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()
    }
    defined |= _declared_global(top) | set(dir(builtins)) | _MODULE_NAMES
    read = {name for table in _tables(top) for name in _globals_read(table)}
    return sorted(read - defined)


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
