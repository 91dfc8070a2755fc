"""The session as boards see it: pipelines of step cells, and those of the object API, by their names."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import is_
from pathlib import Path
from typing import Any

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.live.scene import CellFacts
from nbpipe.live.source import LastKnown
from nbpipe.loading.declared import pipelines_in
from nbpipe.notebook.bound import named_variables
from nbpipe.notebook.declaration import Declaration
from nbpipe.notebook.extraction.extract import extract
from nbpipe.notebook.last_graph import last_known
from nbpipe.notebook.restore import gone_cells, restore
from nbpipe.notebook.session import SMALLEST_STEP, Session
from nbpipe.notebook.values import choices, set_value
from nbpipe.notebook.verb_line import read_verb_line
from nbpipe.notebook.verbs import VERBS, extract_answers
from nbpipe.views.answers import CellText, ParamItem
from nbpipe.views.text import visible
from nbpipe.workspace import Workspace


class SessionSource:
    """Carries out ``nbpipe.live.source.Source`` for the session of a notebook.

    Args:
        session: the session.
    """

    sample = SMALLEST_STEP

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown: dict[str, Pipeline] = {}
        self._cells: dict[str, tuple[dict[str, tuple[Declaration, CellFacts]], dict[str, CellFacts]]] = {}
        self._gone: tuple[object, frozenset[str]] = (None, frozenset())

    @property
    def workspace(self) -> Workspace:
        """The workspace of the notebook's folder."""
        return self._session.workspace

    @property
    def folder(self) -> Path:
        """The notebook's folder."""
        return self._session.folder

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """The session's."""
        return self._session.lock

    def show(self, pipeline: Pipeline) -> None:
        """A pipeline was displayed: it is the one of its name, unless step cells declare one."""
        self._shown[pipeline.name] = pipeline

    def names(self) -> Sequence[str]:
        """Names of the pipelines, the one that is meant by default first."""
        session = self._session
        declared = session.names()
        chosen = [session.chosen()] if declared else []
        objects = [pipeline.name for pipeline in pipelines_in(session.namespace).values()]
        known = [*chosen, *declared, *self._shown, *objects]
        left = [] if known else [each.pipeline for each in session.not_registered()]
        return list(dict.fromkeys(known or left))

    def pipeline(self, name: str) -> Pipeline | None:
        """The pipeline of that name as it is meant now.

        Raises:
            InvalidPipeline: with every problem of every step.
        """
        if name in self._session.names():
            return self._session.pipeline(name)
        objects = pipelines_in(self._session.namespace).values()
        return self._shown.get(name) or next((each for each in objects if each.name == name), None)

    def offers(self, name: str) -> bool:
        """Whether there is a plan of that pipeline that a cell has just made."""
        return self._session.plans.offers(name)

    def plan(self, pipeline: Pipeline) -> Plan:
        """The plan of a pipeline as it is now: the one that a cell has just made, else one made now."""
        return self._session.plans.now(pipeline)

    def cells(self, name: str) -> Mapping[str, CellFacts]:
        """Step name -> its cell; the same object while nothing is new."""
        gone = self._gone_cells()
        known, told = self._cells.get(name, ({}, {}))
        made = {}
        for each in self._session.steps(name):
            before = known.get(each.name)
            same = before and before[0] is each and before[1].cell_gone == (each.name in gone)
            made[each.name] = before if before and same else (each, self._facts(each, gone))
        if len(made) != len(known) or not all(map(is_, made.values(), known.values())):
            told = {step: facts for step, (_, facts) in made.items()}
            self._cells[name] = made, told
        return told

    def _facts(self, each: Declaration, gone: Collection[str]) -> CellFacts:
        return CellFacts(
            each.cell.cell_id,
            visible(each.cell.label),
            each.name in gone,
            each.cell.first,
            each.cell.digest,
            visible(self._script(each)),
        )

    def _script(self, declared: Declaration) -> str:
        """Its script's file as seen from the notebook's folder."""
        folder = f"{self._session.folder}{os.sep}"
        return str(declared.script_path(self._session.folder)).removeprefix(folder).replace(os.sep, "/")

    def _gone_cells(self) -> frozenset[str]:
        """Names of steps whose cell is gone; the notebook's file is read only when it or the steps are others."""
        session = self._session
        notebook = session.notebook
        if notebook is None:
            return frozenset()
        try:
            saved = notebook.stat().st_mtime_ns
        except OSError:
            return frozenset()
        asked = (saved, tuple((each.name, each.cell.cell_id) for each in session.declarations))
        if self._gone[0] != asked:
            self._gone = (asked, frozenset(gone_cells(session)))
        return self._gone[1]

    def values(self, name: str) -> Mapping[str, Any]:
        """The notebook's variables that the pipeline's steps name: plain values, else which object it is."""
        if name not in self._session.names():
            return {"": id(self.pipeline(name))}
        session = self._session
        found = named_variables(session.steps(name), session.namespace, session.folder)
        return {variable: figure for variable, (_, figure) in found.items()}

    def last(self, name: str) -> LastKnown | None:
        """What a restarted kernel remembers of a pipeline."""
        return last_known(self._session, name)

    def restore(self) -> Sequence[str]:
        """Register the step cells again."""
        return restore(self._session)

    def submit(self, pipeline: Pipeline, **options: Any) -> Any:
        """Start a run of a pipeline."""
        return self._session.submit(pipeline, **options)

    def params(self, name: str) -> Sequence[ParamItem]:
        """The parameters of a pipeline, with what may be chosen for each."""
        return [
            ParamItem(each.name, each.value, each.options, each.low, each.high, each.step)
            for each in choices(self._session, name)
        ]

    def set_value(self, name: str, parameter: str, value: Any) -> None:
        """Set a parameter's variable."""
        set_value(self._session, parameter, value, name)

    def extract(self, cell: str, answers: Mapping[str, Any], name: str) -> CellText:
        """A step cell made of an ordinary one.

        Args:
            cell: its id, or how people call it.
            answers: question -> options of ``%pipeline_extract`` as they were typed: ``--as scores=json``.
            name: of the step; empty for one that suggests itself.

        Raises:
            UsageError: the cell cannot become a step, or an answer is no option.
        """
        words = " ".join([shlex.quote(cell), *(str(each) for each in answers.values())])
        line = read_verb_line("extract", VERBS["extract"], words)
        given = extract_answers(line)
        made = extract(self._session, cell, given | {"name": name or given["name"]})
        return CellText(made.text, made.name, made.notes, tuple(map(str, made.questions)))
