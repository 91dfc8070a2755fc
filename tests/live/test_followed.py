"""A run as it is followed: every event once, its end however it ends."""

from __future__ import annotations

import os
import signal
import time
from itertools import count

import pytest

from nbpipe.live.followed import LOCK_LOOK, FollowedRun, metric_text
from nbpipe.views.present import picture_of
from tests.live.pages import GATED
from tests.projects import COPY, Project, project
from tests.waiting import eventually

__all__ = ["project"]

pytestmark = pytest.mark.runner


def test_it_tells_what_a_picture_of_the_run_tells(project: Project) -> None:
    bad = project.cell("bad", "raise ValueError('no')", "{>x}")
    run = project.run(
        project.cell("prep", COPY, "{>clean}"),
        bad,
        project.cell("after", COPY, "{x} {>y}"),
        continue_on_step_failure=True,
    )
    followed = FollowedRun(run)
    told = [followed.seen.views[each.node_id] for each in followed.graph.topological()]
    assert told == list(picture_of(run).nodes)
    assert (followed.over, followed.seen.live, followed.seen.status) == (True, False, "Failed")
    assert followed.seen.begun["prep"].outputs.keys() == {"clean"}
    assert followed.seen.begun.keys() == {"prep", "bad"}
    assert followed.card(0.0).settled == 3
    assert not followed.look()


def test_it_is_up_to_date_after_every_look(project: Project) -> None:
    gate = project.root / "gate"
    run = project.submit(project.cell("wait", GATED, f"{gate} {{>x}}"))
    followed = FollowedRun(run)
    eventually(lambda: followed.look() and followed.seen.views["wait"].status == "running")
    eventually(lambda: followed.look() or followed.vitals.get("wait"))
    assert followed.seen.live
    gate.write_text("")
    eventually(lambda: followed.look() and followed.over)
    assert followed.seen.views["wait"].status == "done"
    assert followed.vitals.get("wait") is None or followed.vitals["wait"].progress is None


def test_a_runner_that_is_gone_ends_its_run(project: Project) -> None:
    run = project.submit(project.cell("wait", GATED, f"{project.root}/gate {{>x}}"))
    followed = FollowedRun(run)
    eventually(lambda: followed.look() and followed.seen.views["wait"].status == "running")
    assert run.state.started is not None
    os.kill(run.state.started.pid, signal.SIGKILL)
    eventually(lambda: not run.live)
    later = count(time.monotonic() + LOCK_LOOK, LOCK_LOOK)  # no need to wait for the clock
    eventually(lambda: followed.look(next(later)) and followed.over)
    assert (followed.seen.status, followed.seen.views["wait"].status) == ("Failed", "failed")


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"record": "metric", "name": "accuracy", "value": 0.94117}, "accuracy 0.9412"),
        ({"record": "metric", "name": "steps", "value": 12}, "steps 12"),
        ({"record": "metric", "name": "<b>\n", "value": 1.0}, "<b>  1"),
        ({"record": "metric", "name": "ok", "value": True}, ""),
        ({"record": "metric", "name": "names", "value": ["a"]}, ""),
        ({"record": "tag", "name": "a", "value": 1}, ""),
        ({}, ""),
    ],
)
def test_only_a_number_is_told_as_a_metric(record: dict, text: str) -> None:
    assert metric_text(record) == text
