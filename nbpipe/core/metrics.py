"""Metrics that a script logs: one value by name, or a list where a name is logged again (Azure ML v1's rule)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def metrics_of(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Metrics by name out of what a script logged, in the order of the first mention.

    Args:
        records: as the runtime wrote them; those of other kinds, and those meant for the parent run, are passed over.

    Example:
        >>> metrics_of({"record": "metric", "name": "loss", "value": value} for value in (0.3, 0.1))
        {'loss': [0.3, 0.1]}
    """
    found: dict[str, list[Any]] = {}
    for record in records:
        if record.get("record") == "metric" and record.get("run", "step") == "step":
            found.setdefault(str(record.get("name")), []).append(record.get("value"))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
