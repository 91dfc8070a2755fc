"""Where the files of a run lie, whatever its steps are called."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nbpipe.execution.run_folder import RunFolder


@given(st.integers(0, 10**4), st.text(), st.integers(1, 99))
def test_a_steps_folder_lies_in_the_runs_whatever_its_name(position, name, attempt):
    folder = RunFolder(Path("runs/7"))
    path = folder.attempt(position, name, attempt)
    assert path.parts[:3] == ("runs", "7", "steps")
    assert len(path.parts) == 5
    assert path.parts[3].isascii()
    assert path.parts[3].startswith(str(position + 1))
    assert len(path.parts[3]) < 60
    assert not set(path.parts[3]) & set('<>:"/\\|?*\0 ')
    assert not path.parts[3].endswith(".")


@given(st.text(), st.text(), st.integers(0, 100), st.integers(0, 100))
def test_two_steps_never_share_a_folder(one, two, here, there):
    folder = RunFolder(Path("runs/7"))
    assert (folder.step(here, one) == folder.step(there, two)) <= (here == there)
