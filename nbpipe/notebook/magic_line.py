"""The magic line of a step: nbpipe's options, the script, and the script's own command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.core.validation import close_to
from nbpipe.errors import UsageError
from nbpipe.notebook.file_name import normal, script_problem
from nbpipe.notebook.options import OPTIONS, Option
from nbpipe.notebook.words import Fault, Read, Word, Write, split

STEP_MAGICS = ("pipeline_step", "step")
MODULE_MAGIC = "pipeline_module"


@dataclass(frozen=True)
class MagicLine:
    """A magic line, understood.

    Attributes:
        script: the script's name, a relative path.
        name: the step's name.
        words: the script's command line.
        text: the line as it was written, without the magic's name.
        inputs, outputs: data beside the command line.
        params: name -> text, or a placeholder.
        source_directory, with_paths: where its code is besides the cell.
        compute_target: a name, or a notebook variable in braces.
        runconfig: name of a notebook variable, or empty.
        python: interpreter, or empty.
        env: name -> value, or None to take the value at submit.
        secret: names handed over and masked.
        gpus, memory (bytes), timeout (seconds), retries: what it may use.
        no_reuse, version: what counts for reuse.
        pipeline: name of its pipeline, or empty.
        run: run it at once.
        overwrite: replace a script file that another hand changed.
    """

    script: str
    name: str
    words: tuple[Word, ...] = ()
    text: str = field(default="", compare=False)
    inputs: tuple[Read, ...] = ()
    outputs: tuple[Write, ...] = ()
    params: tuple[tuple[str, str | Read], ...] = ()
    source_directory: str = ""
    with_paths: tuple[str, ...] = ()
    compute_target: str | Read = ""
    runconfig: str = ""
    python: str = ""
    env: tuple[tuple[str, str | None], ...] = ()
    secret: tuple[str, ...] = ()
    gpus: int = 0
    memory: int | None = None
    timeout: float | None = None
    retries: int = 0
    no_reuse: bool = False
    version: str = ""
    pipeline: str = ""
    run: bool = False
    overwrite: bool = False

    @property
    def settled(self) -> bool:
        """False where it names a configuration or a target in a variable, which may be changed in place."""
        return not self.runconfig and not isinstance(self.compute_target, Read)

    @cached_property
    def by_text(self) -> Mapping[str, Read]:
        """Every placeholder that reads, by how it is written; each once."""
        return {read.text: read for read in self.reads()}

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names that may be variables of the notebook, each once."""
        target = self.compute_target
        reads = (*self.reads(), *([target] if isinstance(target, Read) else ()))
        return tuple(dict.fromkeys(read.name for read in reads if read.name and not read.step))

    def reads(self) -> Iterator[Read]:
        """Every placeholder that reads, in the order of the line."""
        yield from self.inputs
        yield from (value for _, value in self.params if isinstance(value, Read))
        for word in self.words:
            yield from (part for part in word.parts if isinstance(part, Read))

    def writes(self) -> Sequence[Write]:
        """Every output, in the order of the line."""
        return self._writes

    @cached_property
    def _writes(self) -> tuple[Write, ...]:
        in_words = (part for word in self.words for part in word.parts if isinstance(part, Write))
        return (*self.outputs, *in_words)


def parse_magic_line(line: str, magic: str = STEP_MAGICS[0]) -> MagicLine:
    """Understand a magic line.

    Args:
        line: what follows the magic's name, continuation lines joined.
        magic: the magic's name, to show the line in errors.

    Raises:
        UsageError: names everything in the line that cannot be meant, with a caret under each place.

    Example:
        >>> step = parse_magic_line("--timeout 5m prep.py --raw {./penguins.csv} --out {>clean.csv}")
        >>> step.name, step.timeout, [each.name for each in step.writes()]
        ('prep', 300.0, ['clean'])
    """
    words, faults = split(line)
    options = _Options(faults)
    rest = options.read(words)
    script = _read_script(rest[0] if rest else None, len(line), faults)
    fields = options.fields
    name = fields.pop("name", None) or PurePosixPath(script).stem
    parsed = MagicLine(script=script, name=name, words=tuple(rest[1:]), text=line.strip(), **fields)
    faults += _contradictions(parsed)
    if faults:
        raise _error(f"%%{magic} ", line, sorted(faults, key=lambda fault: fault.column))
    return parsed


def parse_module_line(line: str) -> tuple[str, bool]:
    """Understand the line of ``%%pipeline_module``: the module's file, and whether to overwrite.

    Raises:
        UsageError: it does not name one ``.py`` file, or has another option than ``--overwrite``.

    Example:
        >>> parse_module_line("utils.py --overwrite")
        ('utils.py', True)
    """
    words, faults = split(line)
    names = [word for word in words if word.text != "--overwrite"]
    faults += [_unknown(word) for word in names if word.text.startswith("-")]
    script = _read_script(names[0] if names else None, len(line), faults)
    faults += [
        Fault("A module's cell is one file.", "Write  %%pipeline_module utils.py", w.column)
        for w in names[1:]
    ]
    if faults:
        raise _error(f"%%{MODULE_MAGIC} ", line, faults)
    return script, len(names) < len(words)


class _Options:
    """Reads the options before the script into fields of a ``MagicLine``, and notes what it cannot read."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.fields: dict[str, Any] = {}

    def read(self, words: list[Word]) -> list[Word]:
        """Read all options; returns the words from the script on."""
        left = list(words)
        while left and left[0].text.startswith("-"):
            word = left.pop(0)
            if word.text == "--":
                break
            name, equals, _ = word.text.partition("=")
            option = OPTIONS.get(name)
            if option is None:
                self.faults.append(_unknown(word))
                self._skip_value(name, left)
                continue
            value = word.after(len(name) + 1) if equals else None
            if option.value and value is None and left and left[0].text.partition("=")[0] not in OPTIONS:
                value = left.pop(0)
            self._take(name, option, word, value)
        return left

    def _skip_value(self, name: str, left: list[Word]) -> None:
        """Pass over the value of a misspelt option, so that it is not taken for the script."""
        meant = OPTIONS.get(close_to(name, OPTIONS))
        if meant and meant.value and len(left) > 1 and not left[0].text.endswith(".py"):
            left.pop(0)

    def _take(self, name: str, option: Option, word: Word, value: Word | None) -> None:
        if option.field in self.fields and not option.repeats:
            self.faults.append(Fault(f"{name} stands twice.", "Take one away.", word.column))
        elif not option.value:
            self.fields[option.field] = True
            if value is not None:
                self.faults.append(Fault(f"{name} takes no value.", f"Write  {name}  alone.", word.column))
        elif value is None or not value.parts:
            self.faults.append(Fault(f"{name} has no value.", f"Write  {name} {option.value}", word.column))
        elif not option.braces and any(not isinstance(part, str) for part in value.parts):
            fact = f"{name} takes no {{placeholder}}."
            self.faults.append(Fault(fact, f"Write  {name} {option.value}", value.column))
        else:
            self._read_value(name, option, value)

    def _read_value(self, name: str, option: Option, value: Word) -> None:
        try:
            read = option.read(value)
            self.fields[option.field] = (
                (*self.fields.get(option.field, ()), *read) if option.repeats else read
            )
        except UsageError as error:
            self.faults.append(Fault(f"{name}: {error.fact}", error.remedy or "", value.column))


def _read_script(word: Word | None, end: int, faults: list[Fault]) -> str:
    """The script's name, checked."""
    if word is None:
        remedy = "Name it behind the options:  %%pipeline_step prep.py --out {>clean.csv}"
        faults.append(Fault("The magic line names no script.", remedy, end))
        return "script.py"
    script = normal(word.text)
    braces = any(not isinstance(part, str) for part in word.parts)
    problem = "it is a {placeholder}" if braces else script_problem(script)
    if problem:
        shown = script if len(script) <= 60 else f"{script[:40]}...{script[-12:]}"
        remedy = "A script is a file such as prep.py or models/train.py, in the step's own folder."
        faults.append(Fault(f"{shown!r} cannot be a script's name: {problem}.", remedy, word.column))
        return "script.py"
    return script


def _unknown(word: Word) -> Fault:
    name = word.text.partition("=")[0]
    meant = close_to(name, OPTIONS)
    fact = f"No option {name}." + (f" Did you mean {meant}?" if meant else "")
    return Fault(
        fact, "The script's own options stand behind its name; nbpipe's:  %%pipeline_step?", word.column
    )


def _contradictions(line: MagicLine) -> Iterator[Fault]:
    seen: set[str] = set()
    for write in line.writes():
        if write.name in seen:
            fact = f"{line.name} writes {{{write.name}}} twice."
            yield Fault(fact, "Give one of the outputs another name.", write.column)
        seen.add(write.name)
    if line.source_directory and line.with_paths:
        fact = "--with and --source-directory do not go together."
        yield Fault(fact, "A source directory takes all its files along; put the others there.", 0)


def _error(prefix: str, line: str, faults: list[Fault]) -> UsageError:
    places = [_pointed(prefix, line, fault.column) for fault in faults]
    if len(faults) == 1:
        return UsageError(faults[0].fact, place=places[0], remedy=faults[0].remedy)
    listed = []
    for fault, place in zip(faults, places, strict=True):
        listed += [fault.fact, *(f"  {row}" for row in (*place.splitlines(), *fault.remedy.splitlines()))]
    return UsageError(f"{len(faults)} things in this magic line cannot be meant.", remedy="\n".join(listed))


def _pointed(prefix: str, line: str, column: int, width: int = 96) -> str:
    """The line with a caret under a place; of a long one the part around it. What cannot be seen shows as a mark."""
    seen = "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in line)
    whole, place = prefix + seen, len(prefix) + column
    start = max(0, min(place - width // 2, len(whole) - width))
    return f"{whole[start : start + width].rstrip()}\n{' ' * (place - start)}^"
