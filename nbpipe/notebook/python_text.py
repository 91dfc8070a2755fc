"""A cell as Python: its magics as the calls that IPython makes of them, and where the first of them stands."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager, make_tokens_by_line

_AROUND_PYTHON = re.compile(r"\s*%%(?:time|capture|prun)\b[^\n]*")
"""Cell magics that run the cell as it is, in the notebook's own variables."""


def as_python(text: str) -> str:
    r"""A cell as IPython runs it: each magic is the call that it becomes, and a cell that is indented is not.

    Example:
        >>> as_python("%%time\nfiles = !ls\n")
        "files = get_ipython().getoutput('ls')\n"
    """
    text = _AROUND_PYTHON.sub("", text, count=1) if _AROUND_PYTHON.match(text) else text
    if _is_python(text):
        return text
    try:
        return str(TransformerManager().transform_cell(text))
    except SyntaxError:
        return text


def magic_at(text: str) -> int:
    r"""Number of the first line that is no Python but a magic, a shell command or a question, or 0.

    Example:
        >>> magic_at("x = 1\n!ls\n"), magic_at("x = (5\n  % 3)")
        (2, 0)
    """
    if _is_python(text):
        return 0
    tokens = make_tokens_by_line(text.splitlines(keepends=True))
    transformers: list[Any] = TransformerManager().token_transformers
    found = [transformer.find(tokens) for transformer in transformers]
    return min((each.start_line + 1 for each in found if each is not None), default=0)


def _is_python(text: str) -> bool:
    try:
        compile(text, "<cell>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
