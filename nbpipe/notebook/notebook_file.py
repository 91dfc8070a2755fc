"""Where the notebook's file is, as far as its front end tells."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def notebook_path(namespace: Mapping[str, Any]) -> Path | None:
    """The file of the notebook that this kernel serves, or None where the front end does not tell.

    Args:
        namespace: the notebook's variables; some front ends leave the path there.
    """
    for told in (namespace.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if isinstance(told, str) and told.endswith(".ipynb") and Path(told).is_file():
            return Path(told).absolute()
    return None
