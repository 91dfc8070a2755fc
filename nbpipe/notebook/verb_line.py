"""The line behind a ``%pipeline_VERB``: its words and options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.core.validation import close_to
from nbpipe.errors import UsageError
from nbpipe.notebook.words import split


@dataclass(frozen=True)
class VerbOption:
    """An option of a verb.

    Attributes:
        value: what it takes, as help shows it; empty for a flag.
        meaning: one line of help.
        repeats: may stand several times.
    """

    value: str
    meaning: str
    repeats: bool = False


@dataclass
class VerbLine:
    """What was written behind a verb.

    Attributes:
        words: what is no option.
        options: option -> True, its text, or a list of texts where it repeats.
    """

    words: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def has(self, option: str) -> bool:
        """True when a flag was given."""
        return bool(self.options.get(option))

    def text(self, option: str) -> str:
        """The value of an option, or empty."""
        return str(self.options.get(option, ""))

    def texts(self, option: str) -> list[str]:
        """The values of an option that repeats."""
        return list(self.options.get(option, ()))

    def count(self, option: str) -> int | None:
        """The value of an option as a number from 1 on, or None where it was not given.

        Raises:
            UsageError: it is no such number.
        """
        text = self.text(option)
        if not text:
            return None
        if not (text.isascii() and text.isdigit()) or int(text) < 1:
            raise UsageError(f"{option} {text}: this is no number from 1 on.", remedy=f"Write  {option} 2")
        return int(text)


@dataclass(frozen=True)
class Verb:
    """A verb: ``%pipeline_run`` and ``%pipeline run``.

    Attributes:
        run: carries it out, with the session and the line.
        words: what it takes besides options, as help shows it: ``STEP``, ``[STEP]`` or empty.
        meaning: one sentence of help.
        options: its options by name.
        completes: what its words are, for completion: ``step``, ``run``, ``cell`` or empty.
        declares: it changes what the notebook declares, so it counts while a notebook is only read for that.
    """

    run: Callable[[Any, VerbLine], Any]
    words: str
    meaning: str
    options: Mapping[str, VerbOption] = field(default_factory=dict)
    completes: str = ""
    declares: bool = False

    def usage(self, name: str) -> str:
        """One line: how it is written."""
        parts = [f"%pipeline_{name}" if name else "%pipeline", self.words]
        parts += [
            f"[{option} {each.value}]" if each.value else f"[{option}]"
            for option, each in self.options.items()
        ]
        return " ".join(part for part in parts if part)

    def help(self, name: str) -> str:
        """The text that ``%pipeline_VERB?`` shows."""
        return "\n".join([self.meaning, "", f"Usage:  {self.usage(name)}", *option_lines(self.options)])


def option_lines(options: Mapping[str, Any]) -> Iterable[str]:
    """One line of help an option."""
    if options:
        yield ""
    for name, option in options.items():
        yield f"  {f'{name} {option.value}'.rstrip():<28} {option.meaning}"


_CELL = re.compile(r"(?<!\S)(?:cell\s+)?\[(?P<shown>\d+)\](?!\S)|(?<!\S)cell\s+(?P<place>\d+)(?!\S)")
"""A cell as messages name it: ``cell [5]``, ``[5]`` or ``cell 5``."""


def _cell_as_one_word(found: re.Match[str]) -> str:
    return f"'[{found['shown']}]'" if found["shown"] else f"'cell {found['place']}'"


def read_verb_line(name: str, verb: Verb, line: str) -> VerbLine:
    """Understand what stands behind a verb.

    Raises:
        UsageError: an unknown option, a missing value, too few or too many words.

    Example:
        >>> verb = Verb(print, "STEP", "Show a step.", {"--jobs": VerbOption("N", "steps at once")})
        >>> read_verb_line("show", verb, "train --jobs 2")
        VerbLine(words=['train'], options={'--jobs': '2'})
    """
    words, faults = split(_CELL.sub(_cell_as_one_word, line) if verb.completes == "cell" else line)
    if faults:
        raise UsageError(faults[0].fact, place=f"%pipeline_{name} {line}", remedy=faults[0].remedy)
    found = VerbLine()
    left = [word.text for word in words]
    while left:
        word = left.pop(0)
        option, equals, value = word.partition("=")
        if not word.startswith("-"):
            found.words.append(word)
        elif option not in verb.options:
            meant = close_to(option, verb.options)
            hint = f" Did you mean {meant}?" if meant else ""
            raise UsageError(f"No option {option}.{hint}", remedy=f"Usage:  {verb.usage(name)}")
        else:
            _take(found, option, verb.options[option], value if equals else None, left)
    most = 0 if not verb.words else 1
    if len(found.words) > most or (verb.words and not verb.words.startswith("[") and not found.words):
        fact = (
            f"{found.words[most]} is too much here."
            if len(found.words) > most
            else f"{verb.words} is missing."
        )
        raise UsageError(fact, remedy=f"Usage:  {verb.usage(name)}")
    return found


def _take(found: VerbLine, name: str, option: VerbOption, value: str | None, left: list[str]) -> None:
    if not option.value:
        if value is not None:
            raise UsageError(f"{name} takes no value.", remedy=f"Write  {name}  alone.")
        found.options[name] = True
        return
    if value is None:
        if not left:
            raise UsageError(f"{name} has no value.", remedy=f"Write  {name} {option.value}")
        value = left.pop(0)
    if option.repeats:
        found.options.setdefault(name, []).append(value)
    else:
        found.options[name] = value
