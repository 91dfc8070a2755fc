"""A lock: all that a virtual environment is made of, pinned, as a machine resolved it for itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*(==|@)\s*(\S+)")
_WHEEL = re.compile(r"/[^/]+?-([^-/]+)-[^/]*\.whl(?:#.*)?$")
_HASH = re.compile(r"(?:--hash=sha256:|#sha256=)([0-9a-f]{8})")


@dataclass(frozen=True)
class Lock:
    """What an environment is made of.

    Attributes:
        python: the interpreter on the target that it is made with, a path.
        version: of that interpreter, ``3.11``.
        lines: one a package: ``numpy==2.1.0 --hash=sha256:...``, or ``name @ URL --hash=...``; in the order of names.

    Example:
        >>> Lock("/usr/bin/python3", "3.11", ("numpy==2.1.0 --hash=sha256:0123456789",)).versions
        {'numpy': '2.1.0'}
    """

    python: str
    version: str
    lines: tuple[str, ...] = ()

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Lock:
        """The lock whose fields these are; TypeError where they are of other kinds."""
        python, version, lines = data["python"], data["version"], data["lines"]
        if not all(isinstance(each, str) for each in (python, version, *lines)):
            raise TypeError("a lock is text")
        return Lock(python, version, tuple(lines))

    @property
    def versions(self) -> dict[str, str]:
        """Distribution -> version, names as they are compared; what has no index counts by its content, too."""
        found = {}
        for line in self.lines:
            match = _PINNED.match(line)
            if match:
                name = re.sub(r"[-_.]+", "-", match[1]).lower()
                found[name] = match[3] if match[2] == "==" else _direct(match[3], line)
        return found


def _direct(url: str, line: str) -> str:
    """What tells the version of a package that is named by its address: it may change there."""
    wheel, content = _WHEEL.search(url), _HASH.search(line)
    version = wheel[1] if wheel else re.sub(r"//[^/@]*@", "//", url)
    return f"{version} ({content[1]})" if content else version
