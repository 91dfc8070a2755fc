"""The plan that a cell makes of its own edit is the plan from scratch, and views get it once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.errors import InvalidPipeline
from nbpipe.notebook import plans
from nbpipe.notebook.binding import bind
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.session import Session
from nbpipe.workspace import Workspace

BODY = "import shared, sys\nopen(sys.argv[-1], 'w').write(shared.TEXT)\n"
LINES = {
    "prep": "prep.py {./raw.csv} {>clean}",
    "left": "left.py {clean} --lr {lr} {>one}",
    "right": "right.py {clean} {>two}",
    "join": "join.py {one} {two} {>all}",
    "alone": "alone.py {./raw.csv} {>other}",
}


def session_in(folder: Path) -> Session:
    made = Session(folder, {"lr": 1})
    made.write_module("shared.py", "TEXT = 'a'\n")
    for step, line in LINES.items():
        declare(made, step, line)
    return made


def declare(session: Session, step: str, line: str, body: str = BODY) -> None:
    session.declare(line, body, "step", Cell(step, f"cell {step}"))


@pytest.fixture(scope="module")
def after_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all of the steps have run."""
    folder = tmp_path_factory.mktemp("plans") / "work"
    folder.mkdir()
    (folder / "raw.csv").write_text("a\n1\n")
    before = Path.cwd()
    os.chdir(folder)
    session = session_in(folder)
    session.submit(session.pipeline()).wait_for_completion(show_output=False)
    os.chdir(before)
    return folder


@pytest.fixture
def session(after_a_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in a copy of it."""
    folder = tmp_path / "work"
    shutil.copytree(after_a_run, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return session_in(folder)


def from_scratch(session: Session) -> Plan:
    """The plan of a process that knows nothing of earlier ones."""
    workspace = Workspace(session.folder)
    pipeline = bind(session.steps(), session.namespace, workspace, name="pipeline", folder=session.folder)
    return workspace.plan(pipeline)


def told(plan: Callable[[], Plan]) -> object:
    """The steps of a plan, or why there is none."""
    try:
        return plan().steps
    except InvalidPipeline as error:
        return str(error)


def actions(plan: Plan) -> dict[str, str]:
    return {step.node_id: step.action for step in plan}


STEPS = st.sampled_from(sorted(LINES))
EDITS = st.one_of(
    st.tuples(st.just("body"), STEPS, st.sampled_from(["", "x = 1\n", "# said\n", "import json\n"])),
    st.tuples(st.just("line"), STEPS, st.sampled_from(["{clean}", "{lr}", "{one}", "{./raw.csv}", "--x"])),
    st.tuples(st.just("more"), st.sampled_from(["new", "newer"]), st.sampled_from(["{clean}", "{all}", ""])),
    st.tuples(st.just("less"), STEPS, st.none()),
    st.tuples(st.just("value"), STEPS, st.sampled_from([1, 1.0, True, 2])),
    st.tuples(st.just("module"), STEPS, st.sampled_from(["TEXT = 'a'\n", "TEXT = 'b'\n"])),
)


def carry_out(session: Session, kind: str, step: str, what: Any) -> str:
    """An edit; the step whose cell is run with it."""
    known = {each.name for each in session.declarations}
    if kind == "more" or step not in known:
        declare(session, step, f"{step}.py {what if kind == 'more' else ''} {{>made_by_{step}}}")
    elif kind == "less":
        session.remove(step)
        step = next((each.name for each in session.declarations), step)
    elif kind == "value":
        session.namespace["lr"] = what
    elif kind == "module":
        session.write_module("shared.py", what)
    if kind == "line":
        declare(session, step, f"{step}.py {what} {LINES[step].partition(' ')[2]}")
    elif step in LINES:
        declare(session, step, LINES[step], BODY + (what if kind == "body" else ""))
    return step


@pytest.mark.runner
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDITS, min_size=1, max_size=5))
def test_after_any_edits_the_plan_for_a_cell_is_the_plan_from_scratch(
    after_a_run: Path, monkeypatch: pytest.MonkeyPatch, edits: list[tuple[str, str, Any]]
) -> None:
    with TemporaryDirectory() as place, monkeypatch.context() as patch:
        folder = Path(place, "work")
        shutil.copytree(after_a_run, folder, symlinks=True)
        patch.chdir(folder)
        session = session_in(folder)
        assert actions(session.plans.now(session.pipeline())) == dict.fromkeys(LINES, "reuse")
        for kind, step, what in edits:
            edited = carry_out(session, kind, step, what)
            pipeline = session.bound("pipeline")
            if isinstance(pipeline, InvalidPipeline):
                continue
            expected = told(lambda: from_scratch(session))
            assert told(lambda: session.plans.after_edit(pipeline, edited)) == expected  # noqa: B023
            assert told(lambda: session.plans.now(pipeline)) == expected  # noqa: B023


@pytest.mark.runner
def test_only_what_an_edit_reaches_is_looked_at(session: Session) -> None:
    before = session.plans.now(session.pipeline())
    shutil.rmtree(session.workspace.state.results)
    Path("steps/right/right.py").unlink()
    Path("steps/right/right.py").write_text("edited = 'by another hand'\n")
    declare(session, "left", LINES["left"], BODY + "x = 1\n")
    plan = session.plans.after_edit(session.pipeline(), "left")
    assert not plan.whole
    assert actions(plan) == {"prep": "run", "left": "run", "right": "run", "join": "run", "alone": "reuse"}
    assert plan["alone"] is before["alone"]
    assert plan["right"].fingerprint.evidence["files"] == before["right"].fingerprint.evidence["files"]
    whole = session.plans.after_edit(session.pipeline(), "left"), session.plans.now(session.pipeline())
    assert not whole[1].whole
    seen = session.plans.now(session.pipeline())
    assert seen.whole
    assert set(actions(seen).values()) == {"run"}
    assert seen.steps == from_scratch(session).steps


@pytest.mark.runner
def test_a_printed_line_is_true_of_all_that_the_step_needs(session: Session) -> None:
    session.plans.now(session.pipeline())
    Path("raw.csv").write_text("a\n1\n2\n")
    declare(session, "join", LINES["join"])
    step = session.plans.after_edit(session.pipeline(), "join")["join"]
    assert (step.action, step.reasons[0].root) == (
        "maybe",
        "raw.csv: content changed (1 → 2 rows)",
    )


def test_where_nothing_was_planned_whole_only_what_the_step_needs_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = session_in(tmp_path)
    (tmp_path / "raw.csv").write_text("a\n")
    plan = session.plans.after_edit(session.pipeline(), "left")
    assert list(actions(plan)) == ["prep", "left"]
    assert not session.plans.offers("pipeline")


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Session, Pipeline, Plan]:
    """A session, its pipeline after an edit, and the plan that was made for the cell."""
    monkeypatch.chdir(tmp_path)
    session = session_in(tmp_path)
    session.plans.now(session.pipeline())
    declare(session, "left", LINES["left"], BODY + "x = 1\n")
    pipeline = session.pipeline()
    return session, pipeline, session.plans.after_edit(pipeline, "left")


def test_views_get_the_plan_of_the_cell_and_then_a_whole_one(
    planned: tuple[Session, Pipeline, Plan],
) -> None:
    session, pipeline, plan = planned
    assert session.plans.offers("pipeline")
    assert session.plans.now(pipeline) is plan
    assert not session.plans.offers("pipeline")
    whole = session.plans.now(pipeline)
    assert whole.whole
    assert whole.steps == plan.steps


def test_a_plan_for_a_cell_is_not_that_of_a_pipeline_that_is_another_since(
    planned: tuple[Session, Pipeline, Plan],
) -> None:
    session, _, plan = planned
    session.namespace["lr"] = 2
    assert session.plans.now(session.pipeline()) is not plan


def test_a_module_that_a_cell_writes_is_seen_by_the_next_plan_whoever_makes_it(
    planned: tuple[Session, Pipeline, Plan],
) -> None:
    session, pipeline, plan = planned
    session.write_module("shared.py", "TEXT = 'b'\n")
    assert session.plans.now(pipeline).steps != plan.steps
    session.write_module("shared.py", "TEXT = 'c'\n")
    declare(session, "alone", LINES["alone"])
    again = session.plans.after_edit(session.pipeline(), "alone")
    assert again.whole
    assert again.steps == from_scratch(session).steps


def test_a_plan_for_a_cell_is_of_now_for_a_moment_only(
    planned: tuple[Session, Pipeline, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, pipeline, _ = planned
    monkeypatch.setattr(plans, "FRESH", 0.0)
    session.plans.after_edit(pipeline, "left")
    assert session.plans.now(pipeline).whole
