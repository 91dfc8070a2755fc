"""nbpipe: cells become pipeline steps; what will run, what is reused, and why.

The composition root: names are imported when first used, so that ``import nbpipe`` is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "CondaDependencies": "nbpipe.core.environment",
    "ComputeTarget": "nbpipe.core.compute",
    "DataPath": "nbpipe.core.datastore",
    "DataPathComputeBinding": "nbpipe.core.datastore",
    "DataReference": "nbpipe.core.datastore",
    "Dataset": "nbpipe.core.dataset",
    "Datastore": "nbpipe.core.datastore",
    "Edge": "nbpipe.core.node",
    "Environment": "nbpipe.core.environment",
    "Experiment": "nbpipe.core.experiment",
    "Graph": "nbpipe.core.graph",
    "InputPortBinding": "nbpipe.core.data",
    "Node": "nbpipe.core.node",
    "OutputFileDatasetConfig": "nbpipe.core.dataset",
    "OutputPortBinding": "nbpipe.core.data",
    "Pipeline": "nbpipe.core.pipeline",
    "PipelineData": "nbpipe.core.data",
    "PipelineParameter": "nbpipe.core.parameter",
    "PipelineRun": "nbpipe.run",
    "PythonScriptStep": "nbpipe.core.step",
    "RemoteCompute": "nbpipe.core.compute",
    "Run": "nbpipe.runtime.run",
    "RunConfiguration": "nbpipe.core.environment",
    "RunDetails": "nbpipe.run.details",
    "StepRun": "nbpipe.run",
    "StepSequence": "nbpipe.core.sequence",
    "Workspace": "nbpipe.workspace",
    "path": "nbpipe.notebook.results",
    "pipeline": "nbpipe.notebook.session",
}

__all__ = ["__version__"]
__all__ += list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nbpipe' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


def load_ipython_extension(ip: Any) -> None:
    """``%load_ext nbpipe``: the magics."""
    importlib.import_module("nbpipe.notebook.extension").load(ip, __version__)


def unload_ipython_extension(ip: Any) -> None:
    """``%unload_ext nbpipe``."""
    importlib.import_module("nbpipe.notebook.extension").unload(ip)


def _presenter() -> Any:
    return importlib.import_module("nbpipe.live.presenter").LivePresenter(_stage)


def _stage() -> Any:
    return importlib.import_module("nbpipe.notebook.stage").find_stage(__version__)


def _compose() -> None:
    """Tell core who shows things; the view itself is loaded at the first display."""
    from nbpipe.core.display import register_presenter

    register_presenter(_presenter)


_compose()
