"""Types of targets are found by name, and say all that is wrong with their settings at once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nbpipe.compute.local import LocalBackend
from nbpipe.compute.registered import BackendKind, Setting, at_least, backend_kind, backend_types
from nbpipe.errors import MissingExtra, NbpipeError, UnknownName, UsageError


class Cloud(BackendKind):
    settings: ClassVar = {
        "region": Setting(str, "where it runs", required=True),
        "rate": Setting(float, "bytes a second", 1.5, wrong=at_least(0)),
        "key": Setting(str, "path of a key"),
        "spot": Setting(bool, "cheaper", default=False),
    }
    slots = 3

    def open(self, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> LocalBackend:
        return LocalBackend()

    def problems(self, settings: Mapping[str, Any]) -> list[str]:
        return ["spot needs a key."] if settings["spot"] and not settings["key"] else []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a package that brings types of targets."""

    def install(source: str, *types: str, extras: tuple[str, ...] = ()) -> None:
        (tmp_path / "their_cloud.py").write_text(source)
        info = tmp_path / "their_cloud-1.0.dist-info"
        info.mkdir()
        points = "".join(f"{name} = their_cloud:KIND\n" for name in types)
        (info / "entry_points.txt").write_text(f"[nbpipe.backends]\n{points}")
        provided = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: their-cloud\nVersion: 1.0\n{provided}")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "their_cloud", raising=False)

    yield install
    sys.modules.pop("their_cloud", None)


WHOLE = """
from nbpipe.compute.registered import BackendKind

class Cloud(BackendKind):
    def open(self, name, settings, environ):
        raise NotImplementedError

KIND = Cloud()
"""


def test_the_local_type_opens_this_machine():
    kind = backend_kind("local")
    backend = kind.open("local", kind.check({}), os.environ)
    assert asyncio.run(backend.probe()).cpus >= 1


def test_types_of_installed_packages_are_known_by_name(package):
    package(WHOLE, "cloud")
    assert {"cloud", "local", "practice", "ssh", "dask", "slurm"} <= set(backend_types())
    assert backend_kind("cloud").check({}) == {"slots": 1}


def test_a_type_of_nbpipe_is_not_replaced_by_that_of_another_package(package):
    package(WHOLE, "local")
    assert type(backend_kind("local")).__module__ == "nbpipe.compute.local"


def test_a_type_that_nobody_knows_is_said_with_those_there_are():
    with pytest.raises(UnknownName, match=r"type 'nimbus'(?s:.)*local"):
        backend_kind("nimbus")


def test_what_is_left_out_has_its_default():
    assert Cloud().check({"region": "here", "rate": 2, "key": None}) == {
        "slots": 3,
        "region": "here",
        "rate": 2,
        "key": None,
        "spot": False,
    }


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(UsageError) as error:
        Cloud().check({"rate": -1, "spot": 1, "nose": "red", "slots": True})
    assert error.value.fact.splitlines() == [
        "rate is at least 0, not -1.",
        "spot is true or false (cheaper), not 1.",
        "nose is unknown.",
        "slots is a whole number (steps at once), not True.",
        "region is missing: where it runs.",
    ]


def test_what_is_wrong_only_together_is_said_too():
    with pytest.raises(UsageError, match="spot needs a key"):
        Cloud().check({"region": "here", "spot": True})


def test_a_type_that_lacks_its_packages_names_the_extra(package):
    package("import surely_not_installed", "cloud", "other", extras=("cloud",))
    with pytest.raises(MissingExtra, match=r"their-cloud\[cloud\]"):
        backend_kind("cloud")
    with pytest.raises(NbpipeError, match="surely_not_installed"):
        backend_kind("other")


def test_a_broken_type_is_said_with_its_package(package):
    package("1 / 0", "cloud")
    with pytest.raises(NbpipeError, match=r"division by zero(?s:.)*their-cloud"):
        backend_kind("cloud")


def test_what_is_no_type_is_refused(package):
    package("KIND = 3", "cloud")
    with pytest.raises(NbpipeError, match="is no BackendKind"):
        backend_kind("cloud")
