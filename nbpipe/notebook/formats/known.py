"""Which kind of file keeps a value of a notebook: decided by its type, never by its name."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from nbpipe.notebook.formats.format import KINDS, Format
from nbpipe.notebook.formats.frames import frame_format

LONGEST_WALK = 10_000
"""Parts of a list or dict that are looked at to see whether JSON holds it."""
_LIST_METHODS = frozenset({"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"})
_DICT_METHODS = frozenset({"clear", "pop", "popitem", "setdefault", "update"})
_ARRAY_METHODS = frozenset({"fill", "itemset", "partition", "put", "resize", "sort"})
CHANGING_METHODS = _LIST_METHODS | _DICT_METHODS | _ARRAY_METHODS
"""Methods that change what they are called on, if it is a list, a dict, an array or a frame."""
_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)

_JSON_WRITE, _JSON_READ = (
    "{Path}({path}).write_text({json}.dumps({name}))",
    "{json}.loads({Path}({path}).read_text())",
)
_NPY_WRITE, _NPY_READ = (
    "{np}.save({path}, {name}, allow_pickle=False)",
    "{np}.load({path}, allow_pickle=False)",
)


def format_of(value: Any, kind: str = "") -> Format:
    """How a value is kept in a file.

    Args:
        value: the value; it is looked at, not changed.
        kind: one of ``KINDS`` that was asked for; default: the one that gives values of this type back equal.

    Returns:
        A format; one without a kind says why none fits, and which may be asked for.

    Example:
        >>> format_of([1, 2]).kind, format_of(0.5).simple, format_of({1, 2}).kind
        ('json', 'float', '')
    """
    made = next((make(value) for fits, make in _MAKERS if fits(value)), None)
    if made is None:
        name = type(value).__name__
        made = Format(name, why=f"no kind of file surely holds a value of type {name}", kinds=KINDS)
    return made if kind in ("", made.kind) else _chosen(value, kind, made)


def _chosen(value: Any, kind: str, own: Format) -> Format:
    """A value in a kind of file that is not its own."""
    if _is_frame(value) and kind in ("csv", "parquet") and (made := frame_format(value, kind)).kind:
        return made
    if _is_polars(value) and kind == "csv":
        return _polars(value, kind)
    write, read = _ANY[kind]
    if kind == "png" and not hasattr(value, "savefig") and hasattr(value, "figure"):
        write = "{name}.figure.savefig({path})"  # axes of matplotlib
    return replace(own, kind=kind, write=write, read=read, why="", notes=())


_ANY: Mapping[str, tuple[str, str]] = {
    "parquet": ("{name}.to_parquet({path})", "{pd}.read_parquet({path})"),
    "csv": ("{name}.to_csv({path})", "{pd}.read_csv({path})"),
    "json": (_JSON_WRITE, _JSON_READ),
    "npy": (_NPY_WRITE, _NPY_READ),
    "png": ("{name}.savefig({path})", ""),
    "text": ("{Path}({path}).write_bytes(str({name}).encode())", "{Path}({path}).read_bytes().decode()"),
    "bytes": ("{Path}({path}).write_bytes({name})", "{Path}({path}).read_bytes()"),
}


def _is(package: str, *names: str) -> Callable[[Any], bool]:
    """A test for values whose type is just one of a package's; the package is not imported for it."""

    def fits(value: Any) -> bool:
        module = sys.modules.get(package)
        return any(type(value) is getattr(module, name, None) for name in names)

    return fits


_is_frame, _is_polars = _is("pandas", "DataFrame", "Series"), _is("polars", "DataFrame", "Series")


def _polars(value: Any, chosen: str = "parquet") -> Format:
    series = type(value).__name__ == "Series"
    frame, back = ("{name}.to_frame()", ".to_series()") if series else ("{name}", "")
    read = f"{{pl}}.read_{chosen}({{path}}){back}"
    return Format(
        type(value).__name__, chosen, f"{frame}.write_{chosen}({{path}})", read, kinds=("parquet", "csv")
    )


def _array(value: Any) -> Format:
    if value.dtype.hasobject:
        why = "npy holds no array of objects"
        return Format("ndarray", why=why, kinds=("json",), changing=_ARRAY_METHODS)
    return Format("ndarray", "npy", _NPY_WRITE, _NPY_READ, kinds=("npy",), changing=_ARRAY_METHODS)


def _number_of_numpy(value: Any) -> Format:
    simple = type(value.item()).__name__ if type(value.item()) in (bool, int, float, str) else ""
    return Format(type(value).__name__, "npy", _NPY_WRITE, f"{_NPY_READ}[()]", kinds=("npy",), simple=simple)


def _is_numpy_number(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic)


def _is_figure(value: Any) -> bool:
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


_FIGURE = Format("Figure", "png", "{name}.savefig({path})", kinds=("png",))
_TEXT_WRITE = "{Path}({path}).write_bytes({name}.encode())"
_TEXT = Format("str", "text", _TEXT_WRITE, _ANY["text"][1], kinds=("text", "json"), simple="str")
_BYTES = Format("bytes", "bytes", *_ANY["bytes"], kinds=("bytes",))


def _plain(value: Any) -> Format:
    name = type(value).__name__
    changing = {"list": _LIST_METHODS, "dict": _DICT_METHODS}.get(name, frozenset())
    read = f"tuple({_JSON_READ})" if type(value) is tuple else _JSON_READ
    problem = json_problem(list(value) if type(value) is tuple else value)
    if problem:
        return Format(name, why=problem, kinds=("json",), changing=changing)
    simple = name if type(value) in (bool, int, float) else ""
    return Format(name, "json", _JSON_WRITE, read, kinds=("json",), simple=simple, changing=changing)


def json_problem(value: Any) -> str:
    """Why JSON would not give a value back as it is, or an empty string; a large one is looked at in part.

    Example:
        >>> json_problem({"a": [1, None]}), json_problem({1: "a"})
        ('', 'json turns the key 1 into text')
    """
    todo, looked = [value], 0
    while todo and looked < LONGEST_WALK:
        item = todo.pop()
        looked += 1
        if type(item) is dict:
            other = next((key for key in item if type(key) is not str), None)
            if other is not None:
                return f"json turns the key {other!r:.40} into text"
            todo.extend(item.values())
        elif type(item) is list:
            todo.extend(item)
        elif type(item) not in (str, int, float, bool, type(None)):
            return f"json does not bring back the {type(item).__name__} in it"
    return ""


def _path(value: Any) -> Format:
    return Format(type(value).__name__, role="path", why="a path is data of its own")


def _code(value: Any) -> Format:
    return Format(type(value).__name__, role="code", why="it is code")


_MAKERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Format]], ...] = (
    (lambda value: isinstance(value, _CODE), _code),
    (lambda value: isinstance(value, PurePath), _path),
    (_is_frame, frame_format),
    (_is_polars, _polars),
    (_is("numpy", "ndarray"), _array),
    (_is_numpy_number, _number_of_numpy),
    (_is_figure, lambda _: _FIGURE),
    (lambda value: type(value) is str, lambda _: _TEXT),
    (lambda value: type(value) is bytes, lambda _: _BYTES),
    (lambda value: type(value) in (bool, int, float, list, dict, tuple, type(None)), _plain),
)
