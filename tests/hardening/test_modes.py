"""The state is its owner's alone: folders 0700, files 0600, what is stored is read-only; whatever the umask."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbpipe.core.dataset import Dataset
from nbpipe.core.step import PythonScriptStep
from nbpipe.workspace import Workspace
from tests.hardening import lived_in
from tests.projects import Project, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner

WORK = """\
import os, sys, time
import nbpipe
import pack.deep.deeper

*_, made = sys.argv
for folder in ("logs/deep", "outputs/kept/deep", made + "/deep"):
    os.makedirs(folder)
for path in ("logs/deep/one.log", "outputs/kept/deep/two", made + "/deep/three.sh", "plot.png"):
    open(path, "w").write(path)
os.link("OUTSIDE", "logs/again.log")
os.symlink("OUTSIDE", "logs/data")
os.chmod(made + "/deep/three.sh", 0o777)
run = nbpipe.Run.get_context()
run.log("rows", 1)
run.log_image("plot", path="plot.png")
run.upload_file("models/deep/model.bin", "plot.png")
print("made", flush=True)
while os.path.exists("HOLD"):
    time.sleep(0.01)
"""
"""Leaves files wherever a script may, with all the rights that the umask lets it give."""
SCRIPTS_OWN = re.compile(
    r"/(logs|work/code/outputs|work/out/made/made)/|work/(code/plot.png|spool/files)|/__pycache__"
)
"""What a script made, in the folder of an attempt that goes on or was killed."""


def wrong(state: Path, *, unended: str = "") -> dict[str, str]:
    """What has other rights than it should have.

    Args:
        state: the state folder.
        unended: id of a run whose script's own files are as the script made them.
    """
    found = {}
    for path in [state, *state.rglob("*")]:
        name, mode = path.relative_to(state).as_posix(), path.lstat().st_mode
        own = name.startswith(f"runs/{unended}/steps/1-work/1/") and SCRIPTS_OWN.search(name)
        if not (own or stat.S_ISLNK(mode) or stat.S_IMODE(mode) in allowed(name, mode)):
            found[name] = oct(stat.S_IMODE(mode))
    return found


def allowed(name: str, mode: int) -> set[int]:
    """The rights that something may have."""
    if stat.S_ISDIR(mode):
        return {0o700}
    if name.startswith("objects/") and not name.endswith(".stamp"):
        return {0o444, 0o555, 0o400}
    return {0o600}


def steps_that_take_and_leave_all(project: Project, outside: Path, hold: Path) -> list[PythonScriptStep]:
    """Everything that a step can take along, every way to read, everything that it can leave."""
    for name in (
        "data/deep/one.csv",
        "data/two.csv",
        *(f"pack/{each}.py" for each in ("__init__", "deep/deeper")),
    ):
        project.write(name)
    script = WORK.replace("OUTSIDE", str(outside)).replace("HOLD", str(hold))
    copied = Dataset.File.from_files(["./data", "./data/*/*.csv"]).as_named_input("copied").as_download()
    made = project.cell("work", script, "{./data/*/*.csv} {>made/}", inputs=[copied])
    after = project.folder_step("after", "import sys\nopen(sys.argv[2], 'w')\n", "{made} {>after.txt}")
    return [made, after]


@pytest.fixture(params=[0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """What new files have not, here and in all that is started from here."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_everything_in_the_state_is_its_owners_alone(tmp_path, monkeypatch):
    root, hold, outside = tmp_path / "work", tmp_path / "hold", tmp_path / "outside"
    state = root / ".nbpipe"
    lived_in.build(root)
    lived_in.look(root)
    assert wrong(state) == {}
    monkeypatch.chdir(root)
    for path in (hold, outside):
        path.touch()
        path.chmod(0o666)
    project = Project(root)
    run = project.submit(*steps_that_take_and_leave_all(project, outside, hold))
    eventually(lambda: run.step("work").get_stdout_log())
    assert wrong(state, unended=run.id) == {}
    os.kill(run.state.started.pid, signal.SIGKILL)
    eventually(lambda: run.interrupted)
    assert wrong(state, unended=run.id) == {}
    hold.unlink()
    again = project.run(*steps_that_take_and_leave_all(project, outside, hold))
    eventually(lambda: not again.live)
    assert words(again) == {"work": "done", "after": "done"}
    assert sorted(path.name for path in state.glob(f"runs/{again.id}/steps/1-work/1/logs/*")) == [
        "again.log",
        "data",
        "deep",
    ]
    assert wrong(state, unended=run.id) == {f"runs/{again.id}/steps/1-work/1/logs/again.log": "0o666"}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666
    collector = Workspace(root).collector()
    collector.collect(collector.survey(keep_runs=0))
    assert wrong(state) == {}
