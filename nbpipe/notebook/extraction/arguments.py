"""The arguments of a script: on the magic line, and in its parser."""

from __future__ import annotations

from collections.abc import Collection

from nbpipe.core.record import dataclass
from nbpipe.notebook.extraction.naming import free_name
from nbpipe.notebook.step_text import quoted

LONGEST_LINE = 100
"""Characters of a magic line, which goes on in the next line beyond that."""
_TYPES = {"int": ", type=int", "float": ", type=float", "bool": ', type=lambda text: text == "True"'}
"""How a parser is told to read a value of a type; texts are what it reads anyway."""


@dataclass(frozen=True)
class _Argument:
    name: str
    placeholder: str
    type: str


class Arguments:
    """The arguments of one script, in the order of its magic line.

    Args:
        taken: names that mean something else in the script.

    Example:
        >>> arguments = Arguments({"args"})
        >>> arguments.data("df", "{df}"), arguments.value("lr", "float"), arguments.output("df", "df.csv")
        ('args_.df', 'args_.lr', 'args_.df_out')
        >>> arguments.magic_line("clean")
        '%%pipeline_step clean.py --df {df} --lr={lr} --df_out {>df.csv}'
    """

    def __init__(self, taken: Collection[str]) -> None:
        self._holder = free_name("args", taken)
        self._parser = free_name("parser", taken)
        self._all: list[_Argument] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def data(self, name: str, placeholder: str) -> str:
        """Add something that is passed as a path; the expression that is this path."""
        return self._add(free_name(name, self._names()), placeholder)

    def value(self, name: str, kind: str) -> str:
        """Add a parameter of a type; the expression that is its value."""
        return self._add(free_name(name, self._names()), f"{{{name}}}", kind)

    def output(self, name: str, file: str) -> str:
        """Add something that the script writes; the expression that is its path."""
        name = name if name not in self._names() else free_name(f"{name}_out", self._names())
        return self._add(name, f"{{>{file}}}")

    def _names(self) -> set[str]:
        return {"help", *(each.name for each in self._all)}

    def _add(self, name: str, placeholder: str, kind: str = "") -> str:
        self._all.append(_Argument(name, placeholder, kind))
        return f"{self._holder}.{name}"

    def magic_line(self, step: str, pipeline: str = "") -> str:
        """The magic line; a value may begin with a minus, so that ``=`` joins it to its name."""
        words = [f"%%pipeline_step {f'--pipeline {quoted(pipeline)} ' if pipeline else ''}{step}.py"]
        words += [f"--{each.name}{'=' if each.type else ' '}{each.placeholder}" for each in self._all]
        line = " ".join(words)
        return line if len(line) <= LONGEST_LINE else " \\\n    ".join(words)

    def parser(self) -> str:
        """The code that reads the command line."""
        lines = [
            f'{self._parser}.add_argument("--{each.name}"{_TYPES.get(each.type, "")})' for each in self._all
        ]
        begin, end = (
            f"{self._parser} = argparse.ArgumentParser()",
            f"{self._holder} = {self._parser}.parse_args()",
        )
        return "\n".join([begin, *lines, end])
