"""What an edit of a step would make run, found out without registering, writing or running anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

from nbpipe.core.plan import Plan
from nbpipe.core.record import dataclass
from nbpipe.errors import InvalidPipeline, NbpipeError
from nbpipe.notebook.binding import bind
from nbpipe.notebook.declaration import Declaration, put_in_place
from nbpipe.notebook.session import Session


@dataclass(frozen=True)
class Draft(Declaration):
    """A declaration that is not registered: its script lies in a folder that is thrown away.

    Attributes:
        drafts: that folder.
    """

    drafts: Path

    def script_path(self, folder: Path) -> Path:
        """The file of its script; in a source directory it is the one that is there."""
        if self.line.source_directory:
            return super().script_path(folder)
        return self.drafts / self.line.script


@dataclass(frozen=True)
class Change:
    """A step that an edit would have another fate: what is planned for it now, and what would be.

    Attributes:
        step: its name.
        before: the word of its plan now; empty for a step that is not there yet.
        after: the word that it would have; empty for one that would be gone.
        why: the reason, in one line.
    """

    step: str
    before: str
    after: str
    why: str = ""


@dataclass(frozen=True)
class Trial:
    """What an edit would do.

    Attributes:
        changes: steps whose plan would be another, in the order of the plan.
        problems: what would be in the way, or is.
    """

    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()


def try_out(session: Session, declared: Declaration) -> Trial:
    """Plan the pipeline as it is and as it would be with a declaration in place.

    Args:
        session: the notebook's; it is not changed.
        declared: what the cell would declare.

    Returns:
        What differs. Problems of the pipeline are told, not raised.
    """
    with tempfile.TemporaryDirectory(prefix="nbpipe-trial-") as drafts:
        draft = Draft(declared.line, declared.body, declared.cell, Path(drafts))
        path = Path(drafts, declared.line.script)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(declared.body, encoding="utf-8", newline="\n")
        now = session.steps(declared.pipeline)
        try:
            after = _plan(session, put_in_place(now, draft), declared.pipeline)
        except InvalidPipeline as error:
            return Trial(problems=tuple(problem.fact for problem in error.problems))
        except NbpipeError as error:
            return Trial(problems=(error.fact,))
        try:
            before = _plan(session, now, declared.pipeline) if now else None
        except NbpipeError:  # what is broken now and would not be: everything is told
            before = None
        return Trial(tuple(_changes(before, after)))


def _plan(session: Session, declarations: list[Declaration], name: str) -> Plan:
    pipeline = bind(declarations, session.namespace, session.workspace, name=name, folder=session.folder)
    return session.workspace.plan(pipeline)


def _changes(before: Plan | None, after: Plan) -> list[Change]:
    known = {step.node_id: step for step in before or ()}
    found = []
    for step in after:
        old = known.pop(step.node_id, None)
        same = old is not None and (old.status, old.why) == (step.status, step.why)
        if not same:
            found.append(Change(step.name, old.status if old else "", step.status, step.why))
    return [*found, *(Change(gone.name, gone.status, "") for gone in known.values())]
