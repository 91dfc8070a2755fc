"""Runner, step, submitter and terminal are killed at random instants: nothing is lost, torn, or done twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from nbpipe.run import PipelineRun
from tests.hardening.scenes import PLAIN, SHAPES, Scene, plain, terminal
from tests.projects import Project, project
from tests.waiting import eventually

__all__ = ["project"]

pytestmark = pytest.mark.runner

QUICK = 8  # kills a shape; five shapes
SLOW = 195
VICTIMS = ("runner", "runner", "runner", "step", "step", "plain", "terminal")


class Killer:
    """Kills one thing after another and looks at what is left.

    Args:
        scene: what is run.
        seed: of the instants.
        victims: what is killed; one that stands there twice is killed twice as often.
    """

    def __init__(self, scene: Scene, seed: str, victims: tuple[str, ...] = VICTIMS) -> None:
        self.scene = scene
        self.victims = victims
        self.chance = random.Random(seed)
        self.length = 12  # signs that a whole run gives, learnt from runs that finish
        self.killed: Counter[str] = Counter()

    def kill_one(self) -> None:
        """Start a run, kill something of it, and hold everything against what must be."""
        scene = self.scene
        made = scene.made()
        victim = self.chance.choice(self.victims)
        before, known = scene.signs(), {run.id for run in scene.project.workspace.runs()}
        if victim == "kernel":
            self._kill_kernel(before)
        elif victim in ("plain", "terminal"):
            self._kill_submitter(victim, before)
        else:
            self._kill_in_run(victim, before)
        scene.assert_quiet()
        for run in scene.project.workspace.runs():
            if run.id not in known:
                scene.assert_told_truly(run)
        scene.assert_whole()
        self._assert_none_twice(made)

    def _kill_in_run(self, victim: str, before: int) -> None:
        run = self.scene.submit()
        self._wait(before, lambda: run.state.finished is not None)
        pids = self.scene.runners() if victim == "runner" else self.scene.working()[-1:]
        self._kill(victim, pids)
        eventually(lambda: not self.scene.runners())

    def _kill_submitter(self, victim: str, before: int) -> None:
        command = plain() if victim == "plain" else terminal("run", "graph.json")
        process = subprocess.Popen(
            command,
            cwd=self.scene.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with process:
            if self.chance.random() < 0.5:  # before it has left any sign
                time.sleep(self.chance.uniform(0.05, 0.5))
            else:
                self._wait(before, lambda: process.poll() is not None)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
                self.killed[victim] += 1
        eventually(lambda: not self.scene.runners(), 60)

    def _kill_kernel(self, before: int) -> None:
        from tests.notebook.notebook_kernel import kernel_in

        with kernel_in(self.scene.root) as kernel:
            kernel.client.execute(PLAIN.replace("int(sys.argv[1])", "1"))
            answered = kernel.client.shell_channel.socket.poll  # a run may end before it gave so many signs
            self._wait(before, lambda: not kernel.manager.is_alive() or answered(0))
            os.killpg(os.getpgid(kernel.manager.provisioner.pid), signal.SIGKILL)
            self.killed["kernel"] += 1
            eventually(lambda: not kernel.manager.is_alive())
        eventually(lambda: not self.scene.runners(), 60)

    def _wait(self, before: int, over: Callable[[], bool]) -> None:
        """Let things go on for a while: so many signs, and some milliseconds more."""
        wanted = before + self.chance.randint(0, self.length)
        eventually(lambda: self.scene.signs() >= wanted or over(), 60)
        time.sleep(self.chance.uniform(0, 0.03))  # no wait for anything: instants between the signs

    def _kill(self, victim: str, pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[victim] += 1

    def _assert_none_twice(self, made: Counter[str]) -> None:
        begun = self.scene.begun()
        assert {step: begun[step] for step in made} == dict(made)

    def finish(self) -> PipelineRun:
        """Let a run come to its end: it is right, and does nothing that was done."""
        scene, made = self.scene, self.scene.made()
        before = scene.signs()
        run = scene.submit()
        run.wait_for_completion(show_output=False, timeout_seconds=60, raise_on_error=False)
        scene.assert_right(run)
        self._assert_none_twice(made)
        assert {step.name for step in run.get_steps() if step.reused} >= set(made)
        self.length = max(self.length, scene.signs() - before)
        eventually(lambda: not scene.runners())
        return run

    def rounds(self, kills: int) -> None:
        """Kill so often; after a few kills a run may end, and the next round begins."""
        while self.killed.total() < kills:
            for _ in range(self.chance.randint(1, 4)):
                self.kill_one()
            self.finish()
            self.scene.begin_round()
            if self.scene.number % 8 == 0:
                self.scene.collect()


@pytest.fixture
def scene(project: Project, request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene(project, SHAPES[request.param])
    yield made
    for pid in made.runners():  # a test that failed in the middle of a run
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not made.steps_alive())


@pytest.mark.parametrize("scene", SHAPES, indirect=True)
def test_whatever_is_killed_the_next_run_is_right_and_does_nothing_twice(scene, request):
    Killer(scene, request.node.name).rounds(QUICK)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scene", SHAPES, indirect=True)
def test_whatever_is_killed_a_thousand_times_the_next_run_is_right_and_does_nothing_twice(scene, request):
    killer = Killer(scene, request.node.name)
    killer.rounds(SLOW)
    print(dict(killer.killed), "kills in", scene.number, "rounds")


@pytest.mark.slow
@pytest.mark.kernel
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", ["diamond"], indirect=True)
def test_a_kernel_that_is_killed_at_any_moment_leaves_its_run_to_end(scene, request):
    Killer(scene, request.node.name, ("kernel",)).rounds(25)


def test_a_runner_whose_submitter_died_before_it_handed_on_its_environment_runs_no_step(project):
    run = project.run(project.cell("one", ""))
    command = [sys.executable, "-m", "nbpipe.execution.runner", str(project.root), run.id]
    events = run.folder.events.read_bytes()
    for handed_on in (b"", b'{"PATH": "/us'):
        broken = subprocess.run(command, input=handed_on, capture_output=True, check=False)
        assert broken.returncode == 1
        assert broken.stderr.splitlines()[-1].endswith(
            b"Whoever submitted the run was gone before it had begun."
        )
    assert run.folder.events.read_bytes() == events
