"""What a plan says besides what changed: forced, failed, gone, new, blocked."""

from __future__ import annotations

import shutil
import time

import pytest

from nbpipe.workspace import Workspace
from tests.projects import COPY, planned, story, words

pytestmark = pytest.mark.runner


def test_a_forced_step_runs_and_what_it_makes_decides_on_the_rest(chain):
    assert planned(chain.plan(force=["split"])) == [
        ("prep", "will reuse", ""),
        ("split", "will run", "forced"),
        ("train", "maybe", "reused if part comes out equal ← split forced"),
    ]
    assert story(chain.project.run(*chain.steps(), force=["split"])) == [
        ("prep", "reused", "run 1"),
        ("split", "done", "forced"),
        ("train", "reused", "run 1"),
    ]


def test_the_newest_result_answers_so_that_a_forced_run_supersedes(chain):
    chain.project.run(*chain.steps(), force=["split"])
    assert chain.story()[1] == ("split", "reused", "run 2")


def test_regenerate_outputs_runs_everything(chain):
    run = chain.project.run(*chain.steps(), regenerate_outputs=True)
    assert [(node, word, why) for node, word, why in story(run)] == [
        (step, "done", "forced") for step in ("prep", "split", "train")
    ]


def test_a_step_whose_reuse_is_switched_off_runs_each_time(chain):
    chain.options["split"]["allow_reuse"] = False
    assert planned(chain.plan())[1] == ("split", "will run", "reuse is switched off (--no-reuse)")
    assert [word for _, word, _ in chain.story()] == ["reused", "done", "reused"]


def test_a_failed_step_is_tried_again_and_says_in_which_run_it_failed(project):
    project.write("switch", "off")
    step = project.cell(
        "one", f"import sys\nsys.exit(open({str(project.root / 'switch')!r}).read() == 'off')\n"
    )
    assert words(project.run(step)) == {"one": "failed"}
    assert planned(project.plan(step)) == [("one", "will run", "failed in run 1")]
    project.write("switch", "on")
    assert story(project.run(step)) == [("one", "done", "failed in run 1")]
    assert planned(project.plan(step)) == [("one", "will reuse", "")]


def test_a_result_whose_data_are_gone_is_made_again(chain):
    gone = chain.project.workspace.latest_run().step("split").get_output("part").path
    shutil.rmtree(gone.parent)
    plan = chain.plan()
    assert planned(plan) == [
        ("prep", "will reuse", ""),
        ("split", "will run", "{part} of run 1 is gone"),
        ("train", "maybe", "reused if part comes out equal ← split {part} of run 1 is gone"),
    ]
    assert [word for _, word, _ in chain.story()] == ["reused", "done", "reused"]
    assert gone.is_file()


def test_results_that_were_all_removed_are_told_as_gone(chain):
    shutil.rmtree(chain.project.root / ".nbpipe" / "results")
    assert planned(chain.plan())[0] == ("prep", "will run", "its result of run 1 is gone")


def test_a_step_without_history_is_new(project):
    assert planned(project.plan(project.cell("one", ""))) == [("one", "new", "never run")]


def test_input_that_cannot_exist_blocks_what_needs_it(project):
    steps = [
        project.cell("one", COPY, "{./absent.csv} {>a}"),
        project.cell("two", COPY, "{a} {>b}"),
        project.cell("three", COPY, "{./data/*.csv} {>c}"),
    ]
    assert planned(project.plan(*steps)) == [
        ("one", "blocked", "there is no absent.csv"),
        ("two", "blocked", "waits for one (blocked) ← there is no absent.csv"),
        ("three", "blocked", f"nothing matches data/*.csv in {project.root}"),
    ]


def test_a_plan_writes_nothing_but_what_it_remembers(project):
    before = time.time()
    project.write("raw.csv", "1\n")
    project.plan(project.cell("one", COPY, "{./raw.csv} {>a}"))
    workspace = Workspace(project.root)
    assert workspace.runs() == []
    assert not list((project.root / ".nbpipe" / "objects").iterdir())
    assert before <= time.time()
