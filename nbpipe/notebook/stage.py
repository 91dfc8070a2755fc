"""Where live views are shown: the desk, the door and the widgets of one kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbpipe.core.pipeline import Pipeline
from nbpipe.live.desk import Desk
from nbpipe.live.door import Door
from nbpipe.notebook.notebook_file import notebook_path
from nbpipe.notebook.page import has_page
from nbpipe.notebook.session import Session, current, declaring, is_started, start
from nbpipe.notebook.source import SessionSource


class KernelStage:
    """The live part of a kernel; it has no thread until somebody sees something.

    Args:
        ip: the IPython shell, in a kernel.
        session: the notebook's.
        version: nbpipe's.
    """

    def __init__(self, ip: Any, session: Session, version: str) -> None:
        self._ip = ip
        self.source = SessionSource(session)
        self.desk = Desk(self.source, version)
        self._door = Door(self.desk, ip.kernel.comm_manager)
        self._widgets: Any = None
        session.changed, session.started = self.desk.changed, self.desk.started
        session.put_cell = self.desk.put_cell
        self._session = session

    def open(self) -> None:
        """Let pages in, and follow what cells do."""
        self._door.open()
        self._ip.events.register("pre_run_cell", self._before_cell)
        self._ip.events.register("post_run_cell", self._after_cell)
        if has_page(self._ip):
            self._door.call()

    def _before_cell(self, _: Any) -> None:
        self.desk.cell_begins()

    def _after_cell(self, _: Any) -> None:
        self.desk.cell_ended()

    def widget_id(self, pipeline: str, run: str) -> str:
        """Id of the widget's model of a pipeline or run; empty where the view was not built."""
        if self._widgets is None:
            from nbpipe.live.widget import Widgets  # brings ipywidgets along, which takes long

            self._widgets = Widgets(self.desk)
        widget = self._widgets.of(pipeline, run)
        return str(widget.model_id) if widget else ""

    def offer(self, pipeline: Pipeline) -> None:
        """A pipeline is displayed: it is the one of its name from now on, unless step cells declare one."""
        self.source.show(pipeline)

    def close(self) -> None:
        """Take everything down again."""
        self._session.changed, self._session.started, self._session.put_cell = _nothing, _nothing, _nowhere
        self._ip.events.unregister("pre_run_cell", self._before_cell)
        self._ip.events.unregister("post_run_cell", self._after_cell)
        self._door.close()
        self.desk.close()


def _nothing(*_: Any) -> None:
    """Nobody hears of it."""


def _nowhere(*_: Any) -> bool:
    """No page can put a cell into the notebook."""
    return False


_stages: list[KernelStage] = []


def set_up(ip: Any, session: Session, version: str) -> KernelStage | None:
    """Set the stage of a kernel; None where there is no kernel, or the notebook is only read.

    Args:
        ip: the IPython shell.
        session: the notebook's.
        version: nbpipe's.
    """
    take_down()
    manager = getattr(getattr(ip, "kernel", None), "comm_manager", None)
    if manager is None or declaring():
        return None
    stage = KernelStage(ip, session, version)
    _stages.append(stage)
    stage.open()
    return stage


def take_down() -> None:
    """Take the stage down, where one is set."""
    while _stages:
        _stages.pop().close()


def find_stage(version: str) -> KernelStage | None:
    """The stage where what a cell displays can be shown live; None where no page asked for the cell.

    Without ``%load_ext nbpipe`` it is set at the first display.

    Args:
        version: nbpipe's.
    """
    from IPython import get_ipython

    ip = get_ipython()
    if ip is None or not has_page(ip):
        return None
    if not _stages:
        if not is_started():
            start(Session(Path.cwd(), ip.user_ns, notebook_path(ip.user_ns)))
        set_up(ip, current(), version)
    return _stages[0] if _stages else None
