"""What the kernel answers the inspector: one noun a file, read from the store, nothing executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbpipe.live.answers.data import data
from nbpipe.live.answers.history import history
from nbpipe.live.answers.logs import log_chunk, log_close, log_find, log_open, log_page
from nbpipe.live.answers.metrics import metrics
from nbpipe.live.answers.preview import preview
from nbpipe.live.answers.runs import runs
from nbpipe.live.answers.script import script
from nbpipe.live.answers.shown import Shown
from nbpipe.live.answers.why import compare_runs, why
from nbpipe.live.log_view import LogView

__all__ = ["ANSWERERS", "LOG_ANSWERERS", "Shown"]

ANSWERERS: Mapping[str, Callable[[Shown, Mapping[str, Any]], object]] = {
    "why": why,
    "compare": compare_runs,
    "data": data,
    "preview": preview,
    "metrics": metrics,
    "history": history,
    "script": script,
    "runs": runs,
}
"""Verb -> what answers it, with a dataclass of ``views/answers.py``; errors are ``NbpipeError``."""

LOG_ANSWERERS: Mapping[str, Callable[[LogView, Shown, Mapping[str, Any]], object]] = {
    "log_open": log_open,
    "log_close": log_close,
    "log_page": log_page,
    "log_find": log_find,
    "log_chunk": log_chunk,
}
"""Verb -> what answers it by the log that the view follows; ``LogView.poll`` tells of its growth."""
