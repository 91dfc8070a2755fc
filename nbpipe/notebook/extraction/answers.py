"""What is asked before a cell becomes a step, what may be answered, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, field
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError
from nbpipe.notebook.formats.format import KINDS

USES = ("read", "write")
"""What a cell may do with a file."""


@dataclass(frozen=True)
class Answers:
    """What a user has said already.

    Attributes:
        kinds: name -> kind of file that keeps its value; path of a file -> ``read`` or ``write``.
        skip: names that are neither passed nor written.
        save_inputs: save values that no step makes to files beside the notebook.
        name: of the step; empty for one that suggests itself.
        preview: nothing is saved yet.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()
    save_inputs: bool = False
    name: str = ""
    preview: bool = False

    @staticmethod
    def of(data: Mapping[str, Any]) -> Answers:
        """Answers as JSON has them, by the names of the attributes.

        Raises:
            UsageError: a kind that there is not, or an answer of another type.

        Example:
            >>> Answers.of({"kinds": {"scores": "json"}, "skip": ["model"]}).skip
            frozenset({'model'})
        """
        kinds, skip = data.get("kinds") or {}, data.get("skip") or ()
        if not isinstance(kinds, Mapping) or isinstance(skip, str) or not isinstance(skip, Iterable):
            raise UsageError("The answers are kinds by name, and names to skip.")
        for name, kind in kinds.items():
            if not name:
                raise UsageError(f"--as {kind} has no kind.", remedy=f"Write  --as {kind}=csv")
            if kind not in (*KINDS, *USES):
                raise UsageError(f"No kind {kind}.", remedy=f"Write  --as {name}={'|'.join(KINDS)}")
        return Answers(
            {str(name): str(kind) for name, kind in kinds.items()},
            frozenset(map(str, skip)),
            bool(data.get("save_inputs")),
            str(data.get("name") or ""),
            bool(data.get("preview")),
        )


@dataclass(frozen=True)
class Question:
    """Something that is for the user to decide.

    Attributes:
        name: the name concerned.
        fact: what is known of it, in one sentence.
        options: what may be answered: options of ``%pipeline_extract``, or a line to run first.
    """

    name: str
    fact: str
    options: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.fact}  {'  or  '.join(self.options)}"


@dataclass(frozen=True)
class Extraction:
    """A step cell made of an ordinary one.

    Attributes:
        text: the new cell; while questions are open it is not whole.
        name: of its step.
        notes: what is worth knowing: what was taken from where, what was changed.
        questions: what has to be answered first; empty when the cell is whole.
        preview: the notes, and the new cell beside the old one as a diff.
        cell: label of the old cell.
        saved: files beside the notebook that were written.
    """

    text: str
    name: str
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    preview: str = ""
    cell: str = ""
    saved: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the same names."""
        return asdict(self)

    def told(self, *, preview: bool = False) -> str:
        """What is said below the cell that asked.

        Args:
            preview: nothing is inserted yet, so the new cell is shown.
        """
        if self.questions:
            things = "one thing is" if len(self.questions) == 1 else f"{len(self.questions)} things are"
            head = (
                f"{self.cell.capitalize()} as step {self.name}: {things} for you to say. Nothing was written."
            )
            return "\n".join([head, *(f"  {question}" for question in self.questions)])
        if preview:
            return self.preview
        done = f"{self.cell.capitalize()} as step {self.name}: the cell below. Run it to register the step."
        undo = (
            f"The old cell stays. Undo: delete the new cell; once it has run:  %pipeline_remove {self.name}"
        )
        return "\n".join([done, *(f"  {note}" for note in self.notes), undo])


def kinds_question(name: str, fact: str, kinds: Iterable[str]) -> Question:
    """A question that a kind of file answers, or leaving the name out."""
    offered = "|".join(kinds)
    chosen = (f"--as {name}={offered}",) if offered else ()
    return Question(name, fact, (*chosen, f"--skip {name}"))
