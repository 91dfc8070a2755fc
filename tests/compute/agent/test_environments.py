"""An environment is made once on a machine, whole or not at all."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nbpipe.compute.agent.environments import Environments
from nbpipe.errors import NbpipeError

pytestmark = [
    pytest.mark.runner,
    pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux"),
]


def wheel(folder: Path, name: str = "tiny") -> str:
    """A requirement that needs no index."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{name}.py", "SIZE = 'tiny'\n")
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return f"{name} @ {path.as_uri()}"


def imported(python: str) -> str:
    return subprocess.run(
        [python, "-c", "import tiny; print(tiny.SIZE)"], capture_output=True, text=True, check=True
    ).stdout


def test_two_that_ask_at_once_get_the_same_one(tmp_path):
    packages = [wheel(tmp_path)]

    async def work() -> list[str]:
        here, there = Environments(str(tmp_path / "root")), Environments(str(tmp_path / "root"))
        asking = [here.get("", packages, 60), here.get("", packages, 60), there.get("", packages, 60)]
        return list(await asyncio.gather(*asking))

    first, *others = asyncio.run(work())
    assert others == [first, first]
    assert imported(first) == "tiny\n"
    held = {path.name for path in (tmp_path / "root" / "environments").iterdir() if path.is_dir()}
    assert held == {Path(first).parent.parent.name}


def test_without_uv_pip_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    made = asyncio.run(Environments(str(tmp_path / "root")).get(sys.executable, [wheel(tmp_path)], 120))
    assert imported(made) == "tiny\n"
    assert subprocess.run([Path(made).parent / "pip", "--version"], check=True, capture_output=True).stdout


def test_one_that_cannot_be_made_says_why_and_leaves_nothing(tmp_path):
    environments = Environments(str(tmp_path / "root"))
    missing = f"tiny @ {(tmp_path / 'tiny-1.0-py3-none-any.whl').as_uri()}"
    for _ in range(2):
        with pytest.raises(NbpipeError, match="cannot be made"):
            asyncio.run(environments.get("", [missing], 60))
    assert not [path for path in (tmp_path / "root" / "environments").iterdir() if path.is_dir()]
    wheel(tmp_path)
    assert imported(asyncio.run(environments.get("", [missing], 60))) == "tiny\n"


@pytest.mark.parametrize("word", ["--index-url=http://elsewhere", "tiny\n--pre"])
def test_what_is_no_requirement_is_refused(tmp_path, word):
    with pytest.raises(NbpipeError, match="is no requirement"):
        asyncio.run(Environments(str(tmp_path / "root")).get("", [word], 60))
