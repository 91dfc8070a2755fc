"""What an agent says when something cannot be done."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbpipe.errors import EnvironmentProbeError, NbpipeError, UsageError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Refusal(NbpipeError):
    """Something that cannot be done, with a word for those who can do something about it.

    Attributes:
        kind: ``unknown`` (an attempt nobody started), ``missing`` (objects that are not here), ``offset`` (a part
            that is not the next one), ``digest`` (content that is something else), ``room`` or ``refused``.
    """

    def __init__(self, kind: str, fact: str, *, place: str | None = None, remedy: str | None = None) -> None:
        super().__init__(fact, place=place, remedy=remedy)
        self.kind = kind


def told(error: NbpipeError) -> dict[str, Any]:
    """An error as the head of an answer has it.

    Example:
        >>> told(UsageError("No folder /x."))["error"]
        'usage'
    """
    kind = getattr(error, "kind", "refused")
    if isinstance(error, EnvironmentProbeError):
        kind = "environment"
    elif isinstance(error, UsageError):
        kind = "usage"
    return {"error": kind, "fact": error.fact, "place": error.place, "remedy": error.remedy}


@contextmanager
def working_in(root: str) -> Iterator[None]:
    """Say what the system says about the agent's own folder."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Refusal(
                "room",
                f"There is no room in {root}.",
                place=error.strerror,
                remedy="Make room there; what the agent keeps can be removed when no step runs.",
            ) from error
        where = error.filename if isinstance(error.filename, str) else root
        reason = error.strerror or os.strerror(error.errno or 0)
        raise Refusal("refused", f"{where}: {reason}.") from error
