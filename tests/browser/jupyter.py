"""A Jupyter server on loopback, with folders of its own for everything, and the extension as it is committed."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import nbformat

from tests.waiting import eventually

PREBUILT = Path(__file__).parents[2] / "labextension/prebuilt"
APPLICATIONS = {"lab": ["LabApp"], "notebook": ["JupyterNotebookApp", "LabApp"]}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        kind: ``lab`` or ``notebook``.
        address: of the server, without a last slash.
        token: opens it.
        root: the folder that it serves.
    """

    kind: str
    address: str
    token: str
    root: Path

    def page_of(self, path: str) -> str:
        """Address of the page that shows a notebook."""
        inner = f"lab/tree/{path}?reset&" if self.kind == "lab" else f"notebooks/{path}?"
        return f"{self.address}/{inner}token={self.token}"

    def api(self, path: str, method: str = "GET") -> object:
        """What the server's REST interface answers."""
        request = Request(
            f"{self.address}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def write_notebook(self, folder: str, cells: Sequence[str], kernel: str = "python3") -> str:
        """Write ``demo.ipynb`` into a folder, with cell ids ``c1``, ``c2``, ...; gives its path."""
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
            cells=[nbformat.v4.new_code_cell(text, id=f"c{n}") for n, text in enumerate(cells, 1)],
        )
        (self.root / folder).mkdir()
        nbformat.write(notebook, self.root / folder / "demo.ipynb")
        return f"{folder}/demo.ipynb"


@contextmanager
def serve(kind: str, folder: Path) -> Iterator[Server]:
    """Start a server, and end it; nothing of it lies outside the folder.

    Args:
        kind: ``lab`` or ``notebook``.
        folder: an empty one.
    """
    token, root = secrets.token_hex(16), folder / "root"
    root.mkdir()
    environment = {**os.environ, **_folders(folder)}
    for path, values in SETTINGS.items():
        target = folder / "settings" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(values), encoding="utf-8")
    _install_echo(folder / "data")
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(
        _command(kind, folder, root, token),
        cwd=root,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        record = folder / "runtime" / f"jpserver-{process.pid}.json"
        address = eventually(lambda: _address(record, process), seconds=60)
        yield Server(kind, address, token, root)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _folders(folder: Path) -> dict[str, str]:
    names = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_DATA_DIR": "data",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
        "HOME": "home",
    }  # fmt: skip
    for name in names.values():
        (folder / name).mkdir(exist_ok=True)
    return {variable: str(folder / name) for variable, name in names.items()}


def _install_echo(data: Path) -> None:
    """Offer a kernel that is not Python."""
    home = data / "kernels/echo"
    home.mkdir(parents=True)
    program = str(Path(__file__).parent / "echo_kernel.py")
    spec = {
        "argv": [sys.executable, program, "-f", "{connection_file}"],
        "display_name": "echo",
        "language": "echo",
    }
    (home / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _command(kind: str, folder: Path, root: Path, token: str) -> list[str]:
    extensions = (
        folder / "labextensions"
    )  # found before what is installed: the build that is committed is tested
    extensions.mkdir()
    (extensions / "nbpipe-labextension").symlink_to(PREBUILT)
    ours = [
        f"--{application}.{option}"
        for application in APPLICATIONS[kind]
        for option in (f"extra_labextensions_path={extensions}", "expose_app_in_browser=True")
    ]
    return [
        sys.executable, "-m", "jupyterlab" if kind == "lab" else "notebook", *ours,
        "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root", f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={token}", "--LabApp.news_url=None", "--LanguageServerManager.autodetect=False",
    ]  # fmt: skip


def _address(record: Path, process: subprocess.Popen[bytes]) -> str:
    assert process.poll() is None, f"the server ended: {record.parents[1] / 'server.log'}"
    try:
        url = json.loads(record.read_text("utf-8"))["url"].rstrip("/")
        with urlopen(f"{url}/login", timeout=2):
            return url
    except (FileNotFoundError, json.JSONDecodeError, URLError, OSError):
        return ""
