"""What a SLURM target is told is looked at before it is kept."""

from __future__ import annotations

import pytest

from nbpipe.compute.registered import backend_kind
from nbpipe.errors import UsageError

KIND = backend_kind("slurm")


def test_every_setting_may_be_left_out() -> None:
    assert KIND.check({}) == {"slots": 64, "partition": None, "options": None, "launcher": None}
    assert KIND.open("hpc", KIND.check({}), {}).shares_files


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        KIND.check({"partition": "-x", "options": ["rm -rf"], "launcher": [], "speed": 9})
    told = str(caught.value)
    assert all(name in told for name in ("partition", "options", "launcher", "speed"))


@pytest.mark.parametrize("partition", ["gpu", "gpu-long", "a_b.c"])
def test_a_partition_is_a_name(partition: str) -> None:
    assert KIND.check({"partition": partition})["partition"] == partition
