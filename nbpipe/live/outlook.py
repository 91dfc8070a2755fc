"""The outlook: what a pipeline is now and what will happen to it, or what is in the way of knowing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from operator import is_
from pathlib import Path
from typing import Any

from nbpipe.core.plan import Plan
from nbpipe.core.record import dataclass
from nbpipe.errors import InvalidPipeline, NbpipeError
from nbpipe.live.composition import planned_views
from nbpipe.live.scene import CellFacts
from nbpipe.live.source import LastKnown, Source
from nbpipe.live.watch import Stamps, Tracked, stamps, tracked
from nbpipe.live.wire import error_card, visible_lines
from nbpipe.views.picture import NodeView


@dataclass(frozen=True)
class Outlook:
    """What the last look at a pipeline found.

    Attributes:
        known: False before the first look.
        plan: what will happen; where something is in the way, the last that could be made.
        views: id of a step -> its view in the plan.
        cells: step name -> its cell.
        values: the notebook's values that it was made with.
        tracked: what it was made of; of the plan before, until ``watched`` looked.
        files: the files of that, as they were.
        problems: what is in the way, each with its remedy.
        last: what a restarted kernel remembers, where it has no steps of its own.
    """

    known: bool = False
    plan: Plan | None = None
    views: Mapping[str, NodeView] = field(default_factory=dict)
    cells: Mapping[str, CellFacts] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    tracked: Tracked = field(default_factory=Tracked)
    files: Stamps = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    last: LastKnown | None = None

    def shows(self, other: Outlook) -> bool:
        """Whether nobody who sees this one could tell it from another."""
        mine, theirs = self.plan, other.plan
        if mine is None or theirs is None:
            return False
        same_steps = len(mine.steps) == len(theirs.steps) and all(map(is_, mine.steps, theirs.steps))
        here, there = mine.graph, theirs.graph
        return (
            same_steps
            and all(map(is_, here.nodes, there.nodes))
            and (here.parameters, here.data_sources) == (there.parameters, there.data_sources)
            and self.cells is other.cells
            and (self.known, self.problems, self.last) == (other.known, other.problems, other.last)
        )


def look_ahead(source: Source, name: str, before: Outlook) -> Outlook:
    """Plan a pipeline as it is now; nothing is started.

    Args:
        source: who has it.
        name: the pipeline.
        before: the outlook until now, which is kept where there is none now.
    """
    files = before.files if source.offers(name) else stamps(before.files)
    found = Outlook(known=True, files=files, tracked=before.tracked)
    try:
        with source.lock:
            last = source.last(name)
            if last is not None:
                return Outlook(known=True, last=last)
            found = replace(found, values=source.values(name), cells=source.cells(name))
            pipeline = source.pipeline(name)
        if pipeline is None:
            return Outlook(known=True)
        plan = source.plan(pipeline)
        return replace(found, plan=plan, views=planned_views(plan, before.plan, before.views))
    except Exception as error:  # noqa: BLE001 - a variable of the notebook may raise anything when it is looked at
        return replace(found, plan=before.plan, views=before.views, problems=told(error))


def watched(outlook: Outlook, root: Path) -> Outlook:
    """An outlook that knows the files of its plan; found out once the plan is shown, since it takes a moment.

    Args:
        outlook: as ``look_ahead`` made it.
        root: the workspace.
    """
    if outlook.plan is None or outlook.problems:
        return outlook
    found = tracked(outlook.plan, root, outlook.tracked)
    paths = found.paths()
    # What was touched while the plan was made counts as touched since; what a cell has just written does not.
    again = set() if outlook.plan.whole else found.others(outlook.tracked)
    before = {path: stamp for path, stamp in outlook.files.items() if path not in again}
    seen = {**stamps(path for path in paths if path not in before), **before}
    return replace(outlook, tracked=found, files={path: seen[path] for path in paths})


def told(error: Exception) -> tuple[str, ...]:
    """What is in the way, one text each: the fact, and its remedy below it."""
    if isinstance(error, InvalidPipeline):
        return tuple(visible_lines(str(each)) for each in error.problems)
    return (visible_lines(str(error) if isinstance(error, NbpipeError) else error_card(error).fact),)


def touched(outlook: Outlook, source: Source, name: str) -> bool:
    """True where a file or a value that an outlook was made with is another now."""
    if stamps(outlook.files) != outlook.files:
        return True
    with source.lock:
        return dict(source.values(name)) != dict(outlook.values)
