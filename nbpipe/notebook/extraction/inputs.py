"""How each value that a cell reads comes into its step: from another step, as a parameter or from a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from nbpipe.core.record import dataclass
from nbpipe.notebook.declaration import Declaration
from nbpipe.notebook.extraction.answers import Answers, Question, kinds_question
from nbpipe.notebook.extraction.book import BookCell
from nbpipe.notebook.extraction.makers import Makers, output_name
from nbpipe.notebook.extraction.origins import Origins
from nbpipe.notebook.extraction.saving import free_file
from nbpipe.notebook.formats.format import ENDINGS, Format
from nbpipe.notebook.formats.known import format_of
from nbpipe.notebook.formats.round_trip import CannotKeep, lost_in
from nbpipe.notebook.ran import noted

LONGEST_PARAMETER = 1000
"""Characters of a text that is passed by value; a longer one is read from a file."""


@dataclass(frozen=True)
class Input:
    """A value that a step is given.

    Attributes:
        name: the variable.
        placeholder: what stands for it on the magic line.
        way: ``file`` is read by the code of its format; ``parameter`` is a value; ``path`` is made a ``pathlib.Path``;
            ``text`` is the path itself.
        kept: its format.
        note: where it comes from.
        saved: file beside the notebook that it is saved to, or empty.
    """

    name: str
    placeholder: str
    way: Literal["file", "parameter", "path", "text"]
    kept: Format
    note: str
    saved: str = ""


class Inputs:
    """Finds how values come into the step of one cell.

    Args:
        cell: the cell.
        origins: the notebook.
        makers: its steps.
        folder: the notebook's folder.
        answers: what the user has said.
    """

    def __init__(
        self, cell: BookCell, origins: Origins, makers: Makers, folder: Path, answers: Answers
    ) -> None:
        self.cell, self.origins, self.makers, self.folder, self.answers = (
            cell, origins, makers, folder, answers,
        )  # fmt: skip

    def of(self, name: str, maker: BookCell | None) -> Input | Question:
        """How one value comes in.

        Args:
            name: the variable.
            maker: the cell that made the value, or None.
        """
        step = self.makers.step_for(name, maker)
        if step is not None:
            return self._from_step(name, step, maker)
        kept = self._kept(name, maker)
        made = f"{name} is made by {maker.label}" if maker else f"{name} is made by no cell that is known"
        if kept is None:
            run = f"run {maker.label} first" if maker else "set it first"
            return Question(name, f"{made} and is not there now.", (run, f"--skip {name}"))
        if kept.role == "path":
            return self._path(name, kept)
        if kept.simple and self._is_steady(name):
            given = self._simple(name, kept)
            if given is not None:
                return given
        return self._from_file(name, maker, kept, made)

    def _is_steady(self, name: str) -> bool:
        """True for a name with one value: one that is set twice has only its last one as a parameter."""
        return len(self.origins.setters(name)) <= 1 and name not in self.origins.touched(self.cell)

    def _kept(self, name: str, maker: BookCell | None) -> Format | None:
        """The format of what a cell left, noted when it had run; else of the variable, if it is still that."""
        if maker and maker.ran and name in maker.ran.left:
            return maker.ran.left[name]
        if name in self.origins.variables and self.origins.is_fresh(name, maker):
            return noted(self.origins.variables[name])
        return None

    def _from_step(self, name: str, step: Declaration, maker: BookCell | None) -> Input | Question:
        output = output_name(name)
        write = next(each for each in step.line.writes() if each.name == output)
        kind = ENDINGS.get("." + write.file_name.rpartition(".")[2], "") if write.form == "file" else ""
        kind = self.answers.kinds.get(name, kind)
        value = self.origins.variables.get(name)
        kept = self._kept(name, maker)
        if kind and (kept is None or kept.kind != kind):
            kept = format_of(value, kind)
        if kept is None or kept.kind != kind or not kept.read:
            fact = f"{name} is made by {step.called} as {write.file_name}, and how that is read is not known."
            return kinds_question(name, fact, ENDINGS.values())
        note = f"{name} is read from {step.called}"
        before, after = kept.written(name, "\0").split("\0")
        if before not in step.body or after not in step.body:
            note += ", whose script is not written by %pipeline_extract: see that it writes what is read here"
        return Input(name, self.makers.reading(step, name), "file", kept, note)

    def _path(self, name: str, kept: Format) -> Input | Question:
        value, there = self.origins.variables.get(name), False
        with suppress(OSError, ValueError):
            there = isinstance(value, Path) and (self.folder / value).exists()
        if there and self._is_steady(name):
            return Input(name, f"{{{name}}}", "path", kept, f"{name} is a path, passed by content")
        why = "is set by several cells" if there else f"leads to nothing: {value}"
        return kinds_question(name, f"{name} is a path and {why}.", ())

    def _simple(self, name: str, kept: Format) -> Input | None:
        """A value on the command line; a text that names a file is that file."""
        value = self.origins.variables.get(name)
        if isinstance(value, str):
            with suppress(OSError, ValueError):
                if value.strip() and (self.folder / value).is_file():
                    placeholder = path_placeholder(value)
                    note = f"{name} names a file, {value}, passed by content"
                    return Input(name, placeholder, "text", kept, note) if placeholder else None
            if len(value) > LONGEST_PARAMETER or not value.isprintable():
                return None
        if name not in self.origins.variables:
            return None
        return Input(name, f"{{{name}}}", "parameter", kept, f"{name} is a parameter, now {value!r:.60}")

    def _from_file(self, name: str, maker: BookCell | None, kept: Format, made: str) -> Input | Question:
        """A value that no step makes: saved beside the notebook where the user says so."""
        kind = self.answers.kinds.get(name, "")
        fresh = name in self.origins.variables and self.origins.is_fresh(name, maker)
        value = self.origins.variables.get(name)
        if not fresh:
            again = ", ".join(each.label for each in self._touched_since(name, maker))
            since = f"and was changed by {again} since" if again else "and is not there now"
            run = f"run {maker.label} again" if maker else "set it again"
            return Question(name, f"{made} {since}.", (run, *self._first(maker, kept), f"--skip {name}"))
        kept = format_of(value, kind) if kind else kept
        if not kept.kind or not kept.read:
            why = kept.why or f"a {kept.type} cannot be read back from a file"
            return kinds_question(name, f"{made}; {why}.", [each for each in kept.kinds if each != "png"])
        if not self.answers.save_inputs:
            options = (*self._first(maker, kept), "--save-inputs", f"--skip {name}")
            return Question(name, f"{made}, which is no step." if maker else f"{made}.", options)
        problem = keeping_problem(name, kept, value, asked=bool(kind))
        if problem is not None:
            return problem
        file = free_file(output_name(name), kept, value, self.folder)
        return Input(name, f"{{./{file}}}", "file", kept, f"{name} is saved to {file} as it is now", file)

    def _touched_since(self, name: str, maker: BookCell | None) -> Iterator[BookCell]:
        turn = maker.ran.turn if maker and maker.ran else -1
        for each in self.origins.setters(name):
            if each.ran and each.ran.turn > turn and each is not maker:
                yield each

    @staticmethod
    def _first(maker: BookCell | None, kept: Format) -> tuple[str, ...]:
        """The line that makes a step of the cell that the value comes from."""
        if maker is None or not (kept.kind and kept.read):
            return ()
        return (f"%pipeline_extract {maker.label.removeprefix('cell ') if maker.ran else maker.label}",)


def path_placeholder(path: str) -> str:
    """A path as a magic line reads it, or empty where no braces can hold it.

    Example:
        >>> path_placeholder("data/x.csv"), path_placeholder("/data/x.csv"), path_placeholder("{x}")
        ('{./data/x.csv}', '{/data/x.csv}', '')
    """
    if any(char in path for char in "{}\r\n"):
        return ""
    whole = Path(path).is_absolute() or path.startswith(("./", "../"))
    return f"{{{path if whole else f'./{path}'}}}"


def keeping_problem(name: str, kept: Format, value: Any, *, asked: bool) -> Question | None:
    """What is in the way of keeping a value in a file: tried with the value itself.

    Args:
        name: the variable.
        kept: its format.
        value: the value.
        asked: the user chose the kind, and so takes what it loses.
    """
    others = [each for each in kept.kinds if each != kept.kind]
    try:
        lost = lost_in(kept, value)
    except CannotKeep as error:
        return kinds_question(name, f"{name} cannot be kept as {kept.kind}: {error}.", others)
    if not lost or asked:
        return None
    return kinds_question(
        name, f"{kept.kind} does not bring {name} back equal: {lost}.", [kept.kind, *others]
    )
