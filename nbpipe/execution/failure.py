"""What is known of a failed attempt, and the exception read from the last it wrote to stderr."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field, replace
from pathlib import Path

from nbpipe.core.record import dataclass


@dataclass(frozen=True)
class Failure:
    """An attempt that failed.

    Attributes:
        step: name of the step.
        script: its script, relative to its code.
        exit_code, signal: how its process ended; one of them is None.
        lost: why nothing is known of its end, or empty.
        out_of_memory: it was ended for using more than ``memory_limit`` bytes.
        oom_kills: processes the system killed for want of memory while it ran.
        stderr: the last it wrote to stderr.
        cell: the notebook cell it comes from (``cell 5``), or empty.
        is_cell: it comes from a cell, so its arguments are written on a magic line.
        notebook_folder: the notebook's folder, or the step's source directory.
        workspace: root of the workspace.
        taken_along: relative names of the files in its working copy.
        words: its arguments as they are written (``--data``, ``{clean}``).
        inputs: input -> path it was given.
        outputs: output -> path it was told to write, and the option that told it (``--out``), or empty.
        missing_output: an output that is not there or not of the kind declared; None when outputs are not at fault.
        written: files it wrote that it was not told to.
        names_elsewhere: names that other cells define -> ``cell 2``.
        imports_elsewhere: names that other cells import -> the import line.
        python: interpreter it ran in.
        raised: the exception that ended it, or None.
    """

    step: str
    script: str
    exit_code: int | None = None
    signal: int | None = None
    lost: str = ""
    out_of_memory: bool = False
    memory_limit: int | None = None
    oom_kills: int = 0
    stderr: str = ""
    cell: str = ""
    is_cell: bool = True
    notebook_folder: Path = Path()
    workspace: Path = Path()
    taken_along: AbstractSet[str] = frozenset()
    words: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    missing_output: str | None = None
    written: Sequence[str] = ()
    names_elsewhere: Mapping[str, str] = field(default_factory=dict)
    imports_elsewhere: Mapping[str, str] = field(default_factory=dict)
    python: str = "python"
    raised: Raised | None = None

    def where(self) -> str:
        """The step and, where known, the line that raised, as messages begin: ``train, line 4``."""
        if self.raised is None or not self.raised.file:
            return self.step
        place = "line" if self.raised.file == self.script else f"{self.raised.file} line"
        return f"{self.step}, {place} {self.raised.line}"

    def said(self, *kinds: str) -> str | None:
        """Text of the exception if it is of one of these classes; None if it is of another, or there is none."""
        raised = self.raised
        return raised.message if raised and raised.kind.rpartition(".")[2] in kinds else None

    def advice(self, fact: str, remedy: str = "") -> Advice:
        """Advice on the line that raised."""
        return Advice(f"{self.where()}: {fact}", self.raised.script_line if self.raised else None, remedy)


@dataclass(frozen=True)
class Raised:
    """An exception that ended a script.

    Attributes:
        kind: its class as printed (``pandas.errors.ParserError``).
        message: first line of its text.
        file: file of the step's own code that raised, relative; empty where only foreign code is in the traceback.
        line: line of that file.
        script_line: line of the script itself on the way there, or None.
        source: that line's text, as far as the traceback shows it.
        root: folder of the step's code as the traceback names it, with a slash at its end; empty where unknown.
        cause: the exception it was raised from (``raise ... from``), or None.
    """

    kind: str
    message: str
    file: str = ""
    line: int | None = None
    script_line: int | None = None
    source: str = ""
    root: str = ""
    cause: Raised | None = None


@dataclass(frozen=True)
class Advice:
    """What is told of a failure.

    Attributes:
        message: the fact, one line.
        line: line of the script, or None.
        remedy: what to do, ready to paste; empty where the cause is not known for sure.
    """

    message: str
    line: int | None = None
    remedy: str = ""


def read_traceback(stderr: str, script: str) -> Raised | None:
    r"""The exception that ended a script, from what it wrote to stderr; None where it shows none.

    Tracebacks of threads, of child processes and of finalizers are passed over: they end no script.

    Args:
        stderr: text, or the end of it; progress bars and colours do not matter.
        script: path of the script, relative to the step's code.

    Example:
        >>> read_traceback('  File "/copy/a.py", line 3\n    f(\nSyntaxError: never closed', "a.py").line
        3
    """
    blocks = _blocks(plain(stderr))
    root = next(
        (root for block in blocks for frame in block.frames if (root := _root(frame.path, script))), ""
    )
    raised = None
    for number, block in enumerate(blocks):
        cause = raised if block.caused and number else None
        raised = replace(_raised(block, root, script), cause=cause)
    return raised


def crash_line(stderr: str, script: str) -> int | None:
    """Line of the script at which ``faulthandler`` saw the process crash, or None where it was not switched on."""
    _, found, stack = plain(stderr).partition("(most recent call first):")
    for frame in map(_STACK.match, stack.splitlines()) if found else ():
        if frame and _root(frame[1], script):
            return int(frame[2])
    return None


def plain(text: str) -> str:
    """Text without colours; what overwrites its line (a progress bar) gets a line of its own."""
    return _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_HEADER = "Traceback (most recent call last):"
_GROUP = "  + Exception Group " + _HEADER
_FRAME = re.compile(r'  File "(.+)", line (\d+)(?:, in .+)?$')
_STACK = re.compile(r'  File "(.+)", line (\d+) in ')
_RAISED = re.compile(r"([^\W\d][\w.<>]*)(?:: ?(.*))?$")
_CAUSE = "The above exception was the direct cause of the following exception:"
_FOREIGN = re.compile(r"Exception (?:in thread|ignored)|future: <|Process \S+:$")
_SYNTAX = ("SyntaxError", "IndentationError", "TabError")


@dataclass
class _Frame:
    path: str
    line: int
    source: str = ""


@dataclass
class _Block:
    """One traceback: its frames and, once it is whole, the exception."""

    headed: bool = True
    foreign: bool = False
    caused: bool = False
    prefix: str = ""
    frames: list[_Frame] = field(default_factory=list)
    kind: str = ""
    message: str = ""

    def take(self, line: str) -> bool:
        """Read one more line; False when it was the last, the exception's."""
        line = line.removeprefix(self.prefix)
        frame = _FRAME.match(line)
        if frame:
            self.frames.append(_Frame(frame[1], int(frame[2])))
        elif not line or line[0] in " \t":
            if self.frames and not self.frames[-1].source:
                self.frames[-1].source = line.strip()
        else:
            raised = _RAISED.match(line)
            if raised and (self.headed or raised[1] in _SYNTAX):
                self.kind, self.message = raised[1], (raised[2] or "").strip()
            return False
        return True


def _blocks(text: str) -> list[_Block]:
    """The tracebacks in a text that ended or may have ended the script, in order."""
    found: list[_Block] = []
    block: _Block | None = None
    before = ""  # the last line that says something
    for line in text.split("\n"):
        if line.endswith(_HEADER) and not line.startswith("    "):
            prefix = "  | " if line == _GROUP else ""
            block = _Block(foreign=bool(_FOREIGN.match(before)), caused=before == _CAUSE, prefix=prefix)
        elif block is None and _FRAME.match(line):
            block = _Block(headed=False)  # a SyntaxError of the script has no other frames and no header
            block.take(line)
        elif block is not None and not block.take(line):
            if block.kind and not block.foreign:
                found.append(block)
            block = None
        elif (
            block is None
            and found
            and not found[-1].message
            and line
            and before.rstrip() == found[-1].kind + ":"
        ):
            found[-1].message = line.strip()
        before = line if line.strip() else before
    return found


def _root(path: str, script: str) -> str:
    """The folder, with a slash at its end, from which a path leads to the script; empty where it does not."""
    path = path.replace("\\", "/")
    return path[: -len(script)] if path.endswith("/" + script) else ""


def _raised(block: _Block, root: str, script: str) -> Raised:
    own = [frame for frame in block.frames if root and frame.path.replace("\\", "/").startswith(root)]
    named = [(frame.path.replace("\\", "/")[len(root) :], frame) for frame in own]
    lines = [frame.line for name, frame in named if name == script]
    file, frame = named[-1] if named else ("", None)
    return Raised(
        block.kind,
        block.message,
        file=file,
        line=frame.line if frame else None,
        script_line=lines[-1] if lines else None,
        source=frame.source if frame else "",
        root=root,
    )
