"""The journal of a run: its events, one JSON line each, appended by the runner and read by everybody."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nbpipe.core.events import EVENTS_FORMAT, Event, RunStarted, event_from_json
from nbpipe.core.run_state import IllegalEvent, RunState
from nbpipe.errors import StoreError
from nbpipe.store.files import append_line, read_lines


class Journal:
    """The events of one run, read from where the last look ended.

    Args:
        path: ``events.jsonl``; may not be there yet.

    Example:
        ``Journal(path).state()`` is the run as its events tell; a later call reads only what was added.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._state: RunState | None = None
        self.events: list[Event] = []

    def append(self, event: Event) -> None:
        """Write an event."""
        append_line(self._path, event.to_json())

    def read(self) -> list[Event]:
        """Events added since the last call, in order; kinds that a newer nbpipe added are passed over."""
        if self._state is not None and self._state.finished is not None:
            return []  # nothing comes after the event that ends a run
        lines, self._offset = read_lines(self._path, self._offset)
        added = []
        for line in lines:
            with suppress(TypeError, AttributeError):
                event = event_from_json(line)
                if event is not None:
                    added.append(event)
        self._fold(added)
        return added

    def _fold(self, added: list[Event]) -> None:
        self.events.extend(added)
        for event in added:
            if isinstance(event, RunStarted):
                if event.format > EVENTS_FORMAT:
                    raise StoreError(
                        f"Run {event.run} was written by a newer nbpipe (format {event.format}; "
                        f"this one reads {EVENTS_FORMAT}).",
                        remedy="Update nbpipe.",
                    )
                with suppress(KeyError):  # a parent that is no node of it
                    self._state = RunState.from_started(event)
            elif self._state is not None:
                with suppress(
                    IllegalEvent, KeyError
                ):  # a damaged line was passed over; the rest still tells much
                    self._state.apply(event)

    def state(self) -> RunState | None:
        """The run as its events tell now; None before it has begun."""
        self.read()
        return self._state
