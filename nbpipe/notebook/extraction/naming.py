"""A name for the step of a cell: from its first comment, else from what it makes; one that stands in nobody's way."""

from __future__ import annotations

import importlib.util
import re
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator

from nbpipe.errors import UsageError
from nbpipe.notebook.file_name import script_problem

MOST_WORDS = 4
"""Words of a first comment that is a name; a longer one is a sentence."""
_ABOUT_THE_TEXT = re.compile(
    r"#\s*(?:%%|!|-\*-|type:|noqa|fmt:|ruff:|pylint|mypy|todo|fixme|xxx)", re.IGNORECASE
)


def step_name(text: str, made: Iterable[str], taken: Collection[str], fallback: str) -> str:
    r"""A name that suggests itself.

    Args:
        text: the cell.
        made: names of what the step writes, the main one first.
        taken: names of the steps that there are.
        fallback: the name where nothing suggests one.

    Example:
        >>> step_name("# Clean the data\ndf = df.dropna()", ["df"], [], "cell_3")
        'clean_the_data'
        >>> step_name("scores = fit(df)", ["scores"], ["scores"], "cell_3")
        'scores_2'
    """
    suggested = next(_suggested(text, made), fallback)
    while hides_module(suggested):
        suggested = f"{suggested}_step"
    folded = {each.casefold() for each in taken}
    name, number = suggested, 2
    while name.casefold() in folded:
        name, number = f"{suggested}_{number}", number + 1
    return name


def _suggested(text: str, made: Iterable[str]) -> Iterator[str]:
    lines = (line.strip() for line in text.splitlines() if line.strip())
    first = next((line for line in lines if not line.startswith(("import ", "from "))), "")
    if first.startswith("#") and not _ABOUT_THE_TEXT.match(first):
        plain = unicodedata.normalize("NFC", first.lstrip("# ")).lower()
        words = re.findall(r"\w+", plain)
        name = "_".join(words)
        if 0 < len(words) <= MOST_WORDS and name.isidentifier() and not script_problem(f"{name}.py"):
            yield name
    yield from made


def check_name(name: str) -> None:
    """Refuse a name that a user chose.

    Raises:
        UsageError: no script can be called so, or one would hide a module that scripts import.
    """
    problem = script_problem(f"{name}.py")
    if not problem and not re.fullmatch(r"[\w.-]+", name):
        problem = "it has other signs than letters, digits, _, - and ."
    if problem:
        raise UsageError(f"A step cannot be called {name!r}: {problem}.", remedy="Write  --name clean")
    if hides_module(name):
        fact = f"A script {name}.py would stand in the way of the module {name}."
        raise UsageError(fact, remedy=f"Write  --name {name}_step")


def hides_module(name: str) -> bool:
    """True when a script of that name, in whose folder imports are looked for first, would hide a module."""
    if name in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def free_name(name: str, taken: Collection[str]) -> str:
    """A name that is not taken, with as many ``_`` behind it as that needs.

    Example:
        >>> free_name("args", {"args", "df"})
        'args_'
    """
    while name in taken:
        name += "_"
    return name
