"""What README and CONTRIBUTING say is there: links, magics, verbs, modules and the names users import."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nbpipe
from nbpipe.notebook.verbs import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "notebooks/data/README.md"])
def test_every_link_to_a_file_leads_to_one(name):
    text = (ROOT / name).read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).is_file()] == []


def test_the_readme_names_every_magic_and_no_other():
    named = set(re.findall(r"%pipeline_(\w+)", README)) - {"step", "module"}
    assert named == set(VERBS)


def test_the_map_names_what_is_there():
    paths = set(re.findall(r"`((?:nbpipe/)?(?:[a-z_]+/)+(?:\w+\.py)?)`", CONTRIBUTING))
    places = (ROOT, ROOT / "nbpipe")
    assert [path for path in sorted(paths) if not any((place / path).exists() for place in places)] == []


def test_every_floor_is_in_the_house():
    house = CONTRIBUTING.partition("```\n")[2].partition("```")[0]
    folders = {path.name for path in (ROOT / "nbpipe").iterdir() if (path / "__init__.py").is_file()}
    assert {name for name in folders if f"{name}/" not in house} == set()


def test_the_names_that_the_readme_imports_are_offered():
    imported = re.findall(r"from nbpipe import ([\w, ]+)", README)
    names = {name.strip() for line in imported for name in line.split(",")}
    assert names <= set(nbpipe.__all__)
