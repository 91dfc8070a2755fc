"""nbpipe's options on a magic line: what each is called, what it takes, and how its value is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from nbpipe.core.environment import parse_duration, parse_memory
from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError
from nbpipe.notebook.words import Read, Word, Write, split

Data = TypeVar("Data", Read, Write)


def _text(value: Word) -> str:
    return value.text


def _count(value: Word) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", value.text):
        raise UsageError(f"{value.text!r} is no whole number, 0 or more.", remedy="Write it as  2")
    return int(value.text)


def _memory(value: Word) -> int:
    return parse_memory(value.text)


def _duration(value: Word) -> float:
    return parse_duration(value.text)


def _paths(value: Word) -> Iterator[str]:
    yield value.text


def _variable(value: Word) -> str:
    found = _in_braces(value.text, "{", Read)
    if found is None or not found.name or found.step:
        raise UsageError(
            f"{value.text!r} is no variable's name.", remedy="Write the name of a variable: my_config"
        )
    return found.name


def _target(value: Word) -> str | Read:
    first = value.parts[0]
    return first if isinstance(first, Read) and len(value.parts) == 1 else value.text


def _inputs(value: Word) -> Iterator[Read]:
    return _listed(value, "{", Read)


def _outputs(value: Word) -> Iterator[Write]:
    return _listed(value, "{>", Write)


def _params(value: Word) -> Iterator[tuple[str, str | Read]]:
    first = value.parts[0] if isinstance(value.parts[0], str) else ""
    name, equals, literal = first.partition("=")
    later = value.parts[1:]
    if not equals:
        yield from ((read.name, read) for read in _listed(value, "{", Read))
    elif not later:
        yield _name(name), literal
    elif len(later) == 1 and isinstance(later[0], Read) and not literal:
        yield _name(name), later[0]
    else:
        raise UsageError("a value is one text or one {name}.", remedy="Write  lr=0.1  or  lr={rate}")


def _env(value: Word) -> Iterator[tuple[str, str | None]]:
    variable, equals, text = value.text.partition("=")
    yield _name(variable), text if equals else None


def _secret(value: Word) -> Iterator[str]:
    if "=" in value.text:
        remedy = "Set the variable outside the notebook and name it:  --secret API_KEY"
        raise UsageError("a secret's value does not belong into a notebook.", remedy=remedy)
    yield _name(value.text)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise UsageError(f"{text!r} is no variable's name.", remedy="A name has letters, digits and _.")
    return text


def _in_braces(text: str, opening: str, kind: type[Data]) -> Data | None:
    """What a text means if it stands in braces, or is put there."""
    words, faults = split(text if text.startswith("{") else opening + text + "}")
    if faults:
        raise UsageError(faults[0].fact, remedy=faults[0].remedy)
    part = words[0].parts[0] if len(words) == 1 and len(words[0].parts) == 1 else None
    return part if isinstance(part, kind) else None


def _listed(value: Word, opening: str, kind: type[Data]) -> Iterator[Data]:
    """The data of ``a,b`` or ``{a},{b}``."""
    for part in value.parts:
        items = [item.strip() for item in part.split(",")] if isinstance(part, str) else [str(part)]
        for item in filter(None, items):
            found = _in_braces(item, opening, kind)
            if found is None:
                raise UsageError(
                    f"{item} cannot stand here.", remedy="Write names with commas between:  clean,raw"
                )
            yield found


@dataclass(frozen=True)
class Option:
    """An option of the magic line.

    Attributes:
        value: what it takes, as help shows it; empty for a flag.
        meaning: one line of help.
        field: the field of ``MagicLine`` that it sets.
        read: makes the field's value of a word; of an option that repeats, the items to add.
        repeats: may stand several times.
        braces: takes ``{placeholders}``.
    """

    value: str
    meaning: str
    field: str
    read: Callable[[Word], Any] = _text
    repeats: bool = False
    braces: bool = False


def _many(
    value: str, meaning: str, field: str, read: Callable[[Word], Any], *, braces: bool = False
) -> Option:
    return Option(value, meaning, field, read, repeats=True, braces=braces)


OPTIONS = {
    "--name": Option("NAME", "the step's name; default: the script's, without .py", "name"),
    "--inputs": _many("A,B", "data it reads beside its command line", "inputs", _inputs, braces=True),
    "--outputs": _many("A,B", "data it writes beside its command line", "outputs", _outputs, braces=True),
    "--params": _many("NAME[=VALUE]", "set AML_PARAMETER_NAME in the step", "params", _params, braces=True),
    "--source-directory": Option(
        "FOLDER", "this whole folder is the code; the script goes there", "source_directory"
    ),
    "--with": _many("PATH", "a file or folder that the script needs beside it", "with_paths", _paths),
    "--compute-target": Option(
        "NAME", "where it runs; default: local", "compute_target", _target, braces=True
    ),
    "--runconfig": Option(
        "VARIABLE", "a RunConfiguration of the notebook", "runconfig", _variable, braces=True
    ),
    "--python": Option("PATH|ENV", "interpreter, environment or command; default: the kernel's", "python"),
    "--env": _many("NAME[=VALUE]", "an environment variable that counts for reuse", "env", _env),
    "--secret": _many("NAME", "an environment variable to hand over and to mask in logs", "secret", _secret),
    "--gpus": Option("N", "GPUs it holds while it runs", "gpus", _count),
    "--memory": Option("SIZE", "memory it may use: 512M, 2G", "memory", _memory),
    "--timeout": Option("TIME", "how long it may take: 90s, 5m, 2h", "timeout", _duration),
    "--retries": Option("N", "further attempts after a failure", "retries", _count),
    "--no-reuse": Option("", "run it each time", "no_reuse"),
    "--version": Option("TEXT", "change it to make the step run again", "version"),
    "--pipeline": Option("NAME", "the pipeline it belongs to; default: pipeline", "pipeline"),
    "--run": Option("", "run it at once, with what it needs", "run"),
    "--overwrite": Option("", "replace a script file that another hand changed", "overwrite"),
}
"""Every option that may stand before the script."""
