"""Reuse against a reference that always runs everything: whatever is edited in whatever order, outputs are equal."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.projects import Project, words

pytestmark = pytest.mark.runner

SCRIPT = """\
import shared, sys
*read, scale, out = sys.argv[1:]
text = "".join(open(path).read() for path in read)
{failure}
open(out, "w").write("{step}" + "{marks}" + shared.MARK + scale + text[: {kept}])
"""
READS = {
    "prep": ["{./raw.txt}"],
    "left": ["{prep_out}"],
    "right": ["{prep_out}"],
    "join": ["{left_out}", "{right_out}"],
}
STEPS = st.sampled_from(sorted(READS))


class Edits(RuleBasedStateMachine):
    """prep, then left and right side by side, then join; edited, run, broken and mended at random."""

    def __init__(self) -> None:
        super().__init__()
        self.before = Path.cwd()
        self.root = Path(tempfile.mkdtemp(prefix="reuse-"))
        os.chdir(self.root)
        self.project = Project(self.root)
        self.marks = dict.fromkeys(READS, "")
        self.kept = dict.fromkeys(READS, 20)
        self.failing: set[str] = set()
        self.comments = dict.fromkeys(READS, 0)
        self.scales = dict.fromkeys(READS, 1)
        self.raw, self.shared = "raw", "m"
        self.settled: dict[str, Any] | None = None

    @initialize()
    def first_run(self) -> None:
        self.run()

    def teardown(self) -> None:
        self.project.stop_all()
        os.chdir(self.before)
        shutil.rmtree(self.root)

    # Edits.

    @rule(step=STEPS, mark=st.sampled_from(["", "a", "b"]))
    def edit_script(self, step: str, mark: str) -> None:
        self.marks[step] = mark

    @rule(step=STEPS, kept=st.sampled_from([0, 3, 20]))
    def edit_how_much_goes_through(self, step: str, kept: int) -> None:
        self.kept[step] = kept

    @rule(step=STEPS)
    def edit_comment(self, step: str) -> None:
        self.comments[step] += 1

    @rule(text=st.sampled_from(["raw", "data", ""]))
    def edit_data(self, text: str) -> None:
        self.raw = text

    @rule(mark=st.sampled_from(["m", "n"]))
    def edit_module(self, mark: str) -> None:
        self.shared = mark

    @rule(step=STEPS, scale=st.sampled_from([1, 2]))
    def set_parameter(self, step: str, scale: int) -> None:
        self.scales[step] = scale

    @rule(step=STEPS)
    def let_fail_or_mend(self, step: str) -> None:
        self.failing ^= {step}

    @precondition(lambda self: any(self.project.workspace.results.keys()))
    @rule(data=st.data())
    def delete_a_result(self, data: st.DataObject) -> None:
        run = self.project.workspace.latest_run()
        done = [step for step in run.get_steps() if step.state.status.good]
        if done:
            output = next(iter(data.draw(st.sampled_from(done)).get_outputs().values()))
            shutil.rmtree(
                self.root / ".nbpipe/objects" / output.digest[:2] / f"{output.digest}.tree",
                ignore_errors=True,
            )

    # Runs.

    @rule(force=st.sets(STEPS, max_size=1))
    def run(self, force: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self.write()
        known = self.settled == self.state()
        run = self.project.run(*self.steps(), force=sorted(force))
        expected = self.reference()
        for step in run.get_steps():
            if step.state.status.good:
                assert self.project.text(run, step.name, f"{step.name}_out") == expected[step.name]
        assert {name for name, word in words(run).items() if word == "failed"} <= self.failing
        if not self.failing:
            assert run.status == "Finished"
            assert run.get_steps()[3].status in ("done", "reused")
        if known and run.status == "Finished":
            again = {name for name, word in words(run).items() if word == "done"}
            assert again <= force, "nothing changed since, so only what is forced runs"
        self.settled = self.state() if run.status == "Finished" else None

    @rule()
    def run_again_with_nothing_changed(self) -> None:
        self.run()
        if self.settled is not None:
            plan = self.project.plan(*self.steps())
            assert {step.action for step in plan} == {"reuse"}

    def state(self) -> dict[str, Any]:
        """All that counts, as it is now, deleted results included."""
        there = {path.name for path in (self.root / ".nbpipe" / "objects").glob("*/*.tree")}
        edits = [self.marks, self.kept, self.scales, self.failing, self.raw, self.shared]
        return {"edits": repr(edits), "there": there}

    def write(self) -> None:
        """Put scripts, module and data on disk."""
        self.project.write("raw.txt", self.raw)
        self.project.write("shared.py", f"MARK = {self.shared!r}\n")
        for step in READS:
            failure = "raise SystemExit(1)" if step in self.failing else "pass"
            text = SCRIPT.format(step=step, marks=self.marks[step], kept=self.kept[step], failure=failure)
            self.project.write(f"steps/{step}/{step}.py", text + f"# {self.comments[step]}\n")

    def steps(self) -> list[Any]:
        """The pipeline as it is declared now."""
        for step in READS:
            self.project.parameters[f"{step}_scale"] = self.scales[step]
        return [
            self.project.cell(step, None, " ".join([*reads, f"{{{step}_scale}}", f"{{>{step}_out}}"]))
            for step, reads in READS.items()
        ]

    def reference(self) -> dict[str, str]:
        """What every step would write if all ran now."""
        made: dict[str, str] = {"raw": self.raw}
        for step, inputs in {
            "prep": ["raw"],
            "left": ["prep"],
            "right": ["prep"],
            "join": ["left", "right"],
        }.items():
            text = "".join(made[name] for name in inputs)
            made[step] = f"{step}{self.marks[step]}{self.shared}{self.scales[step]}{text[: self.kept[step]]}"
        return {name: made[name] for name in READS}


def check(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Edits,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_outputs_are_those_of_running_everything():
    check(examples=6, steps=10)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_outputs_are_those_of_running_everything_for_long():
    check(examples=60, steps=25)
