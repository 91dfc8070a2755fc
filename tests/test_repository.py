"""What is committed: in its place, free of one machine's paths, and with a lock that fits the project."""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]

TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md",
    "docs", "labextension", "nbpipe", "notebooks", "pyproject.toml", "requirements.lock", "tests",
}  # fmt: skip

# A pattern does not match itself: this file is searched too.
ONE_MACHINE = re.compile(rb"(?<![\w.~-])/(work|root)/|pypi\.org|python[h]osted|registry\.npmjs")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [Path(name) for name in listing.split("\0") if name and (ROOT / name).is_file()]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def declared() -> dict[str, Requirement]:
    """Every requirement of the project, extras included, by canonical name."""
    wanted = project()
    lines = chain(wanted["dependencies"], *wanted["optional-dependencies"].values())
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def locked() -> list[tuple[str, Version, bool]]:
    """Name, version and "asked for by the project itself" of each pin of the lock."""
    pins = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text("utf-8"))
    found = [(re.match(r"([\w.-]+)==([^\s;]+)", pin), "nbpipe-steps (pyproject.toml)" in pin) for pin in pins]
    return [(canonicalize_name(pin[1]), Version(pin[2]), asked) for pin, asked in found if pin]


def test_the_top_level_holds_what_is_known_there() -> None:
    assert {path.parts[0] for path in tracked()} <= TOP_LEVEL


def test_no_committed_file_names_one_machine_or_an_index() -> None:
    found = {
        f"{path}:{number}": line
        for path in tracked()
        for number, line in enumerate((ROOT / path).read_bytes().splitlines(), 1)
        if ONE_MACHINE.search(line)
    }
    assert found == {}


def test_the_lock_answers_what_the_project_asks_for() -> None:
    """Stale otherwise: renew it with `make lock`."""
    assert {name for name, _, asked in locked() if asked} == set(declared())
    for name, version, _ in locked():
        if name in declared():
            assert version in declared()[name].specifier, f"{name} {version}"


def test_every_pin_of_the_lock_has_a_hash() -> None:
    pins = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text("utf-8"))
    assert [pin.partition(" ")[0] for pin in pins if "==" in pin and "--hash=sha256:" not in pin] == []


def test_the_changelog_speaks_of_this_version() -> None:
    assert f"\n## {project()['version']} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_penguins_are_all_there() -> None:
    rows = (ROOT / "notebooks/data/penguins.csv").read_text("utf-8").splitlines()
    assert rows[0] == "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year"
    assert len(rows) - 1 == 344
