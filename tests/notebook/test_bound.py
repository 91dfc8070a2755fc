"""Step cells are bound anew when something that they mean is another, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbpipe.core.environment import RunConfiguration
from nbpipe.core.parameter import PipelineParameter
from nbpipe.errors import InvalidPipeline
from nbpipe.notebook.binding import bind
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.session import Session

BODY = "import sys\n"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {
        "lr": 0.1,
        "raw": Path("raw.csv"),
        "epochs": PipelineParameter("epochs", 3),
        "mode": "fast",
    }
    made = Session(tmp_path, names)
    made.declare("prep.py {raw} {mode} {>clean}", BODY, "step", Cell("a", "cell 1"))
    made.declare("train.py {clean} {lr} {epochs} {>model}", BODY, "step", Cell("b", "cell 2"))
    return made


def test_while_nothing_changed_it_is_the_same_pipeline(session: Session) -> None:
    first = session.pipeline()
    session.namespace["unrelated"] = 1
    assert session.pipeline() is first


CHANGES = pytest.mark.parametrize(
    "change",
    [
        lambda session: session.namespace.update(lr=0.2),
        lambda session: session.namespace.update(lr=1),
        lambda session: session.namespace.update(raw=Path("other.csv")),
        lambda session: session.namespace.update(mode="slow"),
        lambda session: setattr(session.namespace["epochs"], "default_value", 4),
        lambda session: session.declare(
            "prep.py {raw} {mode} {>clean}", BODY + "x = 1", "step", Cell("a", "cell 1")
        ),
        lambda session: session.declare("more.py {clean} {>y}", BODY, "step", Cell("c", "cell 3")),
        lambda session: session.remove("train"),
    ],
)


@CHANGES
def test_whatever_steps_name_is_seen_when_it_changes(
    session: Session, change: Callable[[Session], Any]
) -> None:
    first = session.pipeline()
    change(session)
    assert session.pipeline() is not first


@CHANGES
def test_what_is_bound_upon_the_last_is_what_is_bound_afresh(
    session: Session, change: Callable[[Session], Any]
) -> None:
    session.pipeline()
    change(session)
    fresh = bind(
        session.steps(), session.namespace, session.workspace, name="pipeline", folder=session.folder
    )
    assert session.pipeline().graph.to_json() == fresh.graph.to_json()
    assert session.pipeline().plan().steps == fresh.plan().steps


def test_only_the_steps_that_a_change_reaches_are_made_anew(session: Session) -> None:
    session.declare("test.py {model} {>report}", BODY, "step", Cell("c", "cell 3"))
    before = {step.name: step for step in session.pipeline().steps}
    session.declare("train.py {clean} {lr} {epochs} {>model}", BODY + "x = 1", "step", Cell("b", "cell 2"))
    after = {step.name: step for step in session.pipeline().steps}
    assert [name for name in after if after[name] is not before[name]] == ["train", "test"]


def test_a_text_that_comes_to_name_a_file_is_refused(session: Session) -> None:
    session.pipeline()
    (session.folder / "fast").write_text("")
    with pytest.raises(InvalidPipeline, match="fast"):
        session.pipeline()


def test_a_configuration_that_is_changed_in_place_is_seen(session: Session) -> None:
    configuration = RunConfiguration()
    session.namespace["rc"] = configuration
    line = "--runconfig rc prep.py {raw} {mode} {>clean}"
    session.declare(line, BODY, "step", Cell("a", "cell 1"))
    first = session.pipeline()
    configuration.resources.retries = 2
    second = session.pipeline()
    assert first.graph.get_node("prep").environment.resources.retries == 0
    assert second.graph.get_node("prep").environment.resources.retries == 2


def test_a_variable_of_any_type_can_stand_where_a_path_stood(session: Session) -> None:
    session.pipeline()

    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise ValueError("cannot be compared")

    session.namespace["raw"] = Odd()
    with pytest.raises(InvalidPipeline, match="raw is a Odd"):
        session.pipeline()
