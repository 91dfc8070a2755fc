"""Code that reads some data in a notebook, as one would write it."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from nbpipe.core.node import Node
from nbpipe.live.answers.datum import Datum
from nbpipe.live.answers.shown import Shown

_PANDAS = "import pandas as pd"
_READERS: dict[str, tuple[str, str]] = {
    ".csv": (_PANDAS, "pd.read_csv({})"),
    ".tsv": (_PANDAS, 'pd.read_csv({}, sep="\\t")'),
    ".parquet": (_PANDAS, "pd.read_parquet({})"),
    ".pq": (_PANDAS, "pd.read_parquet({})"),
    ".jsonl": (_PANDAS, "pd.read_json({}, lines=True)"),
    ".ndjson": (_PANDAS, "pd.read_json({}, lines=True)"),
    ".json": ("import json", "json.loads({}.read_text())"),
    ".npy": ("import numpy as np", "np.load({})"),
    ".txt": ("", "{}.read_text()"),
    ".md": ("", "{}.read_text()"),
    ".png": ("from IPython.display import Image", "Image({})"),
    ".jpg": ("from IPython.display import Image", "Image({})"),
}


def code_to_read(shown: Shown, node: Node, datum: Datum, file: str) -> str:
    """Python that reads some data of a step.

    Args:
        shown: the board.
        node: the step.
        datum: its data.
        file: name of the one file that they are; empty for a folder.

    Example:
        ``import pandas as pd``, ``import nbpipe``, ``pd.read_csv(nbpipe.path('clean'))``, a line each.
    """
    imports, place = _place(shown, node, datum)
    wanted, reader = _READERS.get(PurePath(file).suffix.lower(), ("", "{}"))
    return "\n".join([*([wanted] if wanted else []), imports, reader.format(place)])


def _place(shown: Shown, node: Node, datum: Datum) -> tuple[str, str]:
    """The import that it needs, and an expression of where the data lie."""
    if datum.role == "files":
        run = datum.run or (shown.run.id if shown.run else "")
        return "import nbpipe", f"nbpipe.Workspace.open().get_run({run!r}).step({node.node_id!r}).files"
    if datum.role == "output":
        return "import nbpipe", f"nbpipe.path({_output(shown, node.node_id, datum.name)!r})"
    port = node.input(datum.name)
    if port.source_port:
        return "import nbpipe", f"nbpipe.path({_output(shown, port.source_id, port.source_port)!r})"
    paths = shown.graph.data_sources[port.source_id].paths
    if len(paths) == 1:
        return "from pathlib import Path", f"Path({_from_here(shown.workspace.root / paths[0])!r})"
    places = ", ".join(f"Path({_from_here(shown.workspace.root / each)!r})" for each in paths)
    return "from pathlib import Path", f"[{places}]"


def _output(shown: Shown, node_id: str, port: str) -> str:
    """An output as ``nbpipe.path`` takes it: with its step where several make one of that name."""
    makers = sum(each.name == port for node in shown.graph.nodes for each in node.outputs)
    return port if makers == 1 else f"{node_id}.{port}"


def _from_here(path: Path) -> str:
    """A path as the notebook would write it."""
    here = os.path.relpath(path)
    return str(path) if here.startswith(os.pardir) else here.replace(os.sep, "/")
