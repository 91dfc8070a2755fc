"""What was seen of one interpreter of a compute target, or of the environment that it makes of what a step declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from nbpipe.compute.base import Capacity
from nbpipe.compute.lock import Lock
from nbpipe.core.record import dataclass
from nbpipe.core.shape import well_formed
from nbpipe.environments import probe_script
from nbpipe.environments.interpreter import Interpreter, parse_answer

KEPT = "environments"
"""Folder of ``registry/`` with what was seen."""


@dataclass(frozen=True)
class FarEnvironment:
    """What was seen of one interpreter of a target.

    Attributes:
        interpreter: what is installed in it. Its folders are the target's, and nothing is looked for there.
        capacity: what the target has.
        lock: what the environment is made of that a step declares; None for an interpreter as it is there.
    """

    interpreter: Interpreter
    capacity: Capacity
    lock: Lock | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of it."""
        return {
            "format": probe_script.FORMAT,
            "python": self.interpreter.python,
            "interpreter": asdict(self.interpreter),
            "capacity": asdict(self.capacity),
            "lock": asdict(self.lock) if self.lock else None,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> FarEnvironment | None:
        """What ``to_json`` wrote; None for another format."""
        try:
            if data["format"] != probe_script.FORMAT:
                return None
            capacity: Capacity = well_formed(Capacity(**data["capacity"]))
            lock = Lock.from_json(data["lock"]) if data.get("lock") else None
            return FarEnvironment(parse_answer(data["python"], data["interpreter"]), capacity, lock)
        except (KeyError, TypeError, ValueError):
            return None
