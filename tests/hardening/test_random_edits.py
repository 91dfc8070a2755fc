"""Random edits against a reference that always runs everything: outputs are equal, what did not change is reused."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset
from nbpipe.core.parameter import PipelineParameter
from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.errors import UsageError
from nbpipe.run import PipelineRun
from nbpipe.store import digests, results
from nbpipe.workspace import Workspace
from tests.hardening.hidden import HIDDEN
from tests.hardening.installed import Installed
from tests.hardening.reference import Reference, script
from tests.projects import Project
from tests.waiting import eventually

pytestmark = pytest.mark.runner

STEPS = ("prep", "left", "right", "join")
READS = {"prep": (), "left": ("prep",), "right": ("prep",), "join": ("left", "right")}
SCRIPTS = {step: f"steps/{step}/{step}.py" for step in STEPS} | {"right": "src/right/right.py"}
MODULES: list[dict[str, str]] = [
    {"shared.py": "TEXT = 'm'\n"},
    {"shared.py": "TEXT = 'n'\n"},
    {"shared.py": "from deep import TEXT\n", "deep.py": "TEXT = 'd'\n"},
    {"shared.py": "from deep import TEXT\n", "deep.py": "TEXT = 'd'\n", "deep/__init__.py": "TEXT = 'p'\n"},
    {"shared.py": "from deep.part import TEXT\n", "deep/part.py": "TEXT = 'q'\n"},
    {"shared.py": "from deep.part import TEXT\n", "deep/__init__.py": "", "deep/part.py": "from .r import TEXT\n",
     "deep/r.py": "TEXT = 'r'\n"},
    {"shared/__init__.py": "from .inner import TEXT\n", "shared/inner.py": "TEXT = 'i'\n"},
    {"shared.py": "try:\n import deep\n TEXT = deep.TEXT\nexcept ImportError:\n TEXT = 'no deep'\n"},
    {"shared.py": "# coding: utf-8\nTEXT = ascii('é')\n"},
    {"shared.py": "# coding: latin-1\nTEXT = ascii('é')\n"},
]  # fmt: skip
NEARER: list[dict[str, str]] = [
    {}, {"deep.py": "TEXT = 'near'\n"}, {"colorsys.py": "TEXT = 'unused'\n"}, {"shared.py": "TEXT = 'nearest'\n"},
    {"shared.py": "import colorsys\nTEXT = getattr(colorsys, 'TEXT', 'library')\n"},
    {"shared.py": "import colorsys\nTEXT = getattr(colorsys, 'TEXT', 'library')\n", "colorsys.py": "TEXT = 'mine'\n"},
]  # fmt: skip
IGNORES: list[tuple[dict[str, str], set[str]]] = [
    ({}, set()),
    ({".gitignore": "*.txt\n"}, {"*.txt"}),
    ({".gitignore": "*.txt\n", ".amlignore": "# all\n"}, set()),
    ({".amlignore": "cfg/\n"}, {"cfg"}),
]
DAMAGED = (ValueError, KeyError, TypeError)
TEXTS = st.sampled_from([b"one", b"two", b"six", b"", b"three"])
WHICH = st.integers(0, 10_000)  # of however many there are
NAMES = st.sampled_from(["a.txt", "b.txt", "c.not"])


class RandomEdits(RuleBasedStateMachine):
    """prep, then left and right side by side, then join, in one workspace; two processes look at it in turns."""

    def __init__(self) -> None:
        super().__init__()
        self.before = Path.cwd(), dict(os.environ), digests.YOUNG
        digests.YOUNG = 20_000_000  # else nothing is old enough to be remembered while an example lasts
        self.place = Path(tempfile.mkdtemp(prefix="edits-"))
        self.installed = Installed(self.place / "venv")
        self.project = Project(self.place / "work")
        self.project.root.mkdir()
        os.chdir(self.project.root)
        self.long_lived = Workspace(self.project.root)
        self.marks = dict.fromkeys(STEPS, "")
        self.kept = dict.fromkeys(STEPS, 200)
        self.fates = dict.fromkeys(STEPS, "well")
        self.comments = 0
        self.scale: Any = 1
        self.versions = dict.fromkeys(STEPS, "")
        self.ignored: set[str] = set()
        self.settled: str | None = None
        self.planned: Plan | None = None

    def teardown(self) -> None:
        self.project.stop_all()
        self.long_lived.digests.close()
        folder, environment, digests.YOUNG = self.before
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        shutil.rmtree(self.place)

    @initialize()
    def first_run(self) -> None:
        for name in ("folder/a.txt", "parts/a.txt", "src/right/a.txt", "raw.txt"):
            self.project.write(name, b"one")
        self.project.write("src/right/own.py", "TEXT = 'own'\n")
        self.project.write("src/right/cfg/a", "cfg")
        (self.root / "nb").mkdir()
        self.put_modules(MODULES[0], NEARER[0])
        for step in STEPS:
            self.write_script(step)
        self.run(set(), long_lived=True)

    @property
    def root(self) -> Path:
        return self.project.root

    # Code.

    def write_script(self, step: str) -> None:
        text = script(step, self.marks[step], self.kept[step], self.fates[step])
        self.project.write(SCRIPTS[step], text + ("" if step == "right" else f"# {self.comments}\n"))

    @rule(step=st.sampled_from(STEPS), mark=st.sampled_from(["", "a", "b"]))
    def edit_script(self, step: str, mark: str) -> None:
        self.marks[step] = mark
        self.write_script(step)

    @rule(step=st.sampled_from(STEPS), kept=st.sampled_from([0, 3, 200]))
    def edit_how_much_goes_through(self, step: str, kept: int) -> None:
        self.kept[step] = kept
        self.write_script(step)

    @rule(step=st.sampled_from(STEPS))
    def edit_comment(self, step: str) -> None:
        self.comments += 1
        self.write_script(step)

    @rule(step=st.sampled_from(STEPS))
    def let_fail_or_mend(self, step: str) -> None:
        self.fates[step] = "well" if self.fates[step] == "fails" else "fails"
        self.write_script(step)

    @rule(modules=st.sampled_from(MODULES), nearer=st.sampled_from(NEARER))
    def put_modules(self, modules: dict[str, str], nearer: dict[str, str]) -> None:
        for folder, files in ((self.root, modules), (self.root / "nb", nearer)):
            for name in ("shared", "deep"):
                shutil.rmtree(folder / name, ignore_errors=True)
            for name in ("shared.py", "deep.py", "colorsys.py"):
                (folder / name).unlink(missing_ok=True)
            for name, text in files.items():
                self.project.write(str(folder / name), text)

    @rule(ignore=st.sampled_from(IGNORES), text=st.none() | TEXTS, own=st.sampled_from(["own", "new"]))
    def edit_folder_of_code(self, ignore: Any, text: bytes | None, own: str) -> None:
        files, self.ignored = ignore
        for name in (".gitignore", ".amlignore"):
            (self.root / "src/right" / name).unlink(missing_ok=True)
        for name, lines in files.items():
            self.project.write(f"src/right/{name}", lines)
        self.project.write("src/right/own.py", f"TEXT = {own!r}\n")
        self._put(self.root / "src/right/a.txt", text)

    # Data.

    def _put(self, path: Path, text: bytes | None) -> None:
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(text)

    @rule(folder=st.sampled_from(["folder", "parts"]), name=NAMES, text=st.none() | TEXTS)
    def edit_folder(self, folder: str, name: str, text: bytes | None) -> None:
        if folder == "parts" and name == "a.txt":
            text = text or b""  # a glob matches something
        self._put(self.root / folder / name, text)

    @rule(text=st.sampled_from([b"one", b"two", b"six"]), hide=st.sampled_from(HIDDEN))
    def edit_in_hiding(self, text: bytes, hide: Callable[[Path, bytes], None]) -> None:
        """Between two looks of one process, which remembers what it saw."""
        path = self.root / "raw.txt"
        self.plan(True, ())
        hide(path, text)
        assert path.read_bytes() == text
        self.run(set(), long_lived=True)

    @rule(folder=st.sampled_from(["folder", "parts"]))
    def swap_two_files(self, folder: str) -> None:
        one, two = self.root / folder / "a.txt", self.root / folder / "b.txt"
        if one.exists() and two.exists():
            one.rename(self.root / "aside")
            two.rename(one)
            (self.root / "aside").rename(two)

    @rule()
    def come_or_go_an_empty_folder(self) -> None:
        empty = self.root / "folder" / "empty"
        empty.rmdir() if empty.exists() else empty.mkdir()

    # What is declared.

    @rule(scale=st.sampled_from([1, 1.0, True, "1", 2, "True"]))
    def set_parameter(self, scale: Any) -> None:
        self.scale = scale

    @rule(mode=st.none() | st.sampled_from(["fast", "slow", ""]))
    def set_variable(self, mode: str | None) -> None:
        os.environ.pop("MODE", None)
        if mode is not None:
            os.environ["MODE"] = mode

    @rule(step=st.sampled_from(STEPS), version=st.sampled_from(["", "1", "2"]))
    def set_version(self, step: str, version: str) -> None:
        self.versions[step] = version

    @rule(version=st.none() | st.sampled_from(["1", "2"]))
    def install(self, version: str | None) -> None:
        self.installed.install("alpha", version) if version else self.installed.remove("alpha")

    # State.

    @rule(which=WHICH, how=st.sampled_from(["deleted", "edited", "shortened"]))
    def harm_an_output(self, which: int, how: str) -> None:
        found = sorted(path for path in (self.root / ".nbpipe/objects").glob("*/*.tree/*") if path.is_file())
        if found:
            path = found[which % len(found)]
            path.chmod(0o644)
            text = path.read_bytes()
            path.unlink() if how == "deleted" else path.write_bytes(
                bytes(len(text) - (how == "shortened" and text != b""))
            )
            self.settled = None

    @rule(which=WHICH, damage=st.sampled_from([b"", b"{", None]))
    def harm_a_record(self, which: int, damage: bytes | None) -> None:
        state = self.root / ".nbpipe"
        found = sorted(
            [*state.glob("results/*/*.json"), *(p for p in state.glob("registry/**/*") if p.is_file())]
        )
        if found:
            self._put(found[which % len(found)], damage)
            self.settled = None

    @rule(keep=st.sampled_from([1, 3]))
    def collect(self, keep: int) -> None:
        collector = self.project.workspace.collector()
        collector.collect(collector.survey(keep))

    @rule()
    def find_that_the_clock_was_ahead(self) -> None:
        """What was recorded so far was recorded by a clock that was a day ahead."""
        state = self.root / ".nbpipe"
        for path in state.glob("results/*/*.json"):
            with suppress(*DAMAGED):
                record = json.loads(path.read_bytes())
                del record["check"]
                record["finished"] += 86400
                path.write_text(json.dumps(record | {"check": results._check(record)}), "utf-8")
        for path in state.glob("registry/*/*.jsonl"):
            with suppress(*DAMAGED):
                lines = [json.loads(line) for line in path.read_bytes().splitlines()]
                moved = [line | {"time": line["time"] + 86400} for line in lines]
                path.write_text("".join(json.dumps(line) + "\n" for line in moved), "utf-8")

    @rule()
    def go_on_in_a_copy(self) -> None:
        copy = self.place / f"work{time.monotonic_ns()}"
        shutil.copytree(self.root, copy, symlinks=True)
        os.chdir(copy)
        shutil.rmtree(self.root)
        self.project.root = copy
        self.long_lived.digests.close()
        self.long_lived = Workspace(copy)

    # Runs.

    @rule(force=st.sets(st.sampled_from(STEPS), max_size=1), long_lived=st.booleans())
    def run(self, force: set[str], long_lived: bool) -> None:
        known = self.settled == self.state()
        plan = self.plan(long_lived, force)
        run = self.submit(long_lived, force=sorted(force))
        run.wait_for_completion(show_output=False, timeout_seconds=60, raise_on_error=False)
        self.compare(run, plan)
        if known:
            assert {step.name for step in run.get_steps() if step.status == "done"} == force
        self.settled = self.state() if run.status == "Finished" else None

    @rule(long_lived=st.booleans())
    def run_twice(self, long_lived: bool) -> None:
        self.run(set(), long_lived=long_lived)
        if self.settled is not None:
            assert {step.action for step in self.plan(not long_lived, ())} == {"reuse"}
            self.run(set(), long_lived=not long_lived)

    @rule(step=st.sampled_from(STEPS))
    def cancel(self, step: str) -> None:
        fate, self.fates[step] = self.fates[step], "hangs"
        self.write_script(step)
        plan = self.plan(True, ())
        run = self.submit(True)
        eventually(lambda: not run.live or run.step(step).status == "running", 60)
        run.cancel()
        run.wait_for_completion(show_output=False, timeout_seconds=60, raise_on_error=False)
        self.compare(run, plan)
        self.fates[step] = fate
        self.write_script(step)

    @rule(step=st.sampled_from(["prep", "left", "right"]))
    def accept_and_undo(self, step: str) -> None:
        """What was accepted is reused as it was; forced, the step is what it would be."""
        if set(self.fates.values()) != {"well"}:
            return
        self.run(set(), long_lived=True)
        if self.settled is None:
            return
        before = self.text(self.project.workspace.latest_run(), step)
        self.edit_script(step, self.marks[step] + "x")
        with suppress(UsageError):  # the edit went through already, or inputs are not known
            self.project.workspace.accept(self.pipeline(self.project.workspace), step)
            run = self.submit(True)
            run.wait_for_completion(show_output=False, timeout_seconds=60)
            assert self.text(run, step) == before
            assert run.step(step).reused
        self.run({step}, long_lived=False)

    def compare(self, run: PipelineRun, plan: Plan) -> None:
        """Outputs are the reference's, and the plan's word was kept."""
        expected = self.reference()
        for step in run.get_steps():
            if step.state.status.good:
                assert self.text(run, step.name) == expected[step.name], step.name
            else:
                allowed = {"blocked", "cancelled", "not started"}
                told = step.name, step.status, step.failure, run.folder.runner_log.read_text("utf-8")
                assert expected[step.name] is None or step.status in allowed, told
            allowed = {"reuse": {"reused"}, "run": {"done"}, "maybe": {"done", "reused"}}[
                plan[step.name].action
            ]
            if step.state.status.good:
                assert step.status in allowed, (step.name, plan[step.name])
        if None not in expected.values():
            assert run.status == "Finished"

    def text(self, run: PipelineRun, step: str) -> str:
        return self.project.text(run, step, f"{step}_out")

    def plan(self, long_lived: bool, force: Any) -> Plan:
        if not long_lived:
            workspace = self.project.workspace
            return workspace.plan(self.pipeline(workspace), force=force)
        pipeline = self.pipeline(self.long_lived)
        plan = self.long_lived.plan(pipeline, force=force, since=self.planned)
        assert plan.steps == self.long_lived.plan(pipeline, force=force).steps
        self.planned = plan
        return plan

    def submit(self, long_lived: bool, **options: Any) -> PipelineRun:
        workspace = self.long_lived if long_lived else self.project.workspace
        return workspace.submit(self.pipeline(workspace), "demo", **options)

    def pipeline(self, workspace: Workspace) -> Any:
        """The pipeline as it is declared now."""
        made = {step: PipelineData(f"{step}_out", form="file") for step in STEPS}
        scale = PipelineParameter("scale", self.scale)
        data = [
            Dataset.File.from_files(path).as_named_input(name).as_mount()
            for name, path in (("raw", "raw.txt"), ("folder", "folder"), ("files", "parts/*.txt"))
        ]
        read = {
            "prep": data,
            "left": [made["prep"]],
            "right": [made["prep"]],
            "join": [made["left"], made["right"]],
        }
        steps = []
        for step in STEPS:
            arguments = [*read[step], *([scale] if step in ("left", "right") else []), made[step]]
            options: dict[str, Any] = {"inputs": read[step], "outputs": [made[step]], "arguments": arguments}
            if self.versions[step]:
                options["version"] = self.versions[step]
            if step == "right":
                steps.append(self.project.folder_step(step, None, **options))
                continue
            inherited = ["MODE"] if step == "left" else []
            python = str(self.installed.folder) if step == "join" else None
            steps.append(
                self.project.cell(step, None, inherited_variables=inherited, python=python, **options)
            )
            steps[-1].source = replace(steps[-1].source, folder="nb")
        return Pipeline(workspace, steps, name="pipeline")

    def reference(self) -> dict[str, str | None]:
        pythons = dict.fromkeys(STEPS, sys.executable) | {"join": f"{self.installed.folder}/bin/python"}
        search = [str(self.root / "nb"), str(self.root)]
        reference = Reference(self.root, pythons, search, self.ignored)
        return reference.outputs(self.scale, os.environ.get("MODE"), self.fates)

    def state(self) -> str:
        """All that counts, as it is now, what is left in the store included."""
        files = {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".nbpipe" not in path.parts
        }
        scripts = {name: text for name, text in files.items() if name not in SCRIPTS.values()}
        empty = (self.root / "folder" / "empty").exists()
        alpha = sorted(path.name for path in self.installed.site.glob("alpha*"))
        stored = sorted(path.name for path in (self.root / ".nbpipe/objects").glob("*/*.tree"))
        declared = [
            repr(self.scale),
            os.environ.get("MODE"),
            self.versions,
            self.marks,
            self.kept,
            self.fates,
        ]
        return repr([scripts, empty, alpha, stored, declared])


def check(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        RandomEdits,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate],  # to make an example smaller takes many minutes
        ),
    )


def test_outputs_are_those_of_running_everything():
    check(examples=4, steps=10)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_outputs_are_those_of_running_everything_for_long():
    check(examples=50, steps=30)
