"""The session as boards see it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbpipe.errors import UsageError
from nbpipe.live.digest import cell_digest
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.session import Session
from nbpipe.notebook.source import SessionSource

BODY = "import sys\n"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"lr": 0.1}
    return Session(tmp_path, names, tmp_path / "nb.ipynb")


def test_the_pipeline_that_is_meant_by_default_comes_first(session: Session) -> None:
    source = SessionSource(session)
    assert source.names() == []
    session.declare("--pipeline other a.py {>x}", BODY, "step", Cell("a"))
    session.declare("b.py {>y}", BODY, "step", Cell("b"))
    assert source.names() == ["pipeline", "other"]
    assert source.pipeline("other").graph.name == "other"
    assert source.pipeline("nobody") is None


def test_pipelines_of_the_object_api_are_known_by_their_names(session: Session) -> None:
    source = SessionSource(session)
    session.declare("a.py {>x}", BODY, "step", Cell("a"))
    made = session.pipeline()
    made.name = "mine"
    session.remove("a")
    assert source.pipeline("mine") is None
    session.namespace["p"] = made
    assert source.names() == ["mine"]
    assert source.pipeline("mine") is made
    before = source.values("mine")
    del session.namespace["p"]
    source.show(made)
    assert source.pipeline("mine") is made
    assert source.values("mine") == before


def test_a_step_knows_its_cell_and_its_script(session: Session) -> None:
    session.declare("train.py {lr} {>x}", BODY, "step", Cell("a", "cell 3", 4, "d1"))
    (facts,) = SessionSource(session).cells("pipeline").values()
    assert (facts.cell, facts.cell_label, facts.first, facts.digest) == ("a", "cell 3", 4, "d1")
    assert (facts.script, facts.cell_gone) == ("steps/train/train.py", False)


def test_a_cell_that_is_gone_from_the_saved_notebook_is_told(session: Session) -> None:
    source = SessionSource(session)
    session.declare("a.py {>x}", BODY, "step", Cell("a", "cell 1"))
    assert not source.cells("pipeline")["a"].cell_gone
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
    session.notebook.write_text(json.dumps(notebook))
    os.utime(session.notebook, (session.declared_at["a"] + 10,) * 2)
    assert source.cells("pipeline")["a"].cell_gone


def test_values_are_those_that_steps_name(session: Session) -> None:
    source = SessionSource(session)
    session.namespace["other"] = 1
    session.declare("a.py {lr} {>x}", BODY, "step", Cell("a"))
    before = source.values("pipeline")
    assert before.keys() == {"lr"}
    session.namespace["other"] = 2
    assert source.values("pipeline") == before
    session.namespace["lr"] = 1
    assert source.values("pipeline") != before


def test_a_restarted_kernel_remembers_the_pipelines_of_the_last(session: Session) -> None:
    session.declare("a.py {>x}", BODY, "step", Cell("a"))
    session.declare("b.py {x} {>y}", BODY, "step", Cell("b"))
    session.save("pipeline")
    source = SessionSource(Session(session.folder, {}, session.notebook))
    assert source.names() == ["pipeline"]
    last = source.last("pipeline")
    assert last is not None
    assert (last.pipeline, last.cells) == ("pipeline", 2)
    assert source.last("another") is None
    cells = [
        nbformat.v4.new_code_cell(f"%%step {line}\n{BODY}", id=name)
        for name, line in (("a", "a.py {>x}"), ("b", "b.py {x} {>y}"))
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), session.notebook)
    assert source.restore() == []
    assert source.last("pipeline") is None
    assert source.cells("pipeline")["b"].digest == cell_digest(cells[1].source)


def test_parameters_are_told_and_set(session: Session) -> None:
    source = SessionSource(session)
    session.declare("a.py {lr} {>x}", BODY, "step", Cell("a"))
    assert [(each.name, each.value) for each in source.params("pipeline")] == [("lr", 0.1)]
    source.set_value("pipeline", "lr", 0.5)
    assert session.namespace["lr"] == 0.5


def test_an_ordinary_cell_becomes_a_step_with_the_answers_of_a_form(session: Session) -> None:
    source = SessionSource(session)
    session.begin_cell("scores = [lr, 2.0]", "c1", "cell [3]")
    session.namespace["scores"] = [0.1, 2.0]
    session.begin_cell("total = sum(scores)", "c2", "cell [4]")
    session.namespace["total"] = 2.1
    asked = source.extract("c2", {}, "")
    assert any("--save-inputs" in each for each in asked.questions), asked
    made = source.extract("c2", {asked.questions[0]: "--save-inputs"}, "adding")
    assert made.questions == ()
    assert made.name == "adding"
    assert made.text.startswith("%%pipeline_step adding.py")
    with pytest.raises(UsageError, match="--bogus"):
        source.extract("c2", {"any": "--bogus"}, "")
