"""Where a step runs, as declared; ``nbpipe/compute`` carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LOCAL = "local"
"""Name of the target every workspace has: processes on this machine."""


@dataclass(frozen=True)
class ComputeTarget:
    """A compute target of a workspace, by name.

    Attributes:
        workspace: the workspace that has it, or None.
        name: how steps call it.
        type: its kind, ``local`` or one of Azure ML v1's (``AmlCompute``, ``VirtualMachine``, ...).

    Example:
        >>> ComputeTarget(None, "local").type
        'local'
    """

    workspace: Any = field(repr=False, compare=False)
    name: str
    type: str = LOCAL
