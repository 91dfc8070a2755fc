"""Which modules go along with a script: all it imports from beside it, and nothing that is given to it anyway."""

from __future__ import annotations

from pathlib import Path

from nbpipe.execution.modules import Look, modules_taken_along
from nbpipe.execution.sources import Sources
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder


def fill(folder: Path, **files: str) -> Path:
    """Modules by dotted name, ``__init__`` written out."""
    for dotted, text in files.items():
        path = folder / (dotted.replace("__init__", "~").replace("_", "/").replace("~", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def taken(folder: Path, text: str, *roots: Path) -> list[str]:
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(text, "utf-8")
    state = StateFolder(folder)
    look = Look(Sources(state, FileDigests(state)))
    return list(modules_taken_along(script, [str(folder), *map(str, roots)], look))


def test_modules_come_along_through_others_and_with_their_packages(tmp_path):
    fill(tmp_path, one="from lib.two import x\n", unused="", lib___init__="", lib_two="x = 1\n")
    assert taken(tmp_path, "import one, pandas\n") == ["lib/__init__.py", "lib/two.py", "one.py"]


def test_a_name_taken_from_a_package_may_be_a_module_of_it(tmp_path):
    fill(tmp_path, lib___init__="", lib_two="", lib_three="")
    assert taken(tmp_path, "from lib import two, other\n") == ["lib/__init__.py", "lib/two.py"]


def test_what_a_packages_init_imports_comes_along(tmp_path):
    fill(
        tmp_path,
        lib___init__="from . import two\nfrom .three import x\n",
        lib_two="",
        lib_three="x = 1\n",
        lib_four="",
    )
    assert taken(tmp_path, "import lib\n") == ["lib/__init__.py", "lib/three.py", "lib/two.py"]


def test_relative_imports_are_followed_upward(tmp_path):
    fill(tmp_path, lib___init__="", lib_top="", lib_sub___init__="", lib_sub_near="")
    fill(tmp_path, lib_sub_mod="from . import near\nfrom .. import top\nfrom ..top import x\n")
    found = taken(tmp_path, "import lib.sub.mod\n")
    assert found == [
        "lib/__init__.py",
        "lib/sub/__init__.py",
        "lib/sub/mod.py",
        "lib/sub/near.py",
        "lib/top.py",
    ]


def test_a_folder_without_init_is_a_package_where_a_module_of_it_is_imported(tmp_path):
    fill(tmp_path, ns_mod="", ns_sub_deep="", data_unrelated="")
    assert taken(tmp_path, "import ns.mod\nimport ns.sub.deep\n") == ["ns/mod.py", "ns/sub/deep.py"]
    assert taken(tmp_path, "import data\n") == []


def test_a_namespace_package_may_lie_in_two_places(tmp_path):
    here, there = fill(tmp_path / "here", ns_one=""), fill(tmp_path / "there", ns_two="")
    assert taken(here, "from ns import one, two\n", there) == ["ns/one.py", "ns/two.py"]


def test_an_import_counts_wherever_it_stands(tmp_path):
    fill(tmp_path, one="", two="", three="")
    text = "try:\n    import one\nexcept ImportError:\n    import two\ndef f():\n    from three import x\n"
    assert taken(tmp_path, text) == ["one.py", "three.py", "two.py"]


def test_what_lies_nearest_is_taken(tmp_path):
    here, there = (
        fill(tmp_path / "here", one="import two\n"),
        fill(tmp_path / "there", one="import three\n", two="", three=""),
    )
    assert taken(here, "import one\n", there) == ["one.py", "two.py"]


def test_a_module_beside_the_script_stands_before_a_package_of_that_name(tmp_path):
    fill(tmp_path, pandas="", random="")
    assert taken(tmp_path, "import pandas, random\n") == ["pandas.py", "random.py"]


def test_nothing_farther_away_stands_before_the_standard_library(tmp_path):
    there = fill(tmp_path / "there", random="", helpers="")
    assert taken(tmp_path / "here", "import random, helpers\n", there) == ["helpers.py"]


def test_modules_that_import_each_other_or_the_script_come_along_once(tmp_path):
    fill(tmp_path, one="import two\nimport script\n", two="import one\n")
    assert taken(tmp_path, "import one\n") == ["one.py", "two.py"]


def test_a_package_wins_over_a_module_of_the_same_name(tmp_path):
    fill(tmp_path, lib___init__="", lib="")
    assert taken(tmp_path, "import lib\n") == ["lib/__init__.py"]


def test_a_script_or_module_that_does_not_parse_imports_nothing(tmp_path):
    fill(tmp_path, one="import two\nx = = 1\n", two="")
    assert taken(tmp_path, "import one\n") == ["one.py"]
    assert taken(tmp_path, "import one\nx = = 1\n") == []


def test_nbpipe_itself_is_not_taken_from_an_editable_install(tmp_path):
    """A copy of part of it would hide the runtime that the step is given."""
    checkout = fill(tmp_path / "checkout", nbpipe___init__="")
    assert taken(tmp_path, "from nbpipe import Run\n", checkout) == []


def test_a_thousand_modules_in_a_row_come_along(tmp_path):
    for number in range(1000):
        (tmp_path / f"m{number}.py").write_text(f"import m{number + 1}\n", "utf-8")
    assert len(taken(tmp_path, "import m0\n")) == 1000
