"""Names that users give to scripts and steps, and the file names that these may become."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from nbpipe.platform import windows_reserved

LONGEST_PART = 120
LONGEST_NAME = 255
_FORBIDDEN = '<>:"|?*\\'
"""What Windows takes in no file name; a project is shared between systems."""
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories without a glyph: control, format (bidi overrides too), surrogate, private, unknown."""


def script_problem(name: str) -> str:
    """Why a script cannot be called ``name``, or an empty string.

    A script's name is a relative path that stays in its folder, is a file name on every system and ends with
    ``.py``. Letters of any language pass.

    Example:
        >>> script_problem("prep.py"), script_problem("../prep.py")
        ('', 'it leaves its folder')
    """
    if not name:
        return "it is empty"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "it is an absolute path"
    if ".." in re.split(r"[/\\]", name):
        return "it leaves its folder"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name)} characters, more than {LONGEST_NAME}"
    problems = (part_problem(part) for part in name.split("/"))
    return next(filter(None, problems), "") or _ending_problem(name.rpartition("/")[2])


def _ending_problem(file: str) -> str:
    if not file.endswith(".py"):
        return "it does not end with .py"
    return "" if file.removesuffix(".py").strip(".") else "nothing stands before .py"


def part_problem(part: str) -> str:
    """Why one part of a path is no file name on every system, or an empty string."""
    hidden = next((char for char in part if unicodedata.category(char) in _HIDDEN), "")
    forbidden = next((char for char in part if char in _FORBIDDEN), "")
    too_long = len(part) > LONGEST_PART or len(part.encode("utf-8", "replace")) > LONGEST_NAME
    rules = (
        (part in ("", ".", ".."), "a part of it is empty"),
        (too_long, f"it has a part of {len(part)} characters, more than {LONGEST_PART}"),
        (hidden, f"it has the invisible character U+{ord(hidden or ' '):04X}"),
        (forbidden, f"it has a {forbidden}, which no file on Windows can have"),
        (part.startswith("-"), "it begins with -, as an option does"),
        (part != part.strip() or part.endswith("."), "it begins or ends with a blank, or ends with a dot"),
        (windows_reserved(part), "Windows keeps that name for a device"),
    )
    return next((problem for broken, problem in rules if broken), "")


def normal(name: str) -> str:
    """The name with each letter in one form, so that a file typed on one system is found on another (NFC)."""
    return unicodedata.normalize("NFC", name)


def folder_name(step: str) -> str:
    """The folder of a step: its name where that is a file name, else its readable part and a digest.

    Example:
        >>> folder_name("train")
        'train'
        >>> folder_name("<b>train</b>")
        'b_train_b-b11bd8'
    """
    if not part_problem(step) and "/" not in step:
        return step
    readable = re.sub(r"\W+", "_", step).strip("_")[:40]
    digest = hashlib.sha256(step.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{readable}-{digest}" if readable else f"step-{digest}"
