"""Step cells are bound anew when something that they mean is another, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbpipe.core.data import PipelineData
from nbpipe.core.environment import RunConfiguration
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.step import PythonScriptStep
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


@pytest.mark.parametrize(
    ("line", "anew"),
    [
        ("train.py {clean} {lr} {epochs} {>model}", ["train"]),
        ("train.py {clean} {lr} {epochs} {>model/}", ["train", "test"]),
        ("train.py {clean} {lr} {>model}", ["train"]),
    ],
)
def test_only_an_edited_step_is_made_anew_and_what_reads_an_output_that_is_another(
    session: Session, line: str, anew: list[str]
) -> None:
    session.declare("test.py {model} {>report}", BODY, "step", Cell("c", "cell 3"))
    before = session.pipeline()
    session.declare(line, BODY + "x = 1", "step", Cell("b", "cell 2"))
    after = session.pipeline()
    old, new = ({step.name: step for step in each.steps} for each in (before, after))
    assert [name for name in new if new[name] is not old[name]] == anew
    nodes = after.graph.node_dict
    assert [name for name in nodes if nodes[name] is not before.graph.node_dict[name]] == anew


def test_what_an_output_is_read_from_is_missed_while_its_step_cannot_be_made(session: Session) -> None:
    session.pipeline()
    session.declare("prep.py {nobody} {mode} {>clean}", BODY, "step", Cell("a", "cell 1"))
    fresh = Session(session.folder, session.namespace)
    for each in session.declarations:
        fresh.declare(each.line.text, each.body, "step", each.cell)
    told = []
    for each in (session, fresh):
        with pytest.raises(InvalidPipeline) as caught:
            each.pipeline()
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_a_step_of_the_object_api_that_is_changed_in_place_is_heeded_at_the_next_edit(
    session: Session,
) -> None:
    made = PipelineData("made")
    step = PythonScriptStep("own.py", name="own", outputs=[made], arguments=[made])
    Path("own.py").write_text("pass")
    session.namespace["made"] = made
    session.declare("use.py {made} {>y}", BODY, "step", Cell("c", "cell 3"))
    assert session.pipeline().graph.get_node("own").version == ""
    step.version = "2"
    session.declare("use.py {made} {>y}", BODY + "x = 1", "step", Cell("c", "cell 3"))
    assert session.pipeline().graph.get_node("own").version == "2"


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
