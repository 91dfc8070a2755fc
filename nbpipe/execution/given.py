"""What a runner is given over its standard input, because it must never touch the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nbpipe.core.record import dataclass


@dataclass(frozen=True)
class Given:
    """The submitter's environment and secrets.

    Attributes:
        variables: the environment that steps start from.
        secrets: target -> settings that were given in memory.
        stores: datastore -> options that were given in memory.
    """

    variables: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    stores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def to_bytes(self) -> bytes:
        """Bytes of it."""
        told = {"variables": self.variables, "secrets": self.secrets, "stores": self.stores}
        return json.dumps({name: dict(each) for name, each in told.items()}).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Given:
        """What ``to_bytes`` wrote.

        Raises:
            ValueError: that is not all of it.
        """
        told = json.loads(data)
        return Given(told["variables"], told["secrets"], told["stores"])
