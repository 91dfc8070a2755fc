"""Cells of a small pipeline whose steps wait until the test opens their gate, so that nothing depends on time."""

from __future__ import annotations

from pathlib import Path

LOAD = "%load_ext nbpipe"
SHOW = "%pipeline"
RUN = "%pipeline_run"

PREP = """\
%%pipeline_step prep.py {>clean.csv}
import sys

with open(sys.argv[1], "w") as file:
    file.write("a,b\\n1,2\\n")
"""


class Gate:
    """A file that a step waits for.

    Args:
        folder: where it will lie.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "open"

    def open(self) -> None:
        """Let the step go on."""
        self.path.touch()

    @property
    def train(self) -> str:
        """Cell of a step that waits at this gate."""
        return f"""\
%%pipeline_step train.py {{clean}} {{>model.txt}} {self.path}
import os
import sys
import time

print("waiting", flush=True)  # until the gate is open: é 🐧
while not os.path.exists(sys.argv[3]):
    time.sleep(0.05)
with open(sys.argv[2], "w") as file:
    file.write("model")
"""
