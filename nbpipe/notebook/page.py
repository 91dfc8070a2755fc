"""The page that asked for the cell that runs now, as far as the execute request tells of it."""

from __future__ import annotations

from typing import Any


def request_metadata(ip: Any) -> dict[str, Any]:
    """What the front end sent along with the cell.

    Args:
        ip: the IPython shell.
    """
    parent: Any = getattr(ip, "get_parent", dict)()
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def has_page(ip: Any) -> bool:
    """True when a page asked for the cell: it sends the cell's id, which programs that run notebooks do not."""
    return bool(request_metadata(ip).get("cellId"))


def page_asks() -> bool:
    """True when a page asked for the cell that runs now."""
    from IPython import get_ipython

    ip = get_ipython()
    return ip is not None and has_page(ip)
