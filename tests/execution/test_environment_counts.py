"""How much of a step's environment counts: what its code imports, all, none, and variables by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.core.environment import CondaDependencies, RunConfiguration
from tests.execution.chain import REUSED
from tests.projects import planned, words

pytestmark = pytest.mark.runner


def test_a_variable_counts_where_it_is_named_and_its_value_is_not_told(chain, monkeypatch):
    chain.options["prep"]["inherited_variables"] = ["TOKEN_KIND"]
    assert chain.reasons() == ["--env TOKEN_KIND added"]
    monkeypatch.setenv("TOKEN_KIND", "first-value")
    chain.project.run(*chain.steps())
    assert planned(chain.plan()) == REUSED
    monkeypatch.setenv("TOKEN_KIND", "second-value")
    assert chain.reasons() == ["--env TOKEN_KIND changed"]


def test_a_declared_variable_counts(chain):
    chain.options["prep"]["environment_variables"] = {"MODE": "fast"}
    chain.project.run(*chain.steps())
    chain.options["prep"]["environment_variables"] = {"MODE": "slow"}
    assert chain.reasons() == ["--env MODE changed"]


def test_a_secret_counts_by_its_name_alone(chain, monkeypatch):
    monkeypatch.setenv("API_KEY", "first-value")
    chain.options["prep"]["secret_variables"] = ["API_KEY"]
    assert chain.reasons() == ["--secret API_KEY added"]
    chain.project.run(*chain.steps())
    monkeypatch.setenv("API_KEY", "second-value")
    assert planned(chain.plan()) == REUSED


class Venv:
    """A throw-away environment into which things are "installed" by dropping their metadata."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.site = next(folder.glob("lib/python*/site-packages"))

    def install(self, name: str, version: str) -> None:
        for old in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        (info / "RECORD").write_text(f"{name}.py,,\n", "utf-8")
        (self.site / f"{name}.py").write_text(f"VERSION = {version!r}\n", "utf-8")


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    venv = Venv(tmp_path / "venv")
    venv.install("alpha", "1.0")
    venv.install("beta", "1.0")
    return venv


def test_only_what_a_steps_code_imports_counts_of_its_environment(project, venv):
    project.write("shared.py", "import alpha\n")

    def steps(**options):
        write = "import sys, {}\nopen(sys.argv[1], 'w').write('x')\n"
        return [
            project.cell("one", write.format("shared"), "{>first}", python=str(venv.folder), **options),
            project.cell("two", write.format("beta"), "{>second}", python=str(venv.folder), **options),
        ]

    assert words(project.run(*steps())) == {"one": "done", "two": "done"}
    venv.install("gamma", "1.0")
    assert [step.action for step in project.plan(*steps())] == ["reuse", "reuse"]
    venv.install("alpha", "1.1")
    assert planned(project.plan(*steps())) == [
        ("one", "will run", "alpha 1.0 → 1.1"),
        ("two", "will reuse", ""),
    ]


def test_the_whole_environment_or_none_of_it_counts_where_that_is_said(project, venv):
    def step(counts, name):
        return project.cell(name, "import alpha\n", python=str(venv.folder), environment=counts)

    def steps():
        return [step("full", "whole"), step("none", "bare")]

    project.run(*steps())
    venv.install("beta", "2.0")
    assert planned(project.plan(*steps())) == [
        ("whole", "will run", "beta 1.0 → 2.0"),
        ("bare", "will reuse", ""),
    ]
    venv.install("alpha", "2.0")
    assert project.plan(*steps())["bare"].action == "reuse"


def test_the_version_of_python_counts_and_its_place_does_not(project, tmp_path):
    def step(python):
        return project.cell("one", "", python=str(python))

    project.run(step(sys.executable))
    same = tmp_path / "elsewhere"
    same.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    newer = tmp_path / "newer"
    newer.write_text(
        f'#!/bin/sh\n"{sys.executable}" "$@" | sed \'s/"version": "[0-9.]*"/"version": "3.99"/\'\n', "utf-8"
    )
    for path in (same, newer):
        path.chmod(0o755)
    assert planned(project.plan(step(same))) == [("one", "will reuse", "")]
    now = ".".join(map(str, sys.version_info[:2]))
    assert planned(project.plan(step(newer))) == [("one", "will run", f"python {now} → 3.99")]


def test_a_declared_environment_counts(project):
    def step(*packages):
        runconfig = RunConfiguration()
        runconfig.environment.python.conda_dependencies = CondaDependencies.create(
            pip_packages=list(packages)
        )
        return project.cell("one", "", runconfig=runconfig)

    project.run(step("pandas==2.2"))
    assert planned(project.plan(step("pandas==2.2"))) == [("one", "will reuse", "")]
    assert planned(project.plan(step("pandas==2.3"))) == [("one", "will run", "declared environment changed")]
