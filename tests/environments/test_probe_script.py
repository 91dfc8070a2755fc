"""What the probe sees: every form of metadata, editable installs, and when its answer grows old."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.environments import probe_script
from tests.oldest import oldest_python


def ask(site: Path, **env: str) -> dict:
    """What an interpreter without packages of its own answers when `site` is on its path."""
    done = subprocess.run(
        [sys.executable, "-S", probe_script.__file__],
        env={"PYTHONPATH": str(site), **env},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


def test_a_wheel_with_top_level_file_brings_the_names_it_lists(site):
    write(site / "scikit_learn-1.5.0.dist-info" / "top_level.txt", "sklearn\n")
    write(site / "scikit_learn-1.5.0.dist-info" / "RECORD", "else/__init__.py,,\n")
    answer = ask(site)
    assert answer["versions"] == {"scikit-learn": "1.5.0"}
    assert answer["imports"] == {"sklearn": ["scikit-learn"]}


def test_without_that_file_the_installed_files_tell(site):
    record = """six.py,sha256=x,10
_fast.cpython-311-x86_64-linux-gnu.so,,
_slim.abi3.so,,
yaml/__init__.py,,
yaml/deep/er.py,,
../../../bin/tool,,
Six_Pack-2.dist-info/RECORD,,
__pycache__/six.cpython-311.pyc,,
data.json,,
"""
    write(site / "Six_Pack-2.dist-info" / "RECORD", record)
    answer = ask(site)
    assert answer["versions"] == {"six-pack": "2"}
    assert set(answer["imports"]) == {"six", "_fast", "_slim", "yaml"}


def test_older_forms_of_metadata_are_read(site):
    write(site / "Dev.Tool.egg-info" / "PKG-INFO", "Name: Dev.Tool\nVersion: 0.1\n\nName: no\n")
    write(site / "flat-3.0-py3.egg-info", "Name: flat\nVersion: 3.0\n")
    answer = ask(site)
    assert answer["versions"] == {"dev-tool": "0.1", "flat": "3.0"}
    assert answer["imports"]["flat"] == ["flat"]


def test_what_pip_could_not_remove_and_what_has_no_name_count_nothing(site):
    write(site / "~umpy-1.0.dist-info" / "RECORD", "numpy/__init__.py,,\n")
    (site / "broken.egg-info").mkdir()
    write(site / "odd-name-1.0.dist-info" / "METADATA", "\ufeffnot metadata\n")
    assert ask(site)["versions"] == {}


def test_the_first_of_two_on_the_path_wins(tmp_path):
    for number, folder in enumerate(("a", "b")):
        write(tmp_path / folder / f"thing-{number}.0.dist-info" / "top_level.txt", "thing\n")
    done = ask(tmp_path / "a", PYTHONPATH=f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert done["versions"] == {"thing": "0.0"}
    assert done["imports"] == {"thing": ["thing"]}


def test_one_import_name_of_two_distributions_names_both(site):
    for name in ("google_auth", "google_cloud"):
        write(site / f"{name}-1.dist-info" / "RECORD", f"google/{name}.py,,\n")
    assert ask(site)["imports"] == {"google": ["google-auth", "google-cloud"]}


def test_folders_of_the_users_own_modules_are_told(tmp_path, site):
    own = tmp_path / "own"
    own.mkdir()
    answer = ask(own, PYTHONPATH=f"{own}:{site}:{tmp_path / 'missing'}")
    assert answer["local_roots"] == [str(own)]


def test_an_editable_finder_leads_to_the_folder_of_its_sources(tmp_path, site):
    for name in ("src/pack/sub", "src/other", "lib"):
        (tmp_path / name).mkdir(parents=True)
    mapping = {
        "pack": str(tmp_path / "src/pack"),
        "pack.sub": str(tmp_path / "src/pack/sub"),
        "renamed": str(tmp_path / "lib"),
    }
    finder = f"import sys\nMAPPING = {mapping!r}\nclass Finder: pass\nsys.meta_path.append(Finder)\n"
    write(site / "sitecustomize.py", finder)
    done = subprocess.run(
        [sys.executable, probe_script.__file__],
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        check=True,
    )
    roots = json.loads(done.stdout)["local_roots"]
    assert str(tmp_path / "src") in roots
    assert str(tmp_path) not in roots


def test_a_folder_of_sources_grows_old_by_its_metadata_alone(tmp_path):
    before = probe_script.stamp(str(tmp_path))
    write(tmp_path / "module.py", "x = 1")
    assert probe_script.stamp(str(tmp_path)) == before
    write(tmp_path / "module.egg-info" / "PKG-INFO")
    assert probe_script.stamp(str(tmp_path)) != before


def test_what_is_not_there_has_no_stamp(tmp_path):
    assert probe_script.stamp(str(tmp_path / "missing")) is None


def test_the_oldest_python_answers():
    done = subprocess.run([oldest_python(), probe_script.__file__], capture_output=True, check=True)
    assert json.loads(done.stdout)["version"] == "3.9"
