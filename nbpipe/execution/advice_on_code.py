"""Advice where a step's code lacks something: a module, a package, a name of another cell, a keyboard."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from nbpipe.environments.distributions import distribution_of
from nbpipe.execution.failure import Advice, Failure, Raised
from nbpipe.execution.nearby import as_seen, modules_near

_NOTEBOOK_NAMES = {"display", "get_ipython"}


def module_in_folder(failure: Failure, raised: Raised | None) -> Advice | None:
    """A local module that was taken along, in a folder from which it is not imported by its bare name."""
    name = _missing_module(raised)
    if raised is None or not name:
        return None
    ending = "/" + name.replace(".", "/")
    found = [
        each
        for each in sorted(failure.taken_along)
        if each.endswith((f"{ending}.py", f"{ending}/__init__.py"))
    ]
    if not found:
        return None
    dotted = found[0].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package, _, module = dotted.rpartition(".")
    remedy = f"It was taken along as {found[0]}. Import it by that path:  from {package} import {module}"
    return Advice(_no_module(failure, raised, name), raised.script_line, remedy)


def local_module(failure: Failure, raised: Raised | None) -> Advice | None:
    """A local module that was not taken along and lies near the notebook."""
    name = _missing_module(raised)
    top = name.partition(".")[0]
    if raised is None or not name or top in sys.stdlib_module_names:
        return None
    found = modules_near(top, failure.notebook_folder, failure.workspace)
    if not found:
        return None
    fact = _no_module(failure, raised, name)
    seen = [as_seen(path, failure.notebook_folder) for path in found[:3]]
    if not failure.is_cell:
        return Advice(
            fact, raised.script_line, f"It lies at {seen[0]}. Put it into the step's source_directory."
        )
    if len(found) > 1:
        choice = "\n".join(f"  --with {shlex.quote(path)}" for path in seen)
        return Advice(
            fact, raised.script_line, f"There are several near the notebook. Add the one you mean:\n{choice}"
        )
    return Advice(fact, raised.script_line, f"{_lies(found[0], failure)} Add  --with {shlex.quote(seen[0])}")


def _lies(path: Path, failure: Failure) -> str:
    folder = as_seen(path.parent, failure.notebook_folder)
    if folder == ".":
        return f"{path.name} lies beside the notebook, but no import statement names it, so it was not taken along."
    where = "outside" if folder.startswith(("..", "/")) else "below"
    return f"{path.name} is in {folder}, {where} the notebook's folder."


def missing_package(failure: Failure, raised: Raised | None) -> Advice | None:
    """A package that is not installed in the step's interpreter."""
    name = _missing_module(raised)
    top = name.partition(".")[0]
    known = distribution_of(name)
    if raised is None or not name or top in sys.stdlib_module_names or (known is None and name != top):
        return None
    install = f"{shlex.quote(failure.python)} -m pip install {known or top}"
    remedy = f"If a package of that name is meant:  {install}"
    if known:
        by = "" if known == top else f"It comes with {known}. "
        remedy = f"{by}Install it for the step's interpreter:  {install}"
    return Advice(_no_module(failure, raised, name), raised.script_line, remedy)


def _missing_module(raised: Raised | None) -> str:
    found = re.match(r"No module named '([\w.]+)'", raised.message) if raised else None
    return found[1] if raised and found and raised.name == "ModuleNotFoundError" else ""


def _no_module(failure: Failure, raised: Raised, name: str) -> str:
    return f"{raised.where(failure)}: no module named {name}."


def name_of_another_cell(failure: Failure, raised: Raised | None) -> Advice | None:
    """A name that another cell of the notebook imports or defines, or the notebook itself."""
    found = re.match(r"name '(\w+)' is not defined", raised.message) if raised else None
    if raised is None or found is None or raised.name != "NameError":
        return None
    name = found[1]
    if name in failure.imports_elsewhere:
        remedy = f"{name} is imported in another cell. Add to this one:  {failure.imports_elsewhere[name]}"
    elif name in failure.names_elsewhere:
        remedy = (
            f"{name} belongs to {failure.names_elsewhere[name]}; a step is a script of its own and shares no "
            "variables. Save it in a step and pass the file, or: Make this cell a step."
        )
    elif name in _NOTEBOOK_NAMES:
        remedy = f"{name} is the notebook's own; a step is a plain script. Print, or write a file."
    else:
        return None
    return Advice(f"{raised.where(failure)}: name {name} is not defined.", raised.script_line, remedy)


def notebook_syntax(failure: Failure, raised: Raised | None) -> Advice | None:
    """A line that only a notebook understands."""
    if raised is None or raised.name != "SyntaxError" or raised.source[:1] not in ("%", "!"):
        return None
    fact = f"{raised.where(failure)}: {raised.source} is no Python."
    return Advice(fact, raised.script_line, "A step is a plain script. Move the line to a cell of its own.")


def syntax(failure: Failure, raised: Raised | None) -> Advice | None:
    """Code that Python cannot read."""
    if (
        raised is None
        or raised.name not in ("SyntaxError", "IndentationError", "TabError")
        or not raised.file
    ):
        return None
    shown = f":  {raised.source}" if raised.source else ""
    return Advice(f"{raised.where(failure)}: {raised.message}{shown}", raised.script_line)


def no_keyboard(failure: Failure, raised: Raised | None) -> Advice | None:
    """A script that asks a question."""
    if raised is None or (raised.name, raised.message) != ("EOFError", "EOF when reading a line"):
        return None
    fact = f"{raised.where(failure)}: input() has nobody to ask."
    return Advice(fact, raised.script_line, "A step runs without a keyboard. Pass the answer as an argument.")
