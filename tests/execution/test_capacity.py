"""What the machine has to share."""

from __future__ import annotations

import pytest

from nbpipe.execution.capacity import count_gpus, default_jobs, gpu_names


@pytest.mark.parametrize(
    ("visible", "count"),
    [
        ("", 0),
        ("0", 1),
        ("0,1", 2),
        (" 2 , 3 ", 2),
        ("GPU-9c02,MIG-1", 2),
        ("-1", 0),
        ("0,-1,1", 1),
        ("0,,1", 1),
    ],
)
def test_gpus_that_the_user_may_see_are_those_cuda_would_see(monkeypatch, visible, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert count_gpus() == count


def test_a_step_is_told_the_names_of_the_gpus_it_holds():
    assert gpu_names([1], {"CUDA_VISIBLE_DEVICES": "4, GPU-9c02"}) == "GPU-9c02"
    assert gpu_names([0, 2], {}) == "0,2"
    assert gpu_names([3], {"CUDA_VISIBLE_DEVICES": "4"}) == "3"


def test_there_is_a_slot_a_core_and_four_at_most():
    assert 1 <= default_jobs() <= 4
