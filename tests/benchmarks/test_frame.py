"""The frame of the benchmarks: figures of whole process trees, ratios round by round, no timing of anything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.benchmarks.frame import Contender, Goal, Measured, Sample, Work, measure, program, told_by_itself
from tests.benchmarks.report import table


def given(*rounds: tuple[float, float], name: str = "nbpipe", goals: tuple[Goal, ...] = ()) -> Measured:
    """Wall seconds of a floor and of another, round by round; CPU is twice that."""
    floor = [Sample(bare, 2 * bare) for bare, _ in rounds]
    other = [Sample(taken, 2 * taken, 5e6) for _, taken in rounds]
    contenders = [Contender("bare", lambda: floor[0]), Contender(name, lambda: other[0])]
    return Measured(Work("a work", contenders, goals), {"bare": floor, name: other})


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    slow_once = given((1, 2), (10, 20), (1, 3))
    assert slow_once.ratio("nbpipe", "bare") == 2
    assert slow_once.ratio("nbpipe", "bare", "cpu") == 2
    assert slow_once.median("bare") == 1


def test_a_goal_speaks_of_a_figure_a_ratio_or_a_difference() -> None:
    measured = given((1, 3), (1, 3))
    assert measured.reached(Goal("nbpipe", 9.0)) == 3
    assert measured.reached(Goal("nbpipe", 9.0, "bare", "cpu")) == 3
    assert measured.reached(Goal("nbpipe", 9.0, "bare", less=True)) == 2


def test_contenders_take_turns_and_are_prepared_each_time() -> None:
    story: list[str] = []

    def contender(name: str) -> Contender:
        return Contender(
            name, lambda: story.append(name) or Sample(1, 1), lambda: story.append(f"ready {name}")
        )

    measure(Work("a work", [contender("a"), contender("b")]), rounds=2)
    assert story == ["ready a", "a", "ready b", "b"] * 2


def test_the_table_tells_ratios_and_which_goals_are_reached() -> None:
    goals = (Goal("doit", 1.2, "bare"), Goal("doit", 10.0), Goal("doit", 60e6, figure="peak"))
    told = table([given((1, 2), name="doit", goals=goals)])
    assert "| a work | bare | 1.000 | 0.000 | 2.000 | 0.000 | 1.00 | 1.00 | 0.50 |  |" in told
    assert "|  | doit | 2.000 | 0.000 | 4.000 | 0.000 | 2.00 | 2.00 | 1.00 | 5 |" in told
    assert "| a work: doit / bare | ≤ 1.20× | 2.00× | missed |" in told
    assert "| a work: doit | ≤ 10000 ms | 2000 ms | reached |" in told
    assert "| a work: doit | ≤ 60 MB | 5 MB | reached |" in told


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")
def test_what_outlives_a_program_is_waited_for(tmp_path: Path) -> None:
    late = "import os\nif os.fork() == 0:\n    os.setsid()\n    open('made', 'w').write('late')\n"
    sample = program([sys.executable, "-c", late], tmp_path)()
    assert (tmp_path / "made").read_text() == "late"
    assert sample.cpu > 0
    assert sample.peak > 0


def test_a_program_that_fails_ends_the_benchmark_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such step"):
        program([sys.executable, "-c", "raise SystemExit('no such step')"], tmp_path)()


def test_code_may_measure_a_part_of_itself(tmp_path: Path) -> None:
    assert told_by_itself("wall = 0.25\nprint('chatter')", tmp_path)() == Sample(0.25, 0, 0)
