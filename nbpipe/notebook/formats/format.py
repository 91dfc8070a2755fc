"""How a value is kept in a file: the kind of file, and the code that writes the value and reads it back."""

from __future__ import annotations

import string
from collections.abc import Mapping

from nbpipe.core.record import dataclass

KINDS = ("parquet", "csv", "json", "npy", "png", "text", "bytes")
"""Every kind of file, by the word that chooses it."""
ENDINGS = {".txt": "text", ".bin": "bytes"} | {f".{kind}": kind for kind in KINDS[:5]}
"""Ending of a file -> its kind."""
IMPORTS = {
    "Path": "from pathlib import Path",
    "json": "import json",
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "pl": "import polars as pl",
    "plt": "import matplotlib.pyplot as plt",
}
"""What the code of formats imports, by the name that stands for it there."""


@dataclass(frozen=True)
class Format:
    """How one value is kept in a file, or why none holds it.

    Attributes:
        type: what messages call the value: the name of its type.
        kind: the kind of file; empty where none surely gives the value back.
        write: code that writes the value, with ``{name}``, ``{path}`` and names of ``IMPORTS`` in braces.
        read: expression that reads it back; empty for what is only looked at, as a picture.
        why: why no kind fits, where none does.
        kinds: the kinds that may be asked for.
        notes: what the file does not keep, or what the code takes for granted.
        simple: type of a value that can stand on a command line: ``int``, ``float``, ``str`` or ``bool``.
        role: ``file``, ``path`` for a path of data, ``code`` for a module, function or class.
        changing: methods of its type that change it in place.

    Example:
        >>> kept = Format("list", "json", "{Path}({path}).write_text({json}.dumps({name}))")
        >>> kept.written("rows", "args.rows")
        'Path(args.rows).write_text(json.dumps(rows))'
        >>> kept.writing
        ('Path', 'json')
    """

    type: str
    kind: str = ""
    write: str = ""
    read: str = ""
    why: str = ""
    kinds: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    simple: str = ""
    role: str = "file"
    changing: frozenset[str] = frozenset()

    @property
    def ending(self) -> str:
        """The ending of its file."""
        return next((ending for ending, kind in ENDINGS.items() if kind == self.kind), "")

    @property
    def writing(self) -> tuple[str, ...]:
        """Names of ``IMPORTS`` that the code which writes uses."""
        return _imported(self.write)

    @property
    def reading(self) -> tuple[str, ...]:
        """Names of ``IMPORTS`` that the code which reads uses."""
        return _imported(self.read)

    def written(self, name: str, path: str, called: Mapping[str, str] | None = None) -> str:
        """Code that writes the value.

        Args:
            name: the variable.
            path: expression for the file's path.
            called: name of ``IMPORTS`` -> what it is called in the script.
        """
        return self.write.format(name=name, path=path, **{**_PLAIN, **(called or {})})

    def read_from(self, path: str, called: Mapping[str, str] | None = None) -> str:
        """Expression that reads the value; arguments as in ``written``."""
        return self.read.format(path=path, **{**_PLAIN, **(called or {})})


_PLAIN = {name: name for name in IMPORTS}


def _imported(template: str) -> tuple[str, ...]:
    fields = [field for _, field, _, _ in string.Formatter().parse(template)]
    return tuple(dict.fromkeys(field for field in fields if field in IMPORTS))


def literal(value: object) -> str:
    """A text, number or list of them as Python, safe inside the code of a format.

    Example:
        >>> literal(["a{b}", 1])
        '["a{{b}}", 1]'
    """
    return quoted(value).replace("{", "{{").replace("}", "}}")


def quoted(value: object) -> str:
    r"""A text, number or list of them as Python, in double quotes where nothing speaks against it.

    Example:
        >>> quoted(["a", 1, 'b"'])
        '["a", 1, \'b"\']'
    """
    if isinstance(value, list):
        return f"[{', '.join(map(quoted, value))}]"
    plain = (
        str.__repr__(value) if isinstance(value, str) else repr(value)
    )  # a subclass may say anything of itself
    return f'"{plain[1:-1]}"' if isinstance(value, str) and plain[0] == "'" and '"' not in plain else plain
