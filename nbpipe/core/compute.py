"""Where a step runs, as declared; ``nbpipe/compute`` carries it out."""

from __future__ import annotations

from collections.abc import Mapping
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
        type: its kind: ``local``, ``ssh``, ``dask``, ``slurm``, ``practice``, one that a package brings, or one of
            Azure ML v1's (``AmlCompute``, ``VirtualMachine``, ...).
        settings: what its backend is opened with, as JSON; paths of keys, never keys.

    Example:
        >>> ComputeTarget(None, "local").type
        'local'
    """

    workspace: Any = field(repr=False, compare=False)
    name: str
    type: str = LOCAL
    settings: Mapping[str, Any] = field(default_factory=dict)
