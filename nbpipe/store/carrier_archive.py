"""Packs the carrier, with what it needs of nbpipe, into one file that any Python from 3.9 on can run."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path

TRAVELS = (
    "errors.py", "platform.py", "store/carrier.py", "store/disk_folder.py", "store/files.py", "store/opening.py",
    "store/patience.py", "store/remote_folder.py", "store/ssh_folder.py", "store/transfer.py", "store/url_folder.py",
)  # fmt: skip
"""The files of nbpipe that the carrier is made of."""

_MAIN = "from nbpipe.store.carrier import main\n\nmain()\n"
_PACKAGE = '"""The part of nbpipe that carries files on other machines."""\n'


@lru_cache(maxsize=1)
def carrier_archive() -> bytes:
    """The carrier as a zip archive, the same bytes each time: ``python FILE`` runs it.

    Example:
        >>> zipfile.ZipFile(io.BytesIO(carrier_archive())).namelist()[:2]
        ['__main__.py', 'nbpipe/__init__.py']
    """
    root = Path(__file__).parents[1]
    files = {"__main__.py": _MAIN, "nbpipe/__init__.py": _PACKAGE, "nbpipe/store/__init__.py": _PACKAGE}
    files.update({f"nbpipe/{name}": (root / name).read_text("utf-8") for name in TRAVELS})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
