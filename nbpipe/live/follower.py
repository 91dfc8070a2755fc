"""The follower: reads the journals of live runs as they grow, and finds the runs that others start."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from nbpipe.errors import NbpipeError
from nbpipe.execution.journal import Journal
from nbpipe.execution.run_folder import RunFolder
from nbpipe.live.board import Board
from nbpipe.live.views import Views
from nbpipe.run import PipelineRun
from nbpipe.run.story import STARTING
from nbpipe.workspace import Workspace

POLL = 0.04
"""Seconds between two looks at a live run that somebody sees."""
SEARCH = 0.25
"""Seconds between two looks for new runs."""
UNSEEN = 1.0
"""Seconds between two looks at a live run that nobody sees."""
_NEWEST = 20
"""Earlier runs that are looked at for one that goes on."""


class Follower:
    """Follows the runs of the workspace, whoever started them.

    Args:
        workspace: whose runs.
        views: who sees what.
        boards: gives every board of the kernel.
        ended: called when a run has ended whose pipeline is to be planned anew.
    """

    def __init__(
        self,
        workspace: Workspace,
        views: Views,
        boards: Callable[[], Collection[Board]],
        ended: Callable[[], None],
    ) -> None:
        self._workspace = workspace
        self._views = views
        self._boards = boards
        self._ended = ended
        self._known: set[str] = set()
        self._unnamed: dict[str, float] = {}
        self._newest: dict[str, PipelineRun] = {}
        self._figures: object = None
        self._next_search = 0.0

    def started(self, run: PipelineRun) -> None:
        """A run was started by this kernel."""
        self._known.add(run.id)
        self._keep(run.pipeline_name, run)

    def _keep(self, pipeline: str, run: PipelineRun) -> None:
        """Note the newest run of a pipeline; threads may come to one another's way, so an older one never wins."""
        known = self._newest.get(pipeline)
        if known is None or int(run.id) > int(known.id):
            self._newest[pipeline] = run

    def newest(self, pipeline: str) -> PipelineRun | None:
        """The run of a pipeline that its board shows: one that goes on, or was seen to."""
        return self._newest.get(pipeline)

    def look(self) -> float | None:
        """Read what is new; the seconds until the next look, or None while there is nothing to follow."""
        seen = self._views.boards()
        if seen and time.monotonic() >= self._next_search:
            self._next_search = time.monotonic() + SEARCH
            self._search()
        boards = list(self._boards())
        for board in boards:
            self._show_newest(board)
        live = {board for board in boards if self._followed_on(board)}
        if live & set(seen):
            return POLL
        return SEARCH if seen else UNSEEN if live else None

    def _show_newest(self, board: Board) -> None:
        run = None if board.fixed else self._newest.get(board.pipeline)
        if run is not None:
            try:
                board.follow(run)
            except Exception:
                del self._newest[board.pipeline]  # its record cannot be read: told once, and not tried again
                raise

    def _followed_on(self, board: Board) -> bool:
        was_stale = board.stale
        live = board.look()
        if board.stale and not was_stale:
            self._ended()
        return live

    def _search(self) -> None:
        """Find runs that were begun since the last search, and at the first one those that go on."""
        folder = self._workspace.state.runs
        figures = _figures(folder)
        if figures == self._figures and not self._unnamed:
            return
        first, self._figures = self._figures is None, figures
        ids = self._workspace.state.run_ids()
        found = [each for each in ids if each not in self._known or each in self._unnamed]
        for each in found[-_NEWEST:]:
            run = PipelineRun(
                RunFolder(self._workspace.state.run_folder(each)),
                self._workspace.objects,
                self._workspace.memory,
            )
            self._meet(run, only_live=first)
        self._known.update(ids)

    def _meet(self, run: PipelineRun, *, only_live: bool) -> None:
        """Note whose run it is; one that has not told yet is asked again for a while."""
        begun = self._unnamed.pop(run.id, time.monotonic())
        name = ""
        with suppress(NbpipeError, OSError):
            if only_live and not run.live:
                return
            name = _pipeline_of(run)
        if name:
            self._keep(name, run)
        elif time.monotonic() - begun < STARTING:
            self._unnamed[run.id] = begun


def _pipeline_of(run: PipelineRun) -> str:
    """The pipeline that a run's first event names: much less to read than all that was frozen."""
    state = Journal(run.folder.events).state()
    return state.started.pipeline if state and state.started else ""


def _figures(folder: Path) -> object:
    try:
        found = folder.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ino
