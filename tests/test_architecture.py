"""The house rules that no linter knows: what each floor may import, and what a module looks like."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_bytes(), filename=str(path))
    for path in sorted((ROOT / "nbpipe").rglob("*.py"))
}

PURE = ("nbpipe.core", "nbpipe.errors", "nbpipe.runtime")
IMPURE = {"asyncio", "sqlite3", "subprocess"}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
REVIVE = {
    "_pickle", "cloudpickle", "copyreg", "dbm", "dill", "joblib", "marshal", "multiprocessing", "pickle", "shelve",
    "torch", "yaml",
}  # fmt: skip
"""Modules that make objects of bytes by running what the bytes say."""
RUN = {"eval", "exec", "os.system", "os.popen", "runpy.run_path", "runpy.run_module", "code.interact"}
RUN_TOO = ("load_extension", "read_pickle")
RUNS_CODE_ON_PURPOSE = {
    "nbpipe/runtime/launch.py exec": "a step's own script, in the step's process",
    "nbpipe/loading/script_process.py exec": "the Python file that a user names, in a process of its own",
    "nbpipe/notebook/formats/round_trip.py exec": "writing code that nbpipe made, tried on a value of the notebook",
    "nbpipe/notebook/formats/round_trip.py eval": "reading code that nbpipe made, tried on what was written",
    "nbpipe/compute/ssh/bootstrap.py runpy.run_path": "nbpipe's own agent on another machine, compared with its digest",
}
OUR_OWN = {"test", "bench", "dev"}
"""Extras for those who work on nbpipe."""
LONGEST_MODULE = 420
LONGEST_FUNCTION = 40


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("nbpipe", include_external_packages=True, cache_dir=None)


def imported_from_outside(*importers: str) -> dict[str, set[str]]:
    """Top-level names from outside nbpipe -> the modules of `importers` (and below) that import them."""
    graph, found = imports(), {}
    for module in graph.modules:
        if any(module == importer or module.startswith(importer + ".") for importer in importers):
            for imported in graph.find_modules_directly_imported_by(module):
                if not imported.startswith("nbpipe"):
                    found.setdefault(imported.partition(".")[0], set()).add(module)
    return found


def test_core_runtime_and_errors_import_the_standard_library_alone() -> None:
    foreign = {
        name: users
        for name, users in imported_from_outside(*PURE).items()
        if name not in sys.stdlib_module_names or name in IMPURE
    }
    assert foreign == {}


def test_every_imported_package_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name not in OUR_OWN}
    declared = {
        canonicalize_name(Requirement(line).name)
        for lines in (project["dependencies"], *extras.values())
        for line in lines
    }
    providers = importlib.metadata.packages_distributions()
    undeclared = {
        name: users
        for name, users in imported_from_outside("nbpipe").items()
        if name not in sys.stdlib_module_names
        and not (name == "pytest" and all(user.startswith("nbpipe.compute.conformance.") for user in users))
        and not declared & {canonicalize_name(provider) for provider in providers.get(name, [])}
    }
    assert undeclared == {}


def test_nobody_inside_imports_the_composition_root() -> None:
    assert imports().find_modules_that_directly_import("nbpipe") == set()


def test_every_module_opens_with_a_sentence() -> None:
    openings = {path: (ast.get_docstring(tree) or "").split("\n\n")[0] for path, tree in SOURCES.items()}
    assert [path for path, opening in openings.items() if not opening.rstrip().endswith((".", ":"))] == []


def test_no_module_is_long() -> None:
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_every_function_fits_a_screen() -> None:
    lengths = {
        f"{path}:{node.lineno} {node.name}": body_lines(node)
        for path, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {place: length for place, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body; the docstring is not counted."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_every_module_is_named_for_what_it_holds() -> None:
    assert [path for path in SOURCES if DRAWERS & set(re.split(r"[/._]", path))] == []


def test_what_nbpipe_offers_is_there() -> None:
    import nbpipe

    assert len(nbpipe.__all__) == len(set(nbpipe.__all__))
    assert set(nbpipe.__all__) <= set(dir(nbpipe))
    for name in nbpipe.__all__:
        assert getattr(nbpipe, name) is not None


def test_nothing_is_unpickled() -> None:
    assert {name: users for name, users in imported_from_outside("nbpipe").items() if name in REVIVE} == {}


def test_code_is_run_only_where_that_is_the_purpose() -> None:
    runs = {
        f"{path} {called}"
        for path, called, call in all_calls()
        if called in RUN
        or called.endswith(RUN_TOO)
        or any(word.arg in ("shell", "allow_pickle") for word in call.keywords)
    }
    assert runs - RUNS_CODE_ON_PURPOSE.keys() == set()
    assert "nbpipe/runtime/launch.py exec" in runs


def all_calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call in nbpipe: its file, the name that is called as it is written, and the call."""
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield path, ast.unparse(node.func), node
