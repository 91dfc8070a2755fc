"""Advice where a step's code lacks something: a module, a package, a name of another cell, a keyboard."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from nbpipe.environments.distributions import distribution_of
from nbpipe.execution.failure import Advice, Failure
from nbpipe.execution.nearby import as_seen, modules_near

_NOTEBOOK_NAMES = {"display", "get_ipython"}


def module_in_folder(failure: Failure) -> Advice | None:
    """A local module that was taken along, in a folder from which it is not imported by its bare name."""
    name = _missing_module(failure)
    ending = "/" + name.replace(".", "/")
    found = [
        each
        for each in sorted(failure.taken_along)
        if each.endswith((f"{ending}.py", f"{ending}/__init__.py"))
    ]
    if not name or not found:
        return None
    package, _, module = (
        found[0].removesuffix(".py").removesuffix("/__init__").replace("/", ".").rpartition(".")
    )
    remedy = f"It was taken along as {found[0]}. Import it by that path:  from {package} import {module}"
    return failure.advice(f"no module named {name}.", remedy)


def local_module(failure: Failure) -> Advice | None:
    """A local module that was not taken along and lies near the notebook."""
    name = _missing_module(failure)
    top = name.partition(".")[0]
    if not name or top in sys.stdlib_module_names:
        return None
    found = modules_near(top, failure.notebook_folder, failure.workspace)
    own = {failure.notebook_folder, failure.workspace}
    if not found or (
        distribution_of(name) and found[0].parent not in own
    ):  # else `requests` of another project
        return None
    seen = [as_seen(path, failure.notebook_folder) for path in found[:3]]
    if not failure.is_cell:
        remedy = f"It lies at {seen[0]}. Put it into the step's source_directory."
    elif len(found) > 1:
        choice = "".join(f"\n  --with {shlex.quote(path)}" for path in seen)
        remedy = f"There are several near the notebook. Add the one you mean:{choice}"
    else:
        remedy = f"{_lies(found[0], failure)} Add  --with {shlex.quote(seen[0])}"
    return failure.advice(f"no module named {name}.", remedy)


def _lies(path: Path, failure: Failure) -> str:
    folder = as_seen(path.parent, failure.notebook_folder)
    if folder == ".":
        return f"{path.name} lies beside the notebook, but no import statement names it, so it was not taken along."
    where = "outside" if folder.startswith(("..", "/")) else "below"
    return f"{path.name} is in {folder}, {where} the notebook's folder."


def missing_package(failure: Failure) -> Advice | None:
    """A package that is not installed in the step's interpreter."""
    name = _missing_module(failure)
    top = name.partition(".")[0]
    known = distribution_of(name)
    if not name or top in sys.stdlib_module_names or (known is None and name != top):
        return None
    install = f"{shlex.quote(failure.python)} -m pip install {known or top}"
    if known is None:
        remedy = f"If a package of that name is meant:  {install}"
    else:
        by = "" if known == top else f"It comes with {known}. "
        remedy = f"{by}Install it for the step's interpreter:  {install}"
    return failure.advice(f"no module named {name}.", remedy)


def _missing_module(failure: Failure) -> str:
    found = re.match(r"No module named '([\w.]+)'", failure.said("ModuleNotFoundError") or "")
    return found[1] if found else ""


def name_of_another_cell(failure: Failure) -> Advice | None:
    """A name that another cell of the notebook imports or defines, or the notebook itself."""
    found = re.match(r"name '(\w+)' is not defined", failure.said("NameError") or "")
    name = found[1] if found else ""
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
    return failure.advice(f"name {name} is not defined.", remedy)


def notebook_syntax(failure: Failure) -> Advice | None:
    """A line that only a notebook understands."""
    source = failure.raised.source if failure.raised else ""
    if failure.said("SyntaxError") is None or source[:1] not in ("%", "!"):
        return None
    return failure.advice(
        f"{source} is no Python.", "A step is a plain script. Move the line to a cell of its own."
    )


def syntax(failure: Failure) -> Advice | None:
    """Code that Python cannot read."""
    said = failure.said("SyntaxError", "IndentationError", "TabError")
    if said is None or failure.raised is None or not failure.raised.file:
        return None
    return failure.advice(": ".join(part for part in (said, failure.raised.source) if part))


def no_keyboard(failure: Failure) -> Advice | None:
    """A script that asks a question."""
    if failure.said("EOFError") != "EOF when reading a line":
        return None
    return failure.advice(
        "input() has nobody to ask.", "A step runs without a keyboard. Pass the answer as an argument."
    )
