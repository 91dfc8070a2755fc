"""Every ingredient of a fingerprint, flipped on disk in any combination: key and reasons move exactly with them."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbpipe.core.dataset import Dataset
from nbpipe.core.environment import RunConfiguration
from tests.projects import Project

pytestmark = pytest.mark.runner

SCRIPT = "import helper, sys\nopen(sys.argv[-1], 'w').write('made')\n"

BASE: dict[str, Any] = {
    "script": SCRIPT,
    "helper": "X = 1\n",
    "other": "Y = 1\n",
    "data": "a,b\n1,2\n",
    "file": "raw.csv",
    "folder": {"a.txt": "1"},
    "word": "text",
    "lr": 0.1,
    "param": 7,
    "version": None,
    "counts": "imports",
    "declared": {"MODE": "fast"},
    "inherited": "one",
    "output": "out.csv",
    "mode": "mount",
    "step": "one",
    "pipeline": "pipeline",
    "timeout": None,
    "retries": 0,
    "cell": "cell 1",
    "elsewhere": "x",
    "touched": 0,
    "script_mode": 0o644,
}
"""A small project, described."""

COUNTED: dict[str, tuple[Any, str]] = {
    "script": (SCRIPT + "print()\n", "code"),
    "helper": ("X = 2\n", "code"),
    "data": ("a,b\n1,2\n3,4\n", "inputs"),
    "folder": ({"a.txt": "1", "b.txt": ""}, "inputs"),
    "word": ("texts", "command"),
    "lr": (0.2, "parameters"),
    "param": (8, "parameters"),
    "version": ("2", "version"),
    "counts": ("none", "environment"),
    "declared": ({"MODE": "slow"}, "settings"),
    "inherited": ("two", "settings"),
    "output": ("out.tsv", "settings"),
    "mode": ("download", "settings"),
}
"""What counts: another value, and the kind of reason that must follow."""

UNCOUNTED: dict[str, Any] = {
    "script": "# a note\n\n" + SCRIPT,
    "helper": "\n# another\nX = 1\n",
    "other": "Y = 2\n",
    "file": "moved.csv",
    "step": "two",
    "pipeline": "renamed",
    "timeout": 60.0,
    "retries": 3,
    "cell": "cell 9",
    "elsewhere": "y",
    "touched": 1,
    "script_mode": 0o755,
}
"""What does not count: another value."""


def rebuild(project: Project, spec: dict[str, Any]) -> list[Any]:
    """Write the project as it is described, and declare its step."""
    for path in project.root.glob("*.*"):
        if path.is_file():
            path.unlink()
    for path in project.root.glob("data/*"):
        path.unlink()
    project.write("helper.py", spec["helper"])
    project.write("other.py", spec["other"])
    raw = project.write(spec["file"], spec["data"])
    os.utime(raw, ns=(spec["touched"], spec["touched"]))
    for name, text in spec["folder"].items():
        project.write(f"data/{name}", text)
    os.environ["COUNTED"], os.environ["ELSEWHERE"] = spec["inherited"], spec["elsewhere"]
    project.parameters, project.name = {"lr": spec["lr"]}, spec["pipeline"]
    runconfig = RunConfiguration(environment=spec["counts"])
    runconfig.environment_variables = spec["declared"]
    runconfig.inherited_variables = ["COUNTED"]
    runconfig.resources.timeout, runconfig.resources.retries = spec["timeout"], spec["retries"]
    data = Dataset.File.from_files(spec["file"]).as_named_input("raw")
    bound = data.as_mount() if spec["mode"] == "mount" else data.as_download()
    step = project.cell(
        spec["step"], spec["script"], f"{spec['word']} {{lr}} {{./data}} {{>{spec['output']}}}", inputs=[bound],
        params={"n": spec["param"]}, version=spec["version"], runconfig=runconfig, cell=spec["cell"],
    )  # fmt: skip
    step.script_name = "script.py"
    script = Path(f"steps/{spec['step']}/{spec['step']}.py")
    script.chmod(spec["script_mode"])
    return [step]


@pytest.fixture
def base(project, monkeypatch):
    """The project as described, run once."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    assert project.run(*rebuild(project, BASE)).status == "Finished"
    return project, project.plan(*rebuild(project, BASE))["one"].fingerprint.key


def test_key_and_reasons_move_exactly_with_what_counts(base):
    project, key = base

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.sets(st.sampled_from(sorted(COUNTED))), st.sets(st.sampled_from(sorted(UNCOUNTED))))
    def law(counted: set[str], uncounted: set[str]) -> None:
        spec = copy.deepcopy(BASE)
        spec |= {name: UNCOUNTED[name] for name in uncounted}
        spec |= {name: COUNTED[name][0] for name in counted}
        (plan,) = project.plan(*rebuild(project, spec))
        assert (plan.fingerprint.key != key) == bool(counted)
        kinds = {COUNTED[name][1] for name in counted}
        unknown = counted and "step" in uncounted  # nothing of that name to compare with
        assert {reason.kind for reason in plan.reasons} == ({"never_run"} if unknown else kinds)
        assert plan.action == ("run" if counted else "reuse")

    law()


def test_each_ingredient_alone_has_a_reason_of_its_kind(base):
    project, key = base
    for name, (value, kind) in COUNTED.items():
        (plan,) = project.plan(*rebuild(project, {**BASE, name: value}))
        assert [reason.kind for reason in plan.reasons] == [kind], name
        assert plan.reasons[0].text, name
        assert plan.fingerprint.key != key
    for name, value in UNCOUNTED.items():
        (plan,) = project.plan(*rebuild(project, {**BASE, name: value}))
        assert (plan.fingerprint.key, plan.action) == (key, "reuse"), name
