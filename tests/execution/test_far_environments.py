"""What targets have is asked once; one that does not answer is told at once, and asked again in the background."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nbpipe.compute.base import Backend, Capacity, Handle, Job, Sink, Tell, tell_nobody
from nbpipe.compute.local import LocalBackend
from nbpipe.compute.lock import Lock
from nbpipe.core.compute import ComputeTarget
from nbpipe.core.environment import Declared
from nbpipe.errors import EnvironmentProbeError, NbpipeError
from nbpipe.execution.far_environment import FarEnvironment
from nbpipe.execution.far_environments import (
    REMEMBERED,
    FarEnvironments,
    differences,
    environment_key,
    steered,
)
from nbpipe.execution.targets import WorkspaceTargets
from nbpipe.store.layout import StateFolder
from tests.waiting import eventually

BOX = ComputeTarget(None, "box", "practice", {"root": "/far"})


class Machine(Backend):
    """This machine, which answers, refuses or keeps silent as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.resolved = 0
        self.gone = ""
        self.speak = threading.Event()
        self.speak.set()

    async def probe(self) -> Capacity:
        self.asked += 1
        self.speak.wait(30)
        if self.gone:
            raise NbpipeError(self.gone)
        return await LocalBackend().probe()

    async def run_script(self, python: str, script: Path, env: Mapping[str, str]) -> bytes:
        return await LocalBackend().run_script(python or sys.executable, script, env)

    async def resolve(self, python: str, packages: Sequence[str], version: str = "") -> Lock:
        self.resolved += 1
        return Lock("/far/python", version or "3.12", (f"tiny=={self.resolved}.0", "small==1.0"))

    async def start(self, job: Job, sink: Sink, tell: Tell = tell_nobody) -> Handle:
        raise AssertionError

    async def aclose(self) -> None:
        """Hold nothing."""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def environments(tmp_path: Path, machine: Machine, clock: Clock) -> FarEnvironments:
    return FarEnvironments(StateFolder(tmp_path), lambda _target: machine, clock)


def test_a_target_is_asked_once_by_all_processes(tmp_path, environments, machine):
    first = environments.of(BOX, "", {}, wait=30)
    assert first.interpreter.version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert "pytest" in first.interpreter.versions
    assert first.capacity.cpus >= 1
    again = FarEnvironments(StateFolder(tmp_path), lambda _target: machine).of(BOX, "", {}, wait=0)
    assert again.interpreter.versions == first.interpreter.versions
    assert machine.asked == 1


def test_another_host_under_the_same_name_is_asked_again(environments, machine):
    environments.of(BOX, "", {}, wait=30)
    environments.of(ComputeTarget(None, "box", "practice", {"root": "/other"}), "", {}, wait=30)
    environments.of(BOX, "", {"PYTHONPATH": "/somewhere"}, wait=30)
    environments.of(BOX, "", {"SEED": "1"}, wait=30)
    assert machine.asked == 3


def test_one_that_does_not_answer_is_told_in_its_own_words_and_not_asked_by_every_plan(
    environments, machine, clock
):
    machine.gone = "box does not answer."
    for _ in range(3):
        with pytest.raises(NbpipeError, match="box does not answer"):
            environments.of(BOX, "", {}, wait=30)
    assert machine.asked == 1
    machine.gone = ""
    clock.now = REMEMBERED + 1
    with pytest.raises(NbpipeError, match="box does not answer"):  # at once; the question goes on behind
        environments.of(BOX, "", {}, wait=30)
    eventually(lambda: _answers(environments))
    assert machine.asked == 2


def _answers(environments: FarEnvironments) -> bool:
    try:
        return bool(environments.of(BOX, "", {}, wait=0))
    except NbpipeError:
        return False


def test_a_submit_asks_again_whatever_was_said_a_moment_ago(environments, machine):
    machine.gone = "box does not answer."
    with pytest.raises(NbpipeError):
        environments.of(BOX, "", {}, wait=30)
    machine.gone = ""
    assert environments.of(BOX, "", {}, wait=None).interpreter.version


def test_a_plan_does_not_wait_for_a_silent_target_and_finds_its_answer_later(environments, machine):
    machine.speak.clear()
    with pytest.raises(EnvironmentProbeError, match="box has not answered yet"):
        environments.of(BOX, "", {}, wait=0.01)
    with pytest.raises(EnvironmentProbeError, match="box has not answered yet"):
        environments.of(BOX, "", {}, wait=30)
    machine.speak.set()
    eventually(lambda: _answers(environments))
    assert machine.asked == 1


TINY = Declared(("tiny",), "3.10")


def test_what_is_declared_is_resolved_once_until_it_is_declared_otherwise(tmp_path, environments, machine):
    first = environments.of(BOX, "", {}, wait=30, declared=TINY)
    assert (first.interpreter.version, first.interpreter.versions) == (
        "3.10",
        {"tiny": "1.0", "small": "1.0"},
    )
    again = FarEnvironments(StateFolder(tmp_path), lambda _target: machine)
    assert again.of(BOX, "", {}, wait=0, declared=TINY) == first
    assert again.of(BOX, "", {}, wait=30, declared=Declared(("tiny>1",), "3.10")).lock != first.lock
    assert again.of(BOX, "", {}, wait=30).lock is None
    assert machine.resolved == 2


def test_what_is_renewed_is_asked_anew_by_all_processes(tmp_path, environments, machine):
    other = FarEnvironments(StateFolder(tmp_path), lambda _target: machine)
    before = [each.of(BOX, "", {}, wait=30, declared=TINY) for each in (environments, other)]
    targets = WorkspaceTargets(StateFolder(tmp_path), None)
    targets.attach("box", "practice", {}, {})
    environments.of(ComputeTarget(None, "else", "practice", {"root": "/far"}), "", {}, wait=30, declared=TINY)
    assert (before[0], machine.resolved) == (before[1], 2)
    targets.renew("box")
    after = [each.of(BOX, "", {}, wait=30, declared=TINY) for each in (environments, other)]
    assert after[0] == after[1] != before[0]
    assert after[0].interpreter.versions == {"tiny": "3.0", "small": "1.0"}
    assert machine.resolved == 3


def test_conda_packages_are_refused_with_the_machine_and_what_to_do(environments, machine):
    declared = Declared(("tiny",), "", ("cudatoolkit=11", "numpy"))
    with pytest.raises(
        NbpipeError, match=r"box makes environments of pip packages.*cudatoolkit=11, numpy"
    ) as error:
        environments.of(BOX, "", {}, wait=30, declared=declared)
    assert "user_managed_dependencies" in error.value.remedy
    assert machine.asked == 0


def test_what_is_kept_in_another_form_is_asked_for_again():
    assert FarEnvironment.from_json({}) is None
    assert FarEnvironment.from_json({"format": 0}) is None


def test_only_what_steers_an_interpreter_is_told_to_it():
    assert steered({"PYTHONPATH": "lib", "TOKEN": "x"}) == {"PYTHONPATH": "lib"}
    assert environment_key(BOX, "", {"TOKEN": "x"}) == environment_key(BOX, "", {})


def test_differences_name_what_came_went_and_changed():
    planned = {"python": "3.11", "numpy": "1.26", "six": "1.16"}
    assert differences(planned, {"python": "3.11", "numpy": "2.0", "attrs": "24"}) == [
        "numpy 1.26 -> 2.0", "six 1.16 -> none", "attrs none -> 24",
    ]  # fmt: skip
