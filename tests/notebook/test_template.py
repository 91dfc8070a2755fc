"""The script that a new step begins with runs, and takes what its command line gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.notebook.step_text import StepText
from nbpipe.notebook.template import script_for


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ((), []),
        (("--data", "{clean}", "--out", "{>model.bin}"), ["--data", "in", "--out", "out"]),
        (("--data={clean}", "--verbose"), ["--data=in", "--verbose"]),
        (("{clean}", "{>model.bin}", "3"), ["in", "out", "3"]),
        (("-n", "3", "--verbose", "{>folder/}"), ["-n", "3", "--verbose", "folder"]),
        (("--a-b", "''", "{./data/x.csv}"), ["--a-b", "", "x.csv"]),
    ],
)
def test_the_script_takes_its_own_command_line(
    tmp_path: Path, words: tuple[str, ...], given: list[str]
) -> None:
    text = script_for(StepText("s.py", words))
    (tmp_path / "s.py").write_text(text)
    subprocess.run([sys.executable, "s.py", *given], cwd=tmp_path, check=True)
    assert (tmp_path / "out").exists() == ("out" in given)
