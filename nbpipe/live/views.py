"""The views of a kernel: which page shows which board, and what each has been told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Protocol

from nbpipe.core.record import dataclass
from nbpipe.live.board import Board
from nbpipe.live.frame import Frame, Framer, messages
from nbpipe.live.grouping import Collapse
from nbpipe.live.log_view import LogView
from nbpipe.live.scene import Scene
from nbpipe.live.wire import error_card
from nbpipe.views.protocol import BarCard, ButtonCard, GraphMessage, HeadCard, PatchMessage

MOST_CHANNELS = 16
"""Pages that are kept: those that die never say so, and the one that was silent longest goes first."""
MOST_VIEWS = 32
"""Views of one page that are kept."""
QUIET = 120.0
"""Seconds of silence after which a view may be one of a dead page, and is served less often."""


class Channel(Protocol):
    """Carries messages to a page: a comm of the extension, or a widget."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message of plain JSON values; raises where the page cannot be reached."""

    def close(self) -> None:
        """Send nothing more."""


@dataclass(eq=False)
class View:
    """One view on a page.

    Attributes:
        id: its own, unique on its channel.
        channel: leads to its page.
        board: what it shows; None until it has subscribed.
        default: True where it shows whichever pipeline is meant by default.
        collapse, opened: how it groups.
        visible: False while nobody can see it.
        heard: when it last asked for something, in seconds of a clock that never goes back.
    """

    id: str
    channel: Channel
    board: Board | None = None
    default: bool = False
    collapse: Collapse = ""
    opened: frozenset[str] = frozenset()
    visible: bool = True
    heard: float = field(default_factory=time.monotonic)
    revision: int = 0
    frame: Frame | None = None
    told: float = 0.0

    def __post_init__(self) -> None:
        self.log = LogView(self.id)

    def subscribe(self, board: Board, collapse: Collapse, opened: frozenset[str], *, default: bool) -> None:
        """Show a board from now on, grouped in this way; its graph is told whole."""
        self.collapse, self.opened, self.default, self.visible = collapse, opened, default, True
        self.turn_to(board)

    def turn_to(self, board: Board) -> None:
        """Show another board."""
        self.board, self.frame = board, None

    def news(self) -> Iterator[GraphMessage | PatchMessage]:
        """What it has to be told; once it is taken from here, it counts as told."""
        board = self.board
        if board is None or not board.known:
            return
        frame = self._frame(board)
        for message in messages(self.frame, frame, self.id, self.revision + 1):
            self.revision = message.revision
            yield replace(message, now=time.time())
        if self.board is board:
            self.frame = frame

    def _frame(self, board: Board) -> Frame:
        """What it is to see; where that cannot be put together, what it saw last, with a line that says so."""
        try:
            return board.frame(self.collapse, self.opened)
        except Exception as error:  # noqa: BLE001 - whatever it is, this view tells it, and the others go on
            fact = error_card(error).fact
        if self.frame is not None:
            return replace(self.frame, head=replace(self.frame.head, bar=BarCard(fact, "fail")))
        broken = HeadCard(board.pipeline, "broken", fact, None, ButtonCard("Run"), problems=(fact,))
        return Framer().frame(Scene(broken))


class Views:
    """All views, by the channel that leads to them; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: dict[Channel, dict[str, View]] = {}

    def welcome(self, channel: Channel) -> None:
        """A page has come; where there are too many, the one that was silent longest goes."""
        with self._lock:
            self._views.setdefault(channel, {})
            crowd = len(self._views) > MOST_CHANNELS
            oldest = min((each for each in self._views if each is not channel), key=self._heard, default=None)
        if crowd and oldest is not None:
            self.leave(oldest)
            oldest.close()

    def _heard(self, channel: Channel) -> float:
        return max((view.heard for view in self._views[channel].values()), default=0.0)

    def leave(self, channel: Channel) -> None:
        """A page has gone."""
        with self._lock:
            gone = self._views.pop(channel, {})
        for view in gone.values():
            view.log.close()

    def view(self, channel: Channel, name: str) -> View:
        """The view of that id, made at its first request."""
        with self._lock:
            there = self._views.setdefault(channel, {})
            if name not in there:
                if len(there) >= MOST_VIEWS:
                    there.pop(min(there, key=lambda each: there[each].heard)).log.close()
                there[name] = View(name, channel)
            there[name].heard = time.monotonic()
            return there[name]

    def drop(self, view: View) -> None:
        """A view was closed."""
        with self._lock:
            self._views.get(view.channel, {}).pop(view.id, None)
        view.log.close()

    def channels(self) -> list[Channel]:
        """Ways to every page."""
        with self._lock:
            return list(self._views)

    def on_default(self) -> list[View]:
        """Those that show whichever pipeline is meant by default."""
        with self._lock:
            return [view for there in self._views.values() for view in there.values() if view.default]

    def visible(self) -> list[View]:
        """Those that somebody may see."""
        with self._lock:
            return [
                view
                for there in self._views.values()
                for view in there.values()
                if view.visible and view.board is not None
            ]

    def shown(self) -> set[Board]:
        """The boards of all views, seen or not."""
        with self._lock:
            return {view.board for there in self._views.values() for view in there.values() if view.board}

    def boards(self) -> list[Board]:
        """The boards that somebody may see, each once."""
        return list(dict.fromkeys(view.board for view in self.visible() if view.board is not None))
