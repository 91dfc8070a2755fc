"""Targets look alike in terminal and notebook, whatever they are called."""

from __future__ import annotations

from nbpipe.core.compute import ComputeTarget, TargetStatus
from nbpipe.views.targets import look_at, target_lines


def test_every_target_is_looked_at_and_keeps_its_place() -> None:
    class Told(ComputeTarget):
        def get_status(self) -> TargetStatus:
            return TargetStatus(ready=True, machine=self.name)

    targets = [Told(None, name, "ssh") for name in "cab"]
    assert [(target.name, status.machine) for target, status in look_at(targets)] == [
        ("c", "c"), ("a", "a"), ("b", "b")
    ]  # fmt: skip


def test_columns_line_up_and_what_is_not_known_is_left_out() -> None:
    lines = target_lines(
        [
            (ComputeTarget(None, "a", "local"), TargetStatus(ready=True, cpus=1, slots=1)),
            (ComputeTarget(None, "long-name", "ssh"), TargetStatus(ready=True, disk=0, slots=3)),
        ]
    )
    assert lines == [
        "v a          local  ready · 1 core · 1 slot",
        "v long-name  ssh    ready · 0 B free · 3 slots",
    ]


def test_what_a_machine_says_of_itself_is_text() -> None:
    away = TargetStatus(ready=False, problem="\x1b[2J gone", remedy="one\n\x07two")
    lines = target_lines([(ComputeTarget(None, "a", "ssh"), away)])
    assert lines == ["x a  ssh  ␛[2J gone", "    one", "    ␇two"]
