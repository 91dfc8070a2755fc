"""Where a path that somebody declared lies, as a workspace names it."""

from __future__ import annotations

import os
from functools import lru_cache

from nbpipe.store.remote_folder import is_url


@lru_cache(maxsize=2**14)  # a plan asks for the same paths again and again
def located(root: str, base: str, path: str) -> str:
    """A path, relative to an absolute base, as seen from the root where it lies in it, else as it is; a URL stays.

    Example:
        >>> located("/lab", "/lab/notebooks", "../raw.csv"), located("/lab", "/lab", "s3://lab/raw.csv")
        ('raw.csv', 's3://lab/raw.csv')
    """
    if is_url(path):
        return path
    full = os.path.abspath(os.path.join(base, path))
    below = os.path.join(root, "")
    if full == root:
        return "."
    return full[len(below) :].replace(os.sep, "/") if full.startswith(below) else full
