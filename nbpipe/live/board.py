"""The board of a pipeline: what is planned and what runs, put together and kept for the views that show it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from nbpipe.core.graph import Graph
from nbpipe.core.plan import Plan
from nbpipe.live.cards import CardMaker
from nbpipe.live.causes import cause_paths
from nbpipe.live.composition import Composed, compose, is_of, of_run
from nbpipe.live.data_notes import DataNotes
from nbpipe.live.followed import FollowedRun
from nbpipe.live.frame import Frame, Framer, scene_of
from nbpipe.live.grouping import Collapse
from nbpipe.live.mode import Around, head_of
from nbpipe.live.outlook import Outlook, look_ahead, touched, watched
from nbpipe.live.ports import FactMaker
from nbpipe.live.scene import CellFacts, Scene, StepFacts, Vitals
from nbpipe.live.source import Source
from nbpipe.run import PipelineRun
from nbpipe.views.picture import Picture
from nbpipe.views.present import notes_of_inputs
from nbpipe.views.protocol import BarCard
from nbpipe.workspace import Workspace

MOST_NOTED = 300
"""Steps above which no view has room for notes on data, so none are looked up."""
_MOST_FRAMERS = 16


class Board:
    """One pipeline of the kernel, or one run of it.

    Args:
        source: who has the pipelines.
        pipeline: its name.
        run: a run that alone is shown; None for the pipeline as it is now with the newest run that was followed.
        changed: called by any thread when there is something new to show.

    Attributes:
        source, pipeline: as given.
        trouble: a line about a thread that cannot go on, or None.
    """

    def __init__(
        self,
        source: Source,
        pipeline: str,
        run: PipelineRun | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.source = source
        self.pipeline = pipeline
        self._wanted, self._planned = int(run is None), 0
        self.trouble: BarCard | None = None
        self._fixed = run is not None
        self._followed = FollowedRun(run) if run else None
        self._attached = False
        self._changed = changed
        self._outlook = Outlook(known=self._fixed)
        self._notes = DataNotes(source.workspace.objects, self.touch)
        self._lock = threading.Lock()
        self._generation = 0
        self._framed = -1
        self._scene: Scene | None = None
        self._framers: dict[tuple[Collapse, frozenset[str]], Framer] = {}
        self._frames: dict[tuple[Collapse, frozenset[str]], Frame] = {}
        self._maker = CardMaker()
        self._planned_now: Collection[str] = ()
        self._ours = True
        self._foreign = ""
        self._facts = FactMaker(source.workspace.root, source.folder)

    @property
    def workspace(self) -> Workspace:
        """Where the pipeline is planned and run."""
        return self.source.workspace

    @property
    def plan(self) -> Plan | None:
        """What will happen, as far as it is known."""
        return self._outlook.plan

    @property
    def run(self) -> PipelineRun | None:
        """The run that is shown, with a reader of its own for whoever asks; None where only a plan is."""
        followed = self._followed
        if followed is None or not self._ours:
            return None
        run = followed.run
        return PipelineRun(run.folder, run.objects(), run.memory(), run.frozen)

    @property
    def graph(self) -> Graph:
        """What is shown: the pipeline's steps now, else those of the run."""
        plan, followed = self._outlook.plan, self._followed
        if plan is not None and not self._fixed:
            return plan.graph
        return followed.graph if followed else Graph(self.pipeline)

    def speaks(self, node_id: str) -> bool:
        """True where the run that is followed speaks for a step, False where its plan does."""
        return self._followed is not None and self._ours and node_id not in self._planned_now

    def cell_of(self, node_id: str) -> tuple[str, str, int]:
        """Id and label of a step's cell, and the number of its line that is line 1 of the script."""
        node = self.graph.node_dict.get(node_id)
        cell = self._outlook.cells.get(node.name if node else node_id, CellFacts())
        return cell.cell, cell.cell_label, cell.first

    @property
    def stale(self) -> bool:
        """True when the pipeline is to be planned anew."""
        return self._wanted != self._planned

    @property
    def known(self) -> bool:
        """True when there is something to show, be it that there is nothing."""
        return self._outlook.known

    @property
    def outlook(self) -> Outlook:
        """What the last look at the pipeline found."""
        return self._outlook

    @property
    def followed(self) -> FollowedRun | None:
        """The run that is followed."""
        return self._followed

    @property
    def fixed(self) -> bool:
        """True for the board of one run."""
        return self._fixed

    def touch(self) -> None:
        """Something is new."""
        with self._lock:
            self._generation += 1
        self._changed()

    def expect_changes(self) -> None:
        """The pipeline may be another now: plan it when somebody sees it."""
        self._wanted += not self._fixed

    # What the planner's thread does.

    def replan(self) -> None:
        """Plan the pipeline as it is now."""
        before, followed, wanted = self._outlook, self._followed, self._wanted
        found = look_ahead(self.source, self.pipeline, before)
        if found.last and self._followed is None:
            run = self.workspace.latest_run(self.pipeline)
            self._followed = FollowedRun(run) if run else None
        elif before.last and not found.last and self._followed and self._followed.over and not self._attached:
            self._followed = None  # it was shown because nothing else was known
        self._outlook, self._planned = found, wanted
        if not found.last:
            self._attached = False
        if not found.shows(before) or followed is not self._followed:
            self.touch()
        self._outlook = watched(found, self.workspace.root)

    def has_changed(self, *, whole: bool = True) -> bool:
        """Whether a file or a value is another than it was for the plan.

        Args:
            whole: a plan that was made for an edit alone counts as changed too.
        """
        outlook = self._outlook
        partial = outlook.plan is not None and not outlook.plan.whole and not outlook.problems
        return not self._fixed and ((whole and partial) or touched(outlook, self.source, self.pipeline))

    # What the follower's thread does.

    def follow(self, run: PipelineRun) -> None:
        """Show a run of the pipeline from now on; one of another notebook's pipeline of that name is passed over.

        Raises:
            NbpipeError: its record cannot be read.
        """
        known, plan = self._followed, self._outlook.plan
        if run.id == self._foreign or (known is not None and known.run.id == run.id):
            return
        followed = FollowedRun(run)
        if plan is not None and not is_of(plan.graph, followed.seen):
            self._foreign = run.id
            return
        self._followed, self._ours = followed, True
        self.touch()

    def attach(self) -> None:
        """In a restarted kernel, show the run that is followed as it is, not greyed."""
        self._attached = True
        self.touch()

    def look(self) -> bool:
        """Read what is new of the run; True while it goes on."""
        followed = self._followed
        if followed is None:
            return False
        was_over = followed.over
        if followed.look():
            self.touch()
        if followed.over and not was_over and not self._fixed:
            self.expect_changes()
        return not followed.over

    # What the flusher's thread does.

    def frame(self, collapse: Collapse = "", opened: Collection[str] = ()) -> Frame:
        """What a view sees that groups in this way; the same object while nothing is new."""
        with self._lock:
            generation = self._generation
        if self._scene is None or generation != self._framed:
            self._scene, self._framed, self._frames = self.scene(time.time()), generation, {}
        key = (collapse, frozenset(opened))
        if key not in self._framers and len(self._framers) >= _MOST_FRAMERS:
            self._framers.pop(next(iter(self._framers)))
        if key not in self._frames:
            framer = self._framers.setdefault(key, Framer(*key))
            self._frames[key] = framer.frame(self._scene)
        return self._frames[key]

    def scene(self, now: float) -> Scene:
        """Everything that is shown.

        Args:
            now: seconds since the epoch.
        """
        outlook, followed = self._outlook, self._followed
        seen = followed.seen if followed else None
        composed: Composed | None = None
        if outlook.plan is not None and not self._fixed:
            composed = compose(outlook.plan, seen, outlook.views)
        elif followed and seen:
            composed = of_run(followed.graph, seen)
        self._planned_now = composed.standing.planned if composed else ()
        graph = self.graph
        notes = self._notes_on(composed, graph) if composed else {}
        picture = composed.picture(graph, notes) if composed else Picture(graph.name)
        self._ours = composed is None or composed.run is not None
        card = followed.card(now) if followed and self._ours else None
        around = Around(
            outlook, card, self._fixed, self._attached, self.trouble,
            self.source.sample,
        )  # fmt: skip
        head = head_of(picture, composed.standing if composed else None, around)
        vitals = followed.vitals if followed else {}
        told = self._facts.facts(graph, notes, outlook.cells)
        facts = self._with_news(told, picture, graph, composed, vitals)
        return scene_of(picture, facts, head, self._maker)

    def _notes_on(self, composed: Composed, graph: Graph) -> dict[tuple[str, str], str]:
        if len(composed.nodes) > MOST_NOTED:
            return {}
        notes: dict[tuple[str, str], str] = {}
        for step in self._outlook.plan or () if not self._fixed else ():
            notes.update(notes_of_inputs(graph, step))
        notes.update(
            {place: note for place, digest in composed.outputs.items() if (note := self._notes.note(digest))}
        )
        return notes

    @staticmethod
    def _with_news(
        facts: dict[str, StepFacts],
        picture: Picture,
        graph: Graph,
        composed: Composed | None,
        vitals: Mapping[str, Vitals],
    ) -> dict[str, StepFacts]:
        """The facts with what a run tells, and with cause paths."""
        if composed is None:
            return facts
        news: dict[str, dict[str, object]] = {
            each: {"vitals": told} for each, told in vitals.items() if each in facts
        }
        for each, path in cause_paths(picture.nodes, graph, composed.reasons).items():
            news.setdefault(each, {})["cause"] = path
        for node in picture.nodes:
            if node.detail.startswith("line "):
                news.setdefault(node.node_id, {})["line"] = int(node.detail.removeprefix("line "))
        return facts | {each: replace(facts[each], **told) for each, told in news.items()}  # type: ignore[arg-type]

    def close(self) -> None:
        """Find out nothing more."""
        self._notes.stop()
