"""What a page is told, from the first step cell to the last event of a run."""

from __future__ import annotations

import threading

import pytest

from nbpipe.notebook.declaration import Cell
from tests.live.pages import GATED, Notebook
from tests.waiting import eventually


def test_an_empty_notebook_offers_the_smallest_step(notebook: Notebook) -> None:
    page = notebook.page().subscribe()
    assert page.head["mode"] == "empty"
    assert page.head["sample"].startswith("%%pipeline_step")
    assert page.head["primary"]["verb"] == ""


def test_the_first_step_cell_is_seen_by_a_view_that_was_there_before(notebook: Notebook) -> None:
    page = notebook.page().subscribe()
    notebook.cell("prep.py {>clean.csv}", cell="c1")
    page.sees(prep="new")
    assert page.head["mode"] == "plan"
    assert page.head["primary"] == {"label": "Run 1 step", "verb": "run", "args": {}, "title": "1 will run"}
    node = page.nodes["prep"]
    assert (node["cell"], node["cell_label"], node["first"], node["digest"]) == ("c1", "cell c1", 2, "d1")
    assert (node["script"], node["badge"]) == ("steps/prep/prep.py", "new")
    assert [each["name"] for each in node["outputs"]] == ["clean"]


def test_a_broken_pipeline_keeps_its_last_graph_and_names_every_problem(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    notebook.cell("train.py {claen} {>model}")
    eventually(lambda: page.head["mode"] == "broken")
    assert "Did you mean {clean}" in page.head["problems"][0]
    assert page.statuses() == {"prep": "new"}
    assert page.head["primary"]["verb"] == ""
    notebook.cell("train.py {clean} {>model}")
    page.sees(prep="new", train="new")
    assert page.head["mode"] == "plan"


def test_a_value_that_a_cell_sets_is_seen(notebook: Notebook) -> None:
    notebook.namespace["lr"] = 0.1
    notebook.cell("train.py --lr {lr} {>model}")
    page = notebook.page().subscribe()
    graph = page.told[-1]
    assert [(each["name"], each["value"]) for each in graph["parameters"]] == [("lr", "0.1")]
    notebook.ordinary_cell(lambda names: names.update(lr=0.2))
    eventually(lambda: any("0.2" in str(each.get("parameters")) for each in list(page.told)))


def test_a_file_that_is_touched_is_seen(notebook: Notebook) -> None:
    raw = notebook.folder / "raw.csv"
    raw.write_text("a\n1\n")
    notebook.cell("prep.py {./raw.csv} {>clean.csv}")
    page = notebook.page().subscribe()
    assert page.told[-1]["data"][0]["note"] == "1 row · 4 B"
    raw.write_text("a\n1\n2\n3\n")
    eventually(
        lambda: any(
            card["note"] == "3 rows · 8 B" for each in list(page.told) for card in each.get("data") or ()
        )
    )


def test_what_nobody_sees_costs_nothing_until_it_is_seen_again(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    page.value("visible", visible=False)
    before = page.count("graph", "patch")
    for number in range(3):
        notebook.cell("prep.py {>clean.csv}", f"x = {number}\n")
        notebook.cell(f"more{number}.py {{>out{number}}}")
    assert page.answer("runs")["error"] is None  # by now whatever was to be sent has been sent
    assert page.count("graph", "patch") == before
    page.value("visible", visible=True)
    page.sees(prep="new", more0="new", more1="new", more2="new")
    assert page.gaps == 0


def test_two_views_of_a_pipeline_are_told_the_same(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    one, two = notebook.page("one").subscribe(), notebook.page("two").subscribe()
    notebook.cell("train.py {clean} {>model}")
    one.sees(train="new")
    two.sees(train="new")
    assert one.nodes == two.nodes
    assert notebook.desk.board("pipeline") is notebook.desk.board("")


def test_to_subscribe_again_is_to_be_told_the_whole(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    nodes = dict(page.nodes)
    page.nodes = {}
    page.subscribe()
    assert page.nodes == nodes


@pytest.mark.parametrize(
    ("verb", "args", "fact"),
    [
        ("bogus", {}, "No verb bogus."),
        ("visible", {}, "visible wants visible."),
        ("visible", {"visible": "yes"}, "visible: visible is no truth value."),
        ("why", {"step": 7}, "why: step is no text."),
        ("why", {"step": "nobody"}, "No step nobody."),
        ("run", {"force": "all"}, "run: force is no list of texts."),
        ("run", {"only": ["nobody"]}, "No step nobody."),
        ("stop", {}, "No run goes on."),
        ("attach", {"run": "99"}, "No run 99."),
        ("attach", {"run": "../../etc"}, "No run ../../etc."),
        ("subscribe", {"run": "99"}, "No run 99."),
        ("subscribe", {"open": [1]}, "subscribe: open is no list of texts."),
        ("log_page", {"first": True, "count": 1}, "log_page: first is no number."),
        ("set_params", {"values": {"lr": 1}}, "No parameter lr."),
        ("set_params", {"values": [1]}, "set_params: values is no table."),
    ],
)
def test_what_cannot_be_done_is_told_and_breaks_nothing(
    notebook: Notebook, verb: str, args: dict, fact: str
) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page()
    answer = page.answer(verb, **args)
    assert answer["error"]["fact"].startswith(fact), answer
    page.subscribe()
    page.sees(prep="new")


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"type": "request"},
        {"type": "request", "id": 1, "view": "v", "verb": "run"},
        "x",
        {"type": "hello"},
    ],
)
def test_what_is_no_request_is_passed_over(notebook: Notebook, message: object) -> None:
    page = notebook.page()
    notebook.desk.receive(page, message)
    assert page.value("runs") == {"items": []}


def test_a_page_that_cannot_be_reached_is_forgotten(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    dead, other = notebook.page("dead").subscribe(), notebook.page("other").subscribe()
    dead.closed = True
    notebook.cell("train.py {clean} {>model}")
    other.sees(train="new")
    eventually(lambda: dead not in notebook.desk.views.channels())


def test_parameters_are_listed_and_set(notebook: Notebook) -> None:
    notebook.namespace.update(lr=0.1, deep=True)
    notebook.cell("train.py {lr} {deep} {>model}")
    page = notebook.page().subscribe()
    assert [(each["name"], each["value"]) for each in page.value("params")["items"]] == [
        ("lr", 0.1),
        ("deep", True),
    ]
    page.value("set_params", values={"lr": 0.5})
    assert notebook.namespace["lr"] == 0.5
    assert (
        page.answer("set_params", values={"deep": 3})["error"]["fact"] == "deep is True; 3 is no such value."
    )


def test_what_a_view_cannot_be_told_is_said_above_its_last_graph_until_it_can(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page, board = notebook.page().subscribe(), notebook.desk.board()
    monkeypatch.setattr(board, "scene", lambda now: {}[now])
    notebook.cell("train.py {clean} {>model}")
    eventually(lambda: page.head["bar"] and "KeyError" in page.head["bar"]["text"])
    assert page.statuses() == {"prep": "new"}
    other = notebook.page("other").subscribe()
    assert (other.head["mode"], len(other.head["problems"])) == ("broken", 1)
    monkeypatch.undo()
    board.touch()
    for each in (page, other):
        each.sees(prep="new", train="new")
    assert page.head["bar"] is None
    assert page.gaps == 0


def test_a_variable_that_raises_when_it_is_looked_at_is_a_problem_like_others(notebook: Notebook) -> None:
    class Odd:
        @property
        def __class__(self) -> type:
            raise RuntimeError("do not look")

    notebook.namespace["raw"] = Odd()
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    notebook.session.declare("use.py {raw} {>x}", "import sys\n", "step", Cell("u"))
    notebook.desk.changed()
    eventually(lambda: page.head["mode"] == "broken")
    assert "do not look" in page.head["problems"][0]
    assert page.statuses() == {"prep": "new"}


def test_a_thread_that_has_trouble_says_so_on_every_board(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    monkeypatch.setattr(notebook.desk.follower, "_search", lambda: 1 / 0)
    eventually(lambda: page.head["bar"] and "follows runs has trouble" in page.head["bar"]["text"])
    monkeypatch.undo()
    eventually(lambda: page.head["bar"] is None)


def threads() -> set[threading.Thread]:
    """Those of nbpipe, also those that other tests have left."""
    return {each for each in threading.enumerate() if each.name.startswith("nbpipe-")}


@pytest.fixture
def others() -> set[threading.Thread]:
    """Threads that were there before the notebook."""
    return threads()


def test_when_the_desk_is_closed_its_threads_end(others: set[threading.Thread], notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    notebook.desk.close()
    assert page.closed
    eventually(lambda: threads() <= others)


def test_before_anybody_looks_there_is_no_thread(others: set[threading.Thread], notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    assert threads() <= others


@pytest.mark.runner
def test_a_run_is_followed_from_its_first_event_to_its_last(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    notebook.cell("train.py {clean} {>model}")
    page = notebook.page().subscribe()
    assert page.value("run") == {"run": "1"}
    page.sees(prep="done", train="done")
    eventually(lambda: page.head["mode"] == "run" and not page.head["stop"])
    assert page.gaps == 0
    assert page.head["summary"] == "Finished: 2 ran"
    assert page.head["primary"]["label"] == "Nothing to run"
    assert page.head["run"]["settled"] == 2
    eventually(lambda: [each["note"] for each in page.nodes["prep"]["outputs"]] == ["0 rows · 4 B"])
    notebook.cell("train.py {clean} {>model}", "print(1)\n" + "import sys; open(sys.argv[-1], 'w')\n")
    page.sees(prep="done", train="will run")
    assert page.head["mode"] == "plan"
    assert page.nodes["train"]["before"] == "done"
    assert page.nodes["train"]["badge"].startswith("will run: line")
    assert page.head["primary"]["label"] == "Run 1 step"


@pytest.mark.runner
def test_a_running_step_tells_its_last_line_and_is_stopped(notebook: Notebook) -> None:
    notebook.cell(f"wait.py {notebook.folder}/gate {{>out}}", GATED)
    page = notebook.page().subscribe()
    page.value("run")
    page.sees(wait="running")
    eventually(lambda: page.nodes["wait"]["last_line"] == "begun")
    assert page.head["stop"]
    assert page.head["primary"] == {"label": "Running", "verb": "", "args": {}, "title": "0 of 1 settled"}
    page.value("stop")
    page.sees(wait="cancelled")
    eventually(lambda: page.head["primary"]["label"] == "Run 1 step")


@pytest.mark.runner
def test_a_run_of_another_process_is_followed(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    other = Notebook(notebook.folder)
    other.cell("prep.py {>clean.csv}")
    other.session.submit(other.session.pipeline())
    page.sees(prep="done")
    other.desk.close()


@pytest.mark.runner
def test_a_run_of_another_notebook_whose_pipeline_has_the_same_name_is_not_shown(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    page = notebook.page().subscribe()
    page.value("run")
    page.sees(prep="done")
    folder = notebook.folder / "other"
    folder.mkdir()
    other = Notebook(folder)
    other.cell(f"prep.py {notebook.folder}/gate {{>clean.csv}}", GATED)
    run = other.session.submit(other.session.pipeline())
    eventually(lambda: run.step("prep").status == "running")
    eventually(lambda: notebook.desk.follower.newest("pipeline").id == run.id)
    notebook.cell("train.py {clean} {>model}")
    page.sees(train="new")
    assert page.statuses() == {"prep": "done", "train": "new"}
    assert not page.head["stop"]
    assert page.answer("stop")["error"]["fact"] == "No run goes on."
    other.desk.close()


@pytest.mark.runner
def test_a_failed_step_offers_to_try_again_and_leads_to_its_line(notebook: Notebook) -> None:
    notebook.cell("bad.py {>x}", "y = 1\nraise ValueError('no luck')\n")
    notebook.cell("after.py {x} {>y}")
    page = notebook.page().subscribe()
    page.value("run")
    page.sees(bad="failed", after="blocked")
    eventually(lambda: page.head["primary"]["label"] == "Retry failed")
    assert (page.nodes["bad"]["line"], page.nodes["bad"]["badge"]) == (2, "failed at line 2")
    assert page.nodes["after"]["cause"] == ["bad", "after"]


@pytest.mark.runner
def test_one_run_alone_can_be_shown(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}")
    run = notebook.session.submit(notebook.session.pipeline())
    run.wait_for_completion(show_output=False, timeout_seconds=60)
    notebook.cell("train.py {clean} {>model}")
    page = notebook.page().subscribe(run=run.id)
    assert page.statuses() == {"prep": "done"}
    assert (page.head["mode"], page.head["primary"]["verb"]) == ("run", "")


@pytest.mark.runner
def test_after_a_restart_the_last_graph_is_greyed_and_its_run_goes_on(notebook: Notebook) -> None:
    gate = notebook.folder / "gate"
    notebook.cell("prep.py {>clean.csv}")
    notebook.cell(f"wait.py {gate} {{clean}} {{>out}}", GATED)
    run = notebook.session.submit(notebook.session.pipeline())
    eventually(lambda: run.step("prep").status == "done")
    notebook.restart()
    page = notebook.page().subscribe()
    assert page.head["mode"] == "last"
    assert page.head["bar"]["text"] == "Kernel restarted. Run 1 goes on (1 of 2)."
    assert [each["label"] for each in page.head["bar"]["buttons"]] == ["Attach", "Register the 2 step cells"]
    assert page.head["primary"]["verb"] == ""
    page.sees(prep="done", wait="running")
    page.value("attach", run="1")
    eventually(lambda: page.head["mode"] == "run")
    assert page.value("restore")["notes"] == []
    eventually(lambda: page.head["mode"] == "run" and page.head["primary"]["label"] == "Running")
    gate.write_text("")
    page.sees(prep="done", wait="done")
    assert page.gaps == 0


@pytest.mark.runner
def test_a_log_is_followed_by_the_view_that_opened_it(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}", "import sys\nprint('hello')\nopen(sys.argv[-1], 'w')\n")
    page = notebook.page().subscribe()
    page.value("run")
    page.sees(prep="done")
    page.value("log_open", step="prep")
    eventually(lambda: any(each["type"] == "log" and each["ended"] for each in list(page.told)))
    assert [each["text"] for each in page.value("log_page", first=1, count=10)["lines"]] == ["hello"]
