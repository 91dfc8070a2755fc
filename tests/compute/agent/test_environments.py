"""What is declared is resolved into a lock, and an environment is made once of each lock, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.compute.agent.environments import Environments
from nbpipe.compute.agent.pythons import python_of
from nbpipe.compute.lock import Lock
from nbpipe.errors import NbpipeError
from tests.compute.agent.wheels import index, wheel
from tests.oldest import oldest_python

pytestmark = [
    pytest.mark.runner,
    pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux"),
]


@pytest.fixture(autouse=True)
def uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is installed beside the tests' interpreter."""
    assert shutil.which("uv", path=Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with packages, which is all that an installer finds."""
    folder = tmp_path / "packages"
    wheel(folder, "tiny", "1.0", needs=["small>=1"])
    wheel(folder, "small", "1.0")
    index(folder, monkeypatch)
    return folder


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    return Environments(str(tmp_path / "root"))


@pytest.fixture
def no_uv(uv: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def locked(environments: Environments, *packages: str, python: str = "", version: str = "") -> Lock:
    return Lock.from_json(asyncio.run(environments.lock("t", python, packages, version, 120)))


def made(environments: Environments, lock: Lock) -> str:
    return asyncio.run(environments.get(lock.python, lock.version, lock.lines, 120))


def versions(python: str) -> str:
    source = "import tiny, small; print(tiny.VERSION, small.VERSION)"
    return subprocess.run([python, "-c", source], capture_output=True, text=True, check=True).stdout.strip()


def folders(environments: Environments) -> list[Path]:
    there = Path(environments._folder)
    return [path for path in there.iterdir() if path.is_dir()] if there.exists() else []


def test_a_lock_pins_all_that_is_needed_with_its_hashes(environments: Environments, packages: Path):
    lock = locked(environments, "tiny")
    assert lock.versions == {"small": "1.0", "tiny": "1.0"}
    assert all("--hash=sha256:" in line for line in lock.lines)
    assert lock.version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert versions(made(environments, lock)) == "1.0 1.0"


def test_an_environment_stays_what_its_lock_says_whatever_else_there_is_meanwhile(
    environments: Environments, packages: Path
):
    before = locked(environments, "tiny")
    wheel(packages, "small", "2.0")
    after = locked(environments, "tiny")
    assert versions(made(environments, before)) == "1.0 1.0"
    assert versions(made(environments, after)) == "1.0 2.0"
    assert len(folders(environments)) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("no_uv")
def test_without_uv_pip_makes_the_same(environments: Environments, packages: Path):
    lock = locked(environments, "tiny")
    assert lock.versions == {"small": "1.0", "tiny": "1.0"}
    assert all("--hash=sha256:" in line for line in lock.lines)
    python = made(environments, lock)
    assert versions(python) == "1.0 1.0"
    assert subprocess.run([Path(python).parent / "pip", "--version"], check=True, capture_output=True).stdout


@pytest.mark.slow
@pytest.mark.usefixtures("no_uv")
def test_what_a_pip_installed_that_cannot_report_is_the_lock(
    environments: Environments, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    old = tmp_path / "python3"
    old.write_text(
        '#!/bin/sh\ncase "$*" in *--report*) echo "no such option: --report"; exit 2;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    old.chmod(0o755)
    lock = locked(environments, "tiny", python=str(old))
    assert lock.lines == ("small==1.0", "tiny==1.0")
    assert versions(made(environments, lock)) == "1.0 1.0"


@pytest.mark.parametrize("tool", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_a_package_that_is_named_by_its_place_counts_by_its_content(
    environments: Environments, packages: Path, tool: str, request: pytest.FixtureRequest
):
    if tool == "pip":
        request.getfixturevalue("no_uv")
    asked = f"small @ {(packages / 'small-1.0-py3-none-any.whl').as_uri()}"
    lock = locked(environments, asked)
    assert lock.versions["small"].startswith("1.0 (")
    assert Path(made(environments, lock)).exists()
    wheel(packages, "small", "1.0", needs=["tiny"])
    assert locked(environments, asked, "tiny").versions["small"] != lock.versions["small"]


def test_a_package_that_changed_where_it_lies_is_not_installed_for_another(
    environments: Environments, packages: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UV_NO_CACHE", "1")
    lock = locked(environments, "tiny")
    wheel(packages, "small", "1.0", needs=["tiny"])
    with pytest.raises(NbpipeError, match="cannot be made"):
        made(environments, lock)
    assert folders(environments) == []


def test_two_that_ask_at_once_get_the_same_one(tmp_path: Path, packages: Path):
    here, there = Environments(str(tmp_path / "root")), Environments(str(tmp_path / "root"))
    lock = locked(here, "tiny")

    async def work() -> list[str]:
        asking = [each.get(lock.python, lock.version, lock.lines, 60) for each in (here, here, there)]
        return list(await asyncio.gather(*asking))

    first, *others = asyncio.run(work())
    assert others == [first, first]
    assert versions(first) == "1.0 1.0"
    assert folders(here) == [Path(first).parent.parent]


def test_who_asks_again_gets_the_same_answer_and_does_not_wait_longer_than_it_wants(
    environments: Environments, packages: Path
):
    async def work() -> None:
        assert await environments.lock("t", "", ["tiny"], "", 0) == {}
        assert environments.busy
        assert (await environments.lock("t", "", ["tiny"], "", 60))["lines"]
        assert not environments.busy

    asyncio.run(work())


def test_what_cannot_be_had_is_said_and_leaves_nothing(environments: Environments, packages: Path):
    for _ in range(2):
        with pytest.raises(NbpipeError, match="cannot be made") as error:
            locked(environments, "tiny>3")
        assert "tiny" in str(error.value)
    (packages / "small-1.0-py3-none-any.whl").unlink()
    with pytest.raises(NbpipeError, match="cannot be made"):
        made(environments, Lock("", "3", ("small==1.0",)))
    assert folders(environments) == []


def test_an_interpreter_that_is_another_now_is_told_with_what_to_do(
    environments: Environments, tmp_path: Path
):
    for python, said in ((sys.executable, "is Python 3"), (str(tmp_path / "gone"), "does not start")):
        with pytest.raises(NbpipeError, match=said) as error:
            made(environments, Lock(python, "3.99", ("small==1.0",)))
        assert "--renew" in error.value.remedy
    assert folders(environments) == []


@pytest.mark.parametrize("word", ["--index-url=http://elsewhere", "tiny\n--pre", " -r other"])
def test_what_is_no_requirement_is_refused(environments: Environments, word: str):
    with pytest.raises(NbpipeError, match="is no requirement"):
        locked(environments, word)
    with pytest.raises(NbpipeError, match="is no requirement"):
        asyncio.run(environments.get("", "", [word], 60))


# Versions of Python.


def test_an_interpreter_of_the_version_that_is_declared_is_looked_for_on_the_path(
    environments: Environments, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shims, folder = tmp_path / "shims", tmp_path / "bin"
    for each in (shims, folder):
        each.mkdir()
    (shims / "python3.9").write_text("#!/bin/sh\nexit 127\n")
    (shims / "python3.9").chmod(0o755)
    (folder / "python3.9").symlink_to(oldest_python())
    (folder / "uv").symlink_to(shutil.which("uv"))
    monkeypatch.setenv("PATH", f"{shims}{os.pathsep}{folder}")
    lock = locked(environments, "tiny", version="3.9")
    assert (lock.version, lock.python) == ("3.9", str(folder / "python3.9"))
    source = "import sys, tiny; print(sys.version_info[:2], tiny.VERSION)"
    ran = subprocess.run([made(environments, lock), "-c", source], capture_output=True, text=True, check=True)
    assert ran.stdout == "(3, 9) 1.0\n"


def test_the_interpreter_that_is_named_is_taken_where_it_has_the_version():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for told in ("", version, f"{version}.{sys.version_info[2]}"):
        assert asyncio.run(python_of(sys.executable, told))[0] == sys.executable


@pytest.mark.parametrize(
    ("version", "said"),
    [("3.99", "There is no Python 3.99"), ("newest", "no version of Python"), (">=3.9", "no version")],
)
def test_a_version_that_is_not_there_is_said_with_what_to_do(version: str, said: str):
    with pytest.raises(NbpipeError, match=said) as error:
        asyncio.run(python_of("", version))
    assert error.value.remedy


@pytest.mark.slow
def test_a_real_package_is_locked_and_installed(environments: Environments):
    lock = locked(environments, "idna>=3")
    python = made(environments, lock)
    source = "import idna; print(idna.__version__)"
    ran = subprocess.run([python, "-c", source], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == lock.versions["idna"]
