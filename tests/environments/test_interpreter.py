"""Interpreters: found by what the user wrote, asked once, and counted by what a step imports."""

from __future__ import annotations

import json
import os
import sys
import time
import venv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.environments import interpreter as module
from nbpipe.environments.interpreter import Interpreter, Interpreters, resolve_python
from nbpipe.errors import EnvironmentProbeError

names = st.sampled_from(["numpy", "yaml", "nbpipe", "os", "google"])
SEEN = Interpreter(
    python="python",
    executable="python",
    version="3.11",
    imports={"numpy": ["numpy"], "yaml": ["pyyaml"], "nbpipe": ["nbpipe-steps"], "google": ["a", "b"]},
    versions={"numpy": "2.1", "pyyaml": "6", "nbpipe-steps": "0.1", "a": "1", "b": "2", "rest": "9"},
    site=[],
    local_roots=[],
    target="",
)
OLD = {
    "format": 1,
    "version": "3.8",
    "executable": "",
    "site": [],
    "imports": {},
    "versions": {},
    "local_roots": [],
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("env") / "venv"
    venv.EnvBuilder(symlinks=os.name != "nt").create(folder)
    return aged(folder)


def aged(environment: Path) -> Path:
    """The environment as if nothing had been installed for long."""
    for path in (environment / "pyvenv.cfg", site_of(environment), *site_of(environment).glob("*.pth")):
        os.utime(path, ns=(1, 1))
    return environment


def site_of(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"), environment / "Lib" / "site-packages")


def install(environment: Path, name: str, version: str) -> None:
    folder = site_of(environment) / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "top_level.txt").write_text(name)


class Memory(dict):
    """What is remembered between processes, as JSON, and how often the interpreter was asked."""

    asked = 0

    def remember(self, key: str, value: dict) -> None:
        self.asked += 1
        self[key] = json.loads(json.dumps(value))


def test_nothing_asked_for_is_the_default():
    assert resolve_python("", "/the/default", base=Path()) == "/the/default"


def test_a_path_a_folder_and_a_command_all_lead_to_an_interpreter(environment, monkeypatch):
    inside = next(p for p in (environment / "bin/python", environment / "Scripts/python.exe") if p.exists())
    base = environment.parent
    assert resolve_python("venv", "", base=base) == str(inside)
    assert resolve_python(str(environment), "", base=Path("/elsewhere")) == str(inside)
    assert resolve_python(os.path.relpath(inside, base), "", base=base) == str(inside)
    monkeypatch.setenv("PATH", str(inside.parent))
    assert Path(resolve_python("python", "", base=base)).parent == inside.parent


def test_a_folder_named_like_a_command_does_not_hide_it(tmp_path, environment, monkeypatch):
    (tmp_path / "python").mkdir()
    monkeypatch.setenv("PATH", str(environment / "bin"))
    assert resolve_python("python", "", base=tmp_path) == str(environment / "bin" / "python")


@pytest.mark.parametrize("wanted", ["nowhere/python", "no-such-command", "empty", "note.txt", "nul\0"])
def test_what_is_no_interpreter_is_refused_with_those_there_are(tmp_path, wanted):
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(EnvironmentProbeError) as refused:
        resolve_python(wanted, "", base=tmp_path)
    assert "virtual environment" in refused.value.remedy


def test_an_interpreter_is_asked_once(environment):
    memory = Memory()
    aged(environment)
    interpreters = Interpreters(memory.get, memory.remember)
    python = resolve_python(str(environment), "", base=Path())
    first = interpreters.of(python)
    assert first.version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert first.executable == python
    assert interpreters.of(python) is first
    assert Interpreters(memory.get, memory.remember).of(python) == first
    assert memory.asked == 1


def test_an_install_an_upgrade_and_a_removal_are_seen_at_the_next_question(environment):
    memory = Memory()
    interpreters = Interpreters(memory.get, memory.remember)
    python = resolve_python(str(environment), "", base=Path())
    assert "thing" not in interpreters.of(python).versions
    install(environment, "thing", "1.0")
    assert interpreters.of(python).ingredients({"thing"}, "imports")["thing"] == "1.0"
    (site_of(environment) / "thing-1.0.dist-info").rename(site_of(environment) / "thing-1.1.dist-info")
    assert interpreters.of(python).versions["thing"] == "1.1"
    (site_of(environment) / "thing-1.1.dist-info" / "top_level.txt").unlink()
    (site_of(environment) / "thing-1.1.dist-info").rmdir()
    assert "thing" not in interpreters.of(python).versions


def test_a_path_file_edited_in_place_is_seen(environment, tmp_path):
    interpreters = Interpreters({}.get, lambda key, value: None)
    python = resolve_python(str(environment), "", base=Path())
    path_file = site_of(environment) / "own.pth"
    path_file.write_text("\n")
    assert str(tmp_path) not in interpreters.of(python).local_roots
    path_file.write_text(f"{tmp_path}\n")
    os.utime(path_file, ns=(1, 1))
    assert str(tmp_path) in interpreters.of(python).local_roots


def test_while_something_is_installed_the_interpreter_is_asked_each_time(environment):
    memory = Memory()
    interpreters = Interpreters(memory.get, memory.remember)
    python = resolve_python(str(environment), "", base=Path())
    site, now = site_of(environment), time.time_ns()
    os.utime(site, ns=(now, now))
    assert "late" not in interpreters.of(python).versions
    install(environment, "late", "1.0")
    os.utime(site, ns=(now, now))  # within the same tick of the clock
    assert interpreters.of(python).versions["late"] == "1.0"
    assert memory.asked == 0


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_link_that_leads_to_another_interpreter_is_seen(environment, tmp_path):
    interpreters = Interpreters({}.get, lambda key, value: None)
    other = tmp_path / "other"
    venv.EnvBuilder(symlinks=True).create(other)
    install(other, "newer", "1.0")
    link = tmp_path / "current"
    for folder, there in ((environment, False), (other, True), (environment, False)):
        link.unlink(missing_ok=True)
        link.symlink_to(aged(folder))
        assert ("newer" in interpreters.of(f"{link}/bin/python").versions) == there


@pytest.mark.skipif(os.name == "nt", reason="programs made by a first line")
def test_a_script_that_chooses_an_interpreter_is_asked_each_time(environment, tmp_path):
    interpreters = Interpreters({}.get, lambda key, value: None)
    other, shim = tmp_path / "other", tmp_path / "python"
    venv.EnvBuilder(symlinks=True).create(other)
    for folder in (environment, aged(other), environment):
        (tmp_path / "chosen").write_text(f"{folder}/bin/python")
        shim.write_text(f'#!/bin/sh\nexec "$(cat {tmp_path}/chosen)" "$@"\n')
        shim.chmod(0o755)
        assert interpreters.of(str(shim)).executable == f"{folder}/bin/python"


def test_variables_that_steer_imports_are_told_apart(environment, tmp_path):
    memory = Memory()
    aged(environment)
    python = resolve_python(str(environment), "", base=Path())
    plain = Interpreters(memory.get, memory.remember, {}).of(python)
    steered = Interpreters(memory.get, memory.remember, {"PYTHONPATH": str(tmp_path)}).of(python)
    assert str(tmp_path) in steered.local_roots
    assert str(tmp_path) not in plain.local_roots
    assert len(memory) == 2


def test_what_an_older_nbpipe_remembered_is_asked_again(environment):
    memory = Memory()
    aged(environment)
    python = resolve_python(str(environment), "", base=Path())
    Interpreters(memory.get, memory.remember).of(python)
    for key in memory:
        memory[key] = {"format": 0}
    assert Interpreters(memory.get, memory.remember).of(python).versions is not None
    assert memory.asked == 2


@pytest.mark.skipif(os.name == "nt", reason="programs made by a first line")
@pytest.mark.parametrize(
    ("body", "fact"),
    [
        ("echo hello", "does not answer as a Python does"),
        ("echo 'SyntaxError: future feature annotations is not defined' >&2; exit 1", "too old"),
        (f"echo '{json.dumps(OLD)}'", "is Python 3.8. A step needs Python 3.9 or newer"),
        ("exec sleep 60", "cannot be started: no answer"),
    ],
)
def test_what_does_not_answer_is_told(tmp_path, monkeypatch, body, fact):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    if "sleep" in body:
        monkeypatch.setattr(module, "_PATIENCE", 0.1)
    with pytest.raises(EnvironmentProbeError, match=fact):
        module.probe(str(program), os.environ)


def test_a_program_that_is_gone_is_told(tmp_path):
    with pytest.raises(EnvironmentProbeError, match="cannot be started"):
        module.probe(str(tmp_path / "python"), {})


@given(st.sets(names))
def test_only_what_is_imported_counts(imported):
    counted = SEEN.ingredients(imported, "imports")
    expected = {dist for name in imported - {"nbpipe", "os"} for dist in SEEN.imports[name]}
    assert counted == {"python": "3.11", **{dist: SEEN.versions[dist] for dist in expected}}


def test_the_whole_environment_or_none_counts_when_told():
    assert SEEN.ingredients({"numpy"}, "full") == {"python": "3.11", **SEEN.versions}
    assert SEEN.ingredients({"numpy"}, "none") == {}
