"""The error tree: everything nbpipe raises on purpose, each with what, where and what to do next.

::

    NbpipeError
    ├── UsageError (ValueError)              a call, a magic line or a command that cannot be meant
    │   └── UnknownName (KeyError)           a name nobody defines: step, data, parameter, target, run
    ├── InvalidPipeline (ValueError)         all problems of a pipeline at once, in ``.problems``
    ├── ActivityFailedException (RuntimeError)   a run that was waited for did not finish well (v1's name)
    ├── NotebookError (RuntimeError)         a notebook or pipeline file that cannot be loaded
    ├── StoreError (OSError)                 the state folder: unwritable, damaged, of a newer format
    │   ├── Unreachable                      a datastore that does not answer, or not now
    │   └── AccessRefused                    a datastore that answers, and lets one not in
    ├── EnvironmentProbeError (RuntimeError) an interpreter that does not answer
    └── MissingExtra (ImportError)           a feature whose optional packages are not installed
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class NbpipeError(Exception):
    """Base of all errors of nbpipe.

    Args:
        fact: one line: what is wrong, in the user's names.
        place: where, if the fact does not say it (a file and line, a cell).
        remedy: what to do next, ready to paste; may have several lines.

    Example:
        >>> print(NbpipeError("No compute target gpu_box.", remedy="This workspace has: local"))
        No compute target gpu_box.
          This workspace has: local
    """

    def __init__(self, fact: str, *, place: str | None = None, remedy: str | None = None) -> None:
        super().__init__(fact)
        self.fact = fact
        self.place = place
        self.remedy = remedy

    @property
    def details(self) -> str:
        """What stands below the fact: where, then what to do next; empty where neither is told."""
        return "\n".join(filter(None, (self.place, self.remedy)))

    def __str__(self) -> str:
        return "\n".join([self.fact, *("  " + line for line in self.details.splitlines())])

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.__dict__ | {"args": self.args}))

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message alone, since the user's own line is not at fault inside nbpipe."""
        return str(self).splitlines()


def _rebuild(kind: type[NbpipeError], state: dict[str, object]) -> NbpipeError:
    error = kind.__new__(kind)
    error.args = state.pop("args")  # type: ignore[assignment]
    error.__dict__.update(state)
    return error


class UsageError(NbpipeError, ValueError):
    """A call, a magic line or a command that cannot be meant as it stands."""


class UnknownName(UsageError, KeyError):
    """A name nobody defines; the message names those there are."""

    __str__ = NbpipeError.__str__


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a pipeline.

    Attributes:
        fact: one line, in the user's names.
        remedy: what to do, or an empty string.
        step: id of the node concerned, or None for the whole pipeline.
    """

    fact: str
    remedy: str = ""
    step: str | None = None

    def __str__(self) -> str:
        if not self.remedy:
            return self.fact
        return self.fact + "".join("\n  " + line for line in self.remedy.splitlines())


class InvalidPipeline(NbpipeError, ValueError):
    """A pipeline that cannot be planned or run; carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ActivityFailedException(NbpipeError, RuntimeError):
    """A run or step that was waited for failed or was cancelled."""


class NotebookError(NbpipeError, RuntimeError):
    """A notebook or pipeline file that cannot be read or whose cell fails while it is loaded."""


class StoreError(NbpipeError, OSError):
    """The state folder cannot be written or read, or was made by a newer nbpipe."""

    __str__ = NbpipeError.__str__


class Unreachable(StoreError):
    """A datastore that does not answer, or refuses now: what was wanted of it may be had later."""


class AccessRefused(StoreError):
    """A datastore answers, and refuses access."""


class EnvironmentProbeError(NbpipeError, RuntimeError):
    """An interpreter that is not there or does not answer."""


class MissingExtra(NbpipeError, ImportError):
    """A feature whose optional packages are not installed; the remedy is the install line."""

    __str__ = NbpipeError.__str__
