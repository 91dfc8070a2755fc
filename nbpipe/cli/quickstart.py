"""``nbpipe quickstart``: copies the quickstart notebook to a folder, and opens or runs it there."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from nbpipe.cli.output import say
from nbpipe.cli.shipped import NOTEBOOK, copy_quickstart
from nbpipe.errors import MissingExtra, NotebookError, StoreError
from nbpipe.loading.notebook_cells import DEFAULT_KERNEL
from nbpipe.loading.notebook_file import read_notebook
from nbpipe.store.files import write_bytes
from nbpipe.workspace import DECLARE_MODE, Workspace

EXECUTED = "quickstart.executed.ipynb"
PICTURE = "pipeline.svg"
PACKAGES = {"pandas": "pandas", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}
"""What the notebook's steps import, and the packages that bring it."""


@click.command()
@click.argument("folder", default="nbpipe-quickstart", type=click.Path(file_okay=False, path_type=Path))
@click.option("--headless", is_flag=True, help="Run the notebook here instead of opening it.")
@click.option("--no-open", is_flag=True, help="Only copy.")
@click.option("--overwrite", is_flag=True, help="Replace files that were changed since they were copied.")
def command(folder: Path, headless: bool, no_open: bool, overwrite: bool) -> int:
    """Copy the quickstart notebook and its data to FOLDER, and open it in JupyterLab.

    With --headless it is run in a kernel, without a browser; the notebook itself is left as it is.
    """
    for name in copy_quickstart(folder, overwrite=overwrite):
        say(f"{folder / name} was changed here and is kept. For the shipped one:  add --overwrite", err=True)
    if headless:
        return run_headless(folder)
    say(f"The notebook is  {folder / NOTEBOOK}")
    missing = _missing(PACKAGES | {"jupyterlab": "jupyterlab"})
    if missing:
        say(f"To open and run it, {', '.join(missing)} must be installed here:", f"  {_install(missing)}")
    elif not no_open:
        return open_lab(folder)
    if no_open and not missing:
        say(f"Open it:  jupyter lab {folder / NOTEBOOK}")
    return 0


def _missing(packages: Mapping[str, str]) -> list[str]:
    """Those packages whose import is not to be found in this environment."""
    return [package for name, package in packages.items() if importlib.util.find_spec(name) is None]


def _install(packages: Iterable[str]) -> str:
    return f"{sys.executable} -m pip install {' '.join(packages)}"


def open_lab(folder: Path) -> int:
    """Become JupyterLab with the notebook open; where a process cannot, start it and wait."""
    words = [sys.executable, "-m", "jupyterlab", NOTEBOOK]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")  # whoever is root, in a container say, has decided that already
    sys.stdout.flush()
    if os.name == "posix":
        os.chdir(folder)
        os.execv(sys.executable, words)  # noqa: S606 - so that Ctrl-C is JupyterLab's own
    return subprocess.run(words, cwd=folder, check=False).returncode


def run_headless(folder: Path) -> int:
    """Run the notebook in a kernel of its own; write it with its outputs and a picture, and print its last run.

    Returns:
        0 when every cell ran, 1 when one failed.

    Raises:
        MissingExtra: a package that its steps import is not installed.
        NotebookError: its kernel does not start, or ends.
    """
    import nbformat

    missing = _missing(PACKAGES)
    if missing:
        raise MissingExtra(f"The quickstart needs {', '.join(missing)}.", remedy=_install(missing))
    kernel = read_notebook(folder / NOTEBOOK).kernel or DEFAULT_KERNEL
    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    failure = _execute(notebook, kernel, folder)
    written = [_write_notebook(notebook, folder / EXECUTED)]
    written += _show_last_run(folder)
    say(*(f"wrote {path}" for path in written))
    if failure:
        say(*failure.splitlines(), err=True)
    return 1 if failure else 0


def _execute(notebook: Any, name: str, folder: Path) -> str:
    """Run every cell; what failed, or empty."""
    import nbclient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    total = len(notebook.cells)
    say(f"Running {folder / NOTEBOOK} in the kernel {name} ...")
    env = {key: value for key, value in os.environ.items() if key != DECLARE_MODE}
    env["JPY_SESSION_NAME"] = str((folder / NOTEBOOK).absolute())
    reached = 0

    def note(cell_index: int, **_: Any) -> None:
        nonlocal reached
        reached = cell_index + 1
        if sys.stderr.isatty():
            click.echo(f"\rcell {reached} of {total}{'' if reached < total else chr(10)}", nl=False, err=True)

    client = nbclient.NotebookClient(
        notebook, kernel_name=name, timeout=None, record_timing=False, coalesce_streams=True, on_cell_start=note,
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    try:
        client.execute(env=env, stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        first = f"{error.ename}: {error.evalue}".strip()
        return f"Cell {reached} of {NOTEBOOK} failed: {first}"
    except DeadKernelError:
        raise NotebookError(f"The kernel {name} ended in cell {reached} of {NOTEBOOK}.") from None
    except (RuntimeError, OSError, LookupError) as error:
        raise NotebookError(f"The kernel {name} does not start: {error}.", remedy="nbpipe doctor") from None
    return ""


def _write_notebook(notebook: Any, path: Path) -> Path:
    import nbformat

    write_bytes(path, nbformat.writes(notebook).encode("utf-8", "surrogatepass"), mode=0o644)
    return path


def _show_last_run(folder: Path) -> list[Path]:
    """Print the graph of the folder's last run and draw it; paths written."""
    from nbpipe.views.present import picture_of
    from nbpipe.views.svg import svg
    from nbpipe.views.tree import tree

    run = Workspace.find(folder).latest_run()
    if run is None:
        return []
    say("", *tree(picture_of(run)).splitlines(), "")
    path = folder / PICTURE
    with suppress(StoreError):
        write_bytes(path, svg(picture_of(run).still()).encode(), mode=0o644)
        return [path]
    return []
