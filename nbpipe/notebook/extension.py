"""``%load_ext nbpipe``: puts magics, completion and the display of runs into an IPython shell."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from nbpipe.loading.declared import offer
from nbpipe.loading.notebook_cells import CELL_NUMBER
from nbpipe.notebook.completion import make_matcher
from nbpipe.notebook.live import display_run
from nbpipe.notebook.magics import magics_of
from nbpipe.notebook.notebook_file import notebook_path
from nbpipe.notebook.page import request_metadata
from nbpipe.notebook.python_text import as_python
from nbpipe.notebook.session import Session, declaring, start, stop
from nbpipe.notebook.stage import set_up, take_down
from nbpipe.notebook.transform import join_magic_line

RUN_TYPES = (("nbpipe.run.pipeline_run", "PipelineRun"), ("nbpipe.run.declared", "DeclaredRun"))
"""Home and name of the types that ``display_run`` shows."""

_loaded: dict[int, _Extension] = {}
_sessions: dict[int, Session] = {}


class _Extension:
    """What was put into one shell, so that it can be taken out again."""

    def __init__(self, ip: Any, session: Session) -> None:
        self.ip = ip
        self.session = session
        self.matcher = make_matcher(session)
        self.magics = magics_of(session)

    def put_in(self) -> None:
        for (kind, name), function in self.magics.items():
            self.ip.register_magic_function(function, kind, name)
        self.ip.input_transformers_cleanup.append(join_magic_line)
        self.ip.Completer.custom_matchers.append(self.matcher)
        self.ip.events.register("pre_run_cell", self.before_cell)
        self.ip.events.register("post_run_cell", self.after_cell)
        for home, name in RUN_TYPES:
            self.ip.display_formatter.ipython_display_formatter.for_type_by_name(home, name, display_run)

    def take_out(self) -> None:
        for kind, name in self.magics:
            self.ip.magics_manager.magics[kind].pop(name, None)
        with suppress(ValueError):
            self.ip.input_transformers_cleanup.remove(join_magic_line)
            self.ip.Completer.custom_matchers.remove(self.matcher)
            self.ip.events.unregister("pre_run_cell", self.before_cell)
            self.ip.events.unregister("post_run_cell", self.after_cell)
        for home, name in RUN_TYPES:
            self.ip.display_formatter.ipython_display_formatter.pop(f"{home}.{name}", None)

    def before_cell(self, info: Any) -> None:
        """Note which cell runs; tell which steps it declares no longer."""
        metadata = request_metadata(self.ip)
        position = metadata.get(CELL_NUMBER)
        label = f"cell {position}" if position else f"cell [{self._count()}]"
        cell_id = info.cell_id or metadata.get("cellId") or ""
        python = getattr(info, "transformed_cell", None) or ""  # older IPython tells the raw text only
        gone = self.session.begin_cell(info.raw_cell or "", str(cell_id), label, python)
        for name in gone:
            print(f"{name} is no step any more: its cell declares none now.")

    def after_cell(self, _: Any) -> None:
        """Note what the cell left."""
        self.session.ran.end({} if declaring() else self.session.namespace)

    def _count(self) -> int:
        """The number that the front end shows beside the cell; some versions of IPython have counted on by now."""
        history = self.ip.history_manager
        return len(history.input_hist_raw) if history else self.ip.execution_count


def load(ip: Any, version: str = "") -> None:
    """Load the extension into a shell; loaded again, it finds the steps it knew.

    Args:
        ip: the IPython shell.
        version: nbpipe's, for pages.
    """
    unload(ip)
    session = _sessions.setdefault(id(ip), Session(Path.cwd(), ip.user_ns, notebook_path(ip.user_ns)))
    start(session)
    offer(session.declared)
    _loaded[id(ip)] = _Extension(ip, session)
    _loaded[id(ip)].put_in()
    if not list(session.ran):
        _recall(ip, session)
    set_up(ip, session, version)


def _recall(ip: Any, session: Session) -> None:
    """Note the cells that ran before the extension was loaded, as far as the shell remembers them."""
    texts = list(ip.history_manager.input_hist_raw) if ip.history_manager else []
    for number, text in enumerate(texts):
        if text.strip():
            session.begin_cell(text, "", f"cell [{number}]", as_python(text))
            session.ran.end({})


def unload(ip: Any) -> None:
    """Take everything out of the shell again."""
    known = _loaded.pop(id(ip), None)
    if known is not None:
        known.take_out()
        take_down()
        stop()
