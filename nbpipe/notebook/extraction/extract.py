"""A step cell made of an ordinary one: the cell is read, values and questions are settled, and the new text written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.core.validation import close_to
from nbpipe.errors import UsageError
from nbpipe.notebook.declaration import DEFAULT_PIPELINE, read_declaration
from nbpipe.notebook.extraction.answers import Answers, Extraction, Question
from nbpipe.notebook.extraction.body import futures
from nbpipe.notebook.extraction.book import BookCell, read_book
from nbpipe.notebook.extraction.files import USES, FileText, Use, file_texts, given_texts
from nbpipe.notebook.extraction.inputs import Input, Inputs
from nbpipe.notebook.extraction.makers import Makers, output_name
from nbpipe.notebook.extraction.naming import check_name, step_name
from nbpipe.notebook.extraction.origins import Needs, Origins
from nbpipe.notebook.extraction.outputs import Output, Outputs
from nbpipe.notebook.extraction.readable import check_cell
from nbpipe.notebook.extraction.saving import save_value
from nbpipe.notebook.extraction.script import Parts, step_cell
from nbpipe.notebook.extraction.settings import settings_above
from nbpipe.notebook.extraction.shown import shown_line
from nbpipe.notebook.session import Session
from nbpipe.notebook.transform import read_step_cell


def extract(
    session: Session,
    cell: str,
    answers: Answers | Mapping[str, Any] | None = None,
    cells: Sequence[Mapping[str, Any]] | None = None,
) -> Extraction:
    """A step cell made of an ordinary cell of the notebook. Nothing is inserted or registered.

    Args:
        session: the notebook's.
        cell: the number beside the cell, ``[5]``; its place, ``cell 5``; or its id.
        answers: to the questions of an earlier call; a mapping has the names of ``Answers``.
        cells: the notebook's cells as the front end has them now, each a mapping as in a notebook's file; default: as
            saved, else those that ran in this kernel.

    Returns:
        The new cell's text, with what is worth knowing. While it has questions, the text lacks what they ask for, and
        nothing is saved.

    Raises:
        UsageError: the cell cannot become a step: which line is in the way, or what to do first.
        NotebookError: the notebook's file cannot be read.

    Example:
        ``extract(session, "[5]", {"kinds": {"scores": "json"}}).text``
    """
    given = answers if isinstance(answers, Answers) else Answers.of(answers or {})
    if given.name:
        check_name(given.name)
    book = read_book(session, cells)
    found = book.find(cell)
    check_cell(found)
    origins = Origins(book, session.namespace)
    return _Extracting(session, found, origins, given).whole()


@dataclass
class _Extracting:
    """One cell on its way to a step."""

    session: Session
    cell: BookCell
    origins: Origins
    answers: Answers
    notes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def whole(self) -> Extraction:
        """The extraction."""
        pipeline = self.session.chosen() or DEFAULT_PIPELINE
        makers = Makers(self.session.steps(pipeline), self.origins, self.session.ran.made_of)
        outputs = Outputs(self.cell, self.origins, makers, self.answers).all()
        written = [each for each in outputs if isinstance(each, Output)]
        needs = self.origins.needs(self.cell, [each.name for each in written if each.name])
        self._refuse_strange_answers(needs)
        self._refuse_kernel_names(needs)
        self._note_code(needs)
        inputs = list(self._inputs(needs, makers))
        files = list(self._files(needs))
        self._note_outputs(outputs)
        name = self._name(written)
        parts = Parts(
            name, self.cell, needs, inputs, written, files, self._futures(), self._prints(),
            "" if pipeline == DEFAULT_PIPELINE else pipeline,
        )  # fmt: skip
        text = step_cell(parts)
        self._check(text)
        self._note_earlier_steps(makers)
        saved = () if self.questions or self.answers.preview else tuple(self._save(inputs))
        preview = "\n".join([*self.notes, "", _diff(self.cell, text, name)])
        return Extraction(
            text, name, tuple(self.notes), tuple(self.questions), preview, self.cell.label, saved
        )

    def _refuse_strange_answers(self, needs: Needs) -> None:
        """Refuse answers about names that the cell neither takes nor leaves: a typo would pass unseen."""
        texts = [self.cell.python, *(piece.text for piece, _ in needs.pieces)]
        known = {
            *needs.values,
            *self.origins.touched(self.cell),
            *(each.path for t in texts for each in given_texts(t)),
        }
        known |= (
            {other for others in self.cell.ran.also.values() for other in others} if self.cell.ran else set()
        )
        for name in sorted({*self.answers.kinds, *self.answers.skip} - known):
            meant = close_to(name, known)
            hint = f" Did you mean {meant}?" if meant else ""
            raise UsageError(f"{self.cell.label.capitalize()} neither takes nor leaves {name}.{hint}")

    def _refuse_kernel_names(self, needs: Needs) -> None:
        for name in needs.kernel:
            if name != "display":
                line = self.cell.names.lines.get(name)
                where = f"Line {line} of {self.cell.label}" if line else self.cell.label.capitalize()
                raise UsageError(
                    f"{where} asks the kernel for {name}, which a script does not have.",
                    remedy="Give the value a name in a cell of its own, and use that.",
                )

    def _note_code(self, needs: Needs) -> None:
        for piece, cell in [*needs.imports, *needs.pieces]:
            first = piece.text.partition("\n")[0]
            shown = first if piece.kind == "import" else f"{piece.kind} {piece.name}"
            self.notes.append(f"{shown} is taken from {cell.label if cell else 'the kernel'}")
        self.notes += [f"{name} is set by no cell above" for name in needs.unknown]
        used = {piece.name for piece, _ in needs.imports} | {*self.cell.names.sets}
        above = self.origins.book.before(self.cell)
        for cell, text in settings_above(above, used, self.session.namespace):
            self.notes.append(
                f"{cell.label} has  {text:.60}  which the step lacks: copy it where that matters"
            )
        if not self.cell.place and any(each.place for each in self.origins.book.cells):
            self.notes.append(
                "the cell is not saved yet and counts as the last; save the notebook for its place"
            )
        if "display" in needs.kernel:
            self.notes.append("display prints in a script")

    def _inputs(self, needs: Needs, makers: Makers) -> Iterator[Input]:
        inputs = Inputs(self.cell, self.origins, makers, self.session.folder, self.answers)
        for name, maker in needs.values.items():
            if name in self.answers.skip:
                self.notes.append(f"{name} is not passed, as you said: the script lacks it")
                continue
            found = inputs.of(name, maker)
            if isinstance(found, Input):
                self.notes += [
                    found.note,
                    *(f"{name}: {note}" for note in found.kept.notes if found.way == "file"),
                ]
                yield found
            else:
                self.questions.append(found)

    def _files(self, needs: Needs) -> Iterator[FileText]:
        """Files that the cell names by texts, each once, as what it does with them."""
        texts = [self.cell.python, *(piece.text for piece, _ in needs.pieces)]
        by_path: dict[str, list[FileText]] = {}
        for each in (each for text in texts for each in file_texts(text, self.session.folder)):
            by_path.setdefault(each.path, []).append(each)
        for path, found in by_path.items():
            uses = {each.use for each in found}
            asked = USES.get(self.answers.kinds.get(path, ""))
            use: Use = asked or (uses.pop() if len(uses) == 1 else "unclear")
            file = replace(next((each for each in found if each.use == "unclear"), found[0]), use=use)
            if path in self.answers.skip:
                self.notes.append(f"{path} stays as it is, as you said: a step has no file beside it")
            elif use == "unclear" or not file.placeholder:
                fact = f"Line {file.line} gives {path}, which is a file, to {file.function}."
                options = (f"--as {path}=read|write",) if use == "unclear" else ()
                self.questions.append(Question(path, fact, (*options, f"--skip {path}")))
            else:
                self.notes.append(f"{path} is {file.use} by line {file.line}: it becomes {file.placeholder}")
                yield file

    def _note_outputs(self, outputs: Iterable[Output | Question | str]) -> None:
        for each in outputs:
            if isinstance(each, Output):
                self.notes.append(f"{each.note}: it is written as {each.kept.kind}")
                self.notes += [f"{each.name}: {note}" for note in each.kept.notes]
            elif isinstance(each, Question):
                self.questions.append(each)
            else:
                self.notes.append(each)
        if not outputs and self.cell.pieces and all(self.cell.pieces.values()):
            self.notes.append(
                "the cell only defines; steps that use what it defines take that along by themselves"
            )

    def _name(self, outputs: Iterable[Output]) -> str:
        """The step's name: the user's, else one that suggests itself and that no step has."""
        taken = [each.name for each in self.session.declarations]
        if self.answers.name:
            if self.answers.name in taken:
                self.notes.append(f"{self.answers.name} takes the place of the step of that name")
            return self.answers.name
        made = [output_name(each.name) if each.name else "figure" for each in outputs]
        fallback = self.cell.label.translate(str.maketrans(" ", "_", "[]"))
        return step_name(self.cell.python, made, taken, fallback)

    def _futures(self) -> list[str]:
        """``from __future__`` imports of cells that ran, which count in every cell after them."""
        cells = [each for each in self.origins.book.cells if each.shares and each.ran]
        return [line for each in cells if each is not self.cell for line in futures(each.python)[0]]

    def _prints(self) -> bool:
        line = shown_line(self.cell, self.session.namespace)
        if line:
            self.notes.append(f"line {line} is printed, which the notebook shows")
        return bool(line)

    def _check(self, text: str) -> None:
        """See that the new cell can be meant; what cannot is nbpipe's own mistake, or a name that no line can hold."""
        cell = read_step_cell(text)
        if cell is None:
            raise UsageError(f"{self.cell.label.capitalize()} makes no step cell.")
        read_declaration(cell.line, cell.body, self.session.cell, cell.magic)
        if self.cell.ran:
            self.session.ran.made_of[cell.body.strip()] = self.cell.ran.key

    def _note_earlier_steps(self, makers: Makers) -> None:
        for step in makers.steps:
            if makers.cell_of(step) is self.cell and step.name != self.answers.name:
                self.notes.append(
                    f"{step.called} was made of this cell before; take it out:  %pipeline_remove {step.name}"
                )

    def _save(self, inputs: Iterable[Input]) -> Iterator[str]:
        """Write the values that are saved beside the notebook; the files."""
        for each in inputs:
            if each.saved:
                save_value(each.kept, self.session.namespace[each.name], self.session.folder / each.saved)
                yield each.saved


def _diff(cell: BookCell, text: str, name: str) -> str:
    """The new cell beside the old one, whole."""
    old, new = cell.text.splitlines(), text.splitlines()
    return "\n".join(difflib.unified_diff(old, new, cell.label, f"step {name}", n=len(old), lineterm=""))
