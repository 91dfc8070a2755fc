"""Packs the agent, with what it needs of nbpipe, into one file that any Python from 3.9 on can run."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path

import nbpipe.compute
from nbpipe import errors, runtime

_COMPUTE = ("base.py", "checked.py", "forked.py", "lock.py", "output.py", "short_script.py")

_MAIN = '''\
"""Unpacks the agent beside itself, once, since its zygotes are started from files, and becomes it."""

import hashlib, os, runpy, sys, zipfile

own = os.path.abspath(sys.argv[0])
with open(own, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()[:16]
folder = os.path.join(os.path.dirname(own), "code-" + digest)
if not os.path.isdir(folder):
    unpacked = "{}.{}".format(folder, os.getpid())
    with zipfile.ZipFile(own) as archive:
        archive.extractall(unpacked)
    try:
        os.rename(unpacked, folder)
    except OSError:  # another one was faster
        import shutil
        shutil.rmtree(unpacked, ignore_errors=True)
sys.path[0] = folder
runpy.run_module("nbpipe.compute.agent", run_name="__main__", alter_sys=True)
'''


@lru_cache(maxsize=1)
def archive() -> bytes:
    """The agent as a zip archive, the same bytes each time.

    ``python agent.zip connect ROOT`` speaks frames on its standard streams. The archive unpacks itself into
    the folder that it lies in.

    Example:
        >>> zipfile.ZipFile(io.BytesIO(archive())).namelist()[:2]
        ['__main__.py', 'nbpipe/__init__.py']
    """
    compute = Path(nbpipe.compute.__file__).parent
    files = {
        "__main__.py": _MAIN.encode(),
        "nbpipe/__init__.py": b'"""The part of nbpipe that works on other machines."""\n',
        "nbpipe/errors.py": Path(errors.__file__).read_bytes(),
        "nbpipe/compute/__init__.py": Path(nbpipe.compute.__file__).read_bytes(),
    }
    for name in _COMPUTE:
        files[f"nbpipe/compute/{name}"] = (compute / name).read_bytes()
    for folder in (compute / "agent", Path(runtime.__file__).parent):
        inside = f"nbpipe/{folder.relative_to(compute.parent).as_posix()}"
        files.update({f"{inside}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
