"""The words of a magic line: quotes, escapes and ``{placeholders}``, read without a shell."""

from __future__ import annotations

import re
from dataclasses import field

from nbpipe.core.port import Form
from nbpipe.core.record import dataclass
from nbpipe.notebook.file_name import part_problem


@dataclass(frozen=True)
class Read:
    """``{name}``, ``{step.output}`` or ``{./path}``: something that the script reads.

    Attributes:
        text: what stands between the braces.
        column: where it begins in the line, counted from 0.
        path: the path, for the third form; else empty.
        step: the step, for the second form; else empty.
        name: the last part of the first two forms.
    """

    text: str
    column: int = field(default=0, compare=False)
    path: str = ""
    step: str = ""
    name: str = ""

    def __str__(self) -> str:
        return "{" + self.text + "}"


@dataclass(frozen=True)
class Write:
    """``{>clean.csv}``, ``{>clean/}`` or ``{>clean}``: something that the script writes.

    Attributes:
        name: how consumers call it: ``clean``.
        file_name: last part of the path that the script is given: ``clean.csv``.
        form: ``file``, ``folder`` (made in advance) or ``any``.
        column: where it begins in the line, counted from 0.
    """

    name: str
    file_name: str
    form: Form
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return "{>" + self.file_name + ("/" if self.form == "folder" else "") + "}"


Part = str | Read | Write


@dataclass(frozen=True)
class Word:
    """One word of a magic line: literal text and placeholders, quotes and escapes taken away.

    Attributes:
        parts: what it is made of; an empty word (``''``) has none.
        column, end: where it stands in the line.
    """

    parts: tuple[Part, ...]
    column: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The word with its placeholders as they are written."""
        return "".join(str(part) for part in self.parts)

    def after(self, length: int) -> Word:
        """The word without the first ``length`` characters of its leading text, as behind ``--name=``."""
        rest = str(self.parts[0])[length:]
        parts = (rest, *self.parts[1:]) if rest else self.parts[1:]
        return Word(parts, self.column + length, self.end)


@dataclass(frozen=True)
class Fault:
    """One thing in a magic line that cannot be meant: the fact, what to do, and where it stands."""

    fact: str
    remedy: str = ""
    column: int = 0


_NAME = r"\w*[^\W\d]\w*"
_HERE = r"\.{1,2}[/\\][^{}\r\n]*"  # ./data/x.csv, ../lib
_WHOLE = r"(?:[A-Za-z]:[/\\]|/)[^{}\r\n]+"  # /data/x.csv, C:\data\x.csv
_BESIDE = r"[\w.-]+/[^{}\s\"']*"  # data/x.csv
_PATH = f"{_HERE}|{_WHOLE}|{_BESIDE}"
_BRACES = rf"\{{(?:>(?P<write>[^{{}}\r\n]*)|(?P<path>{_PATH})|(?:(?P<step>\w[\w.-]*)\.)?(?P<name>{_NAME}))\}}"
_PLACEHOLDER = re.compile(_BRACES)
_DOUBLED = re.compile(rf"\{{({_BRACES})\}}")
_WRITE = re.compile(r"(?P<file>(?P<name>\w+)(?P<ending>(?:\.[\w+-]+)*))(?P<folder>/?)", re.ASCII)

_SHELL = {
    "*": ("`*` stands outside quotes: a magic line knows no glob.", "Read files by content:  {./data/*.csv}"),
    "?": ("`?` stands outside quotes: a magic line knows no glob.", ""),
    "[": ("`[` stands outside quotes: a magic line knows no glob.", ""),
    "|": (
        "`|` stands outside quotes: a step is one script, no shell pipe.",
        "Write {>out}, read {out} elsewhere.",
    ),
    ">": (
        "`>` stands outside quotes: a magic line redirects nothing.",
        "An output of the script:  {>out.txt}",
    ),
    "<": (
        "`<` stands outside quotes: a magic line redirects nothing.",
        "An input of the script:  {./in.txt}",
    ),
    ";": ("`;` stands outside quotes: a magic line is one command.", ""),
    "&": (
        "`&` stands outside quotes: a magic line is one command, and a run is in the background anyway.",
        "",
    ),
    "`": ("A backtick stands outside quotes: a magic line runs no command to fill in a word.", ""),
}
_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\}|\()")
_QUOTES = "'\""
_BLANKS = " \t\r\n"


def split(text: str) -> tuple[list[Word], list[Fault]]:
    r"""Split a magic line into words.

    The rules are those of ``shlex``, but a backslash escapes only quotes, blanks and itself, so that
    ``C:\data`` survives; what a shell would expand is a fault unless quoted; ``{placeholders}`` count inside
    quotes too, and ``{{x}}`` is the literal text ``{x}``. Other braces are literal: JSON and regular
    expressions pass.

    Returns:
        The words, and every fault found on the way.

    Example:
        >>> words, faults = split("prep.py --raw {raw} --out={>clean.csv}")
        >>> [word.text for word in words], words[2].parts[0].name, words[3].parts[1].form
        (['prep.py', '--raw', '{raw}', '--out={>clean.csv}'], 'raw', 'file')
    """
    scanner = _Scanner(text)
    words = []
    while (word := scanner.next_word()) is not None:
        words.append(word)
    return words, scanner.faults


def doubled(text: str) -> str:
    """A text in which all that looks like a placeholder is doubled, so that it stays text.

    Example:
        >>> doubled("{x} {3}")
        '{{x}} {3}'
    """
    return _PLACEHOLDER.sub(lambda found: "{" + found[0] + "}", text)


class _Scanner:
    """One pass over a line; ``at`` is the next character to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.faults: list[Fault] = []
        self._parts: list[Part] = []
        self._shell: list[tuple[int, str, str]] = []

    def next_word(self) -> Word | None:
        """The next word, or None at the end of the line."""
        while self.at < len(self.text) and self.text[self.at] in _BLANKS:
            self.at += 1
        if self.at == len(self.text):
            return None
        start, self._parts, self._shell = self.at, [], []
        while self.at < len(self.text) and self.text[self.at] not in _BLANKS:
            self._read_bare()
        self.faults += [
            Fault(
                fact,
                f"Quote it:  {_quoted(self.text[start : self.at])}" + (f"\n{hint}" if hint else ""),
                column,
            )
            for column, fact, hint in self._shell[:1]
        ]
        return Word(tuple(self._parts), start, self.at)

    def _read_bare(self) -> None:
        """Read one character, escape, placeholder or quoted text outside quotes."""
        char = self.text[self.at]
        following = self.text[self.at + 1 : self.at + 2]
        variable = _VARIABLE.match(self.text, self.at)
        if char in _QUOTES:
            self._read_quoted(char)
        elif char == "\\" and following and following in _QUOTES + _BLANKS + "\\":
            self._literal(following)
            self.at += 2
        elif char == "{" and self._read_braces():
            pass
        else:
            if variable:
                name = variable[0].strip("$({}")
                hint = f"A variable of the notebook:  {{{name}}}" if name else ""
                self._shell.append(
                    (self.at, f"`{variable[0]}` stands outside quotes: a magic line knows no $VAR.", hint)
                )
            elif char == ">" and self.text[self.at - 1 : self.at] == "{":
                self.faults.append(
                    Fault("`{>` is never closed.", "An output is written as  {>clean.csv}", self.at - 1)
                )
            elif char in _SHELL:
                self._shell.append((self.at, *_SHELL[char]))
            self._literal(char)
            self.at += 1

    def _read_quoted(self, quote: str) -> None:
        opened = self.at
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == quote:
                self.at += 1
                return
            if char == "\\" and quote == '"' and self.text[self.at + 1 : self.at + 2] in ('"', "\\"):
                self._literal(self.text[self.at + 1])
                self.at += 2
            elif char != "{" or not self._read_braces(quote):
                self._literal(char)
                self.at += 1
        self.faults.append(
            Fault(
                f"The quote {quote} is never closed.",
                f"Close it, or write \\{quote} for the sign itself.",
                opened,
            )
        )

    def _read_braces(self, quote: str = "") -> bool:
        """Read a placeholder or doubled braces at this ``{``; False where they are plain text."""
        doubled = _DOUBLED.match(self.text, self.at)
        found = doubled or _PLACEHOLDER.match(self.text, self.at)
        if found is None or (quote and quote in found[0]) or _is_number(found["name"] and found[0]):
            return False
        if doubled:
            self._literal(doubled[1])
        elif found["write"] is not None:
            self._write(found["write"], found[0])
        else:
            self._parts.append(
                Read(found[0][1:-1], self.at, found["path"] or "", found["step"] or "", found["name"] or "")
            )
        self.at = found.end()
        return True

    def _write(self, inside: str, whole: str) -> None:
        match = _WRITE.fullmatch(inside)
        if match is None or match["name"].isdigit():
            rule = "An output's name has letters a to z, digits and _, and not digits alone."
            forms = "Write {>clean.csv} for a file, {>clean/} for a folder, {>clean} for either."
            self.faults.append(Fault(f"{whole} names no output.", f"{rule}\n{forms}", self.at))
            return
        if problem := part_problem(match["file"]):
            self.faults.append(
                Fault(f"{whole} cannot be written: {problem}.", "Give the output another name.", self.at)
            )
        form: Form = "folder" if match["folder"] else "file" if match["ending"] else "any"
        self._parts.append(Write(match["name"], match["file"], form, self.at))

    def _literal(self, text: str) -> None:
        if self._parts and isinstance(self._parts[-1], str):
            self._parts[-1] += text
        else:
            self._parts.append(text)


def _is_number(braces: str | None) -> bool:
    return bool(braces) and not re.search(r"[^\W\d_]|_", str(braces))


def _quoted(raw: str) -> str:
    """A word in quotes, as it can be pasted."""
    if "'" not in raw:
        return f"'{raw}'"
    return '"' + raw.replace("\\", "\\\\").replace('"', '\\"') + '"'
