"""The picture: one plain model of what every view shows, made from a pipeline, a plan or a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from nbpipe.core.record import dataclass
from nbpipe.views.status import SETTLED, Look, counted, look
from nbpipe.views.text import visible
from nbpipe.views.wording import duration, how_to_force, listed, nothing_to_do

EdgeState = Literal["there", "pending", "stopped", "order"]
"""Data is there; is not made yet; is stopped by a failure; order only, no data."""


@dataclass(frozen=True)
class NodeView:
    """One step as it is shown; its texts, but for the id and the advice, are visible lines.

    Attributes:
        node_id: the step.
        status: its word in the vocabulary of ``views.status``.
        detail: what stands behind the word (``line 31``), or empty.
        why: one line.
        advice: what to do about a failure, may have several lines, or empty.
        key: key of its fingerprint, or empty.
        target: compute target where it is not the default, or empty.
        seconds: wall time, of the earlier run for a reused step; None while unknown.
        estimate: seconds it will probably take, or None.
        started: when its process began, seconds since the epoch; None unless it runs now.
        reused_at: when the result it reuses was made, or None.
        before: how its last attempt ended where a plan is shown (``done``, ``failed``, ...), or empty.
        parents: ids of the nodes it waits for.
    """

    node_id: str
    status: str
    detail: str = ""
    why: str = ""
    advice: str = ""
    key: str = ""
    target: str = ""
    seconds: float | None = None
    estimate: float | None = None
    started: float | None = None
    reused_at: float | None = None
    before: str = ""
    parents: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What is shown as its name: the id, which tells apart two steps of one name (``train#2``)."""
        return visible(self.node_id)

    @property
    def look(self) -> Look:
        """Glyph, hue and lines of its status."""
        return look(self.status)

    @property
    def words(self) -> str:
        """The status with what stands behind it: ``failed · line 31``."""
        return f"{self.status} · {self.detail}" if self.detail else self.status

    @property
    def settled(self) -> bool:
        """True when nothing more can happen to it in its run."""
        return self.status in SETTLED


@dataclass(frozen=True)
class EdgeView:
    """Data, or order, from one node or data source to a step.

    Attributes:
        source, dest: ids.
        state: how the line is drawn.
        labels: ``(data name, note)`` of each output that goes this way; a note is like ``17 KB``.
    """

    source: str
    dest: str
    state: EdgeState
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DataView:
    """Data that no step makes: its id, name, and a note such as ``344 rows · 17 KB``."""

    node_id: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class ParameterView:
    """A pipeline parameter, its value, and the ids of the steps that take it."""

    name: str
    value: str
    takers: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """What is shown of a pipeline, a plan or a run.

    Attributes:
        name: the pipeline's.
        nodes: steps, each after all it waits for.
        edges: between nodes, and from data to nodes.
        data: what no step makes.
        parameters: pipeline parameters and who takes them.
        run: id of the run, or empty for a plan.
        outcome: ``NotStarted``, ``Running``, ``Finished``, ``Failed`` or ``Canceled`` for a run, empty for a plan.
        command: what runs a step all the same.
        bar: what is said in place of the summary of a graph that is only remembered, which is greyed; else empty.
    """

    name: str
    nodes: tuple[NodeView, ...] = ()
    edges: tuple[EdgeView, ...] = ()
    data: tuple[DataView, ...] = ()
    parameters: tuple[ParameterView, ...] = ()
    run: str = ""
    outcome: str = ""
    command: str = "%pipeline_run"
    bar: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many steps have each status, what asks for attention first."""
        return counted(node.status for node in self.nodes)

    @property
    def saved(self) -> float:
        """Seconds of earlier work that reuse saves."""
        return sum(node.seconds or 0.0 for node in self.nodes if node.status in ("reused", "will reuse"))

    @property
    def all_reused(self) -> bool:
        """True when there are steps and every one is reused."""
        return bool(self.nodes) and all(node.status in ("reused", "will reuse") for node in self.nodes)

    @property
    def summary(self) -> str:
        """The whole in one line.

        Example:
            >>> Picture("demo", (NodeView("a", "new"), NodeView("b", "maybe"))).summary
            '1 will run, 1 may run'
        """
        if self.bar:
            return self.bar
        if not self.nodes:
            return "No steps yet."
        if self.all_reused and self.outcome in ("", "Finished"):
            return nothing_to_do(len(self.nodes), self.saved)
        if self.outcome in ("NotStarted", "Running"):
            settled = sum(node.settled for node in self.nodes)
            failed = self.counts.get("failed", 0)
            return f"{settled} of {len(self.nodes)} settled" + (f", {failed} failed" if failed else "")
        saved = f" ({duration(self.saved)} saved)" if self.saved else ""
        told = f"{listed(self.counts)}{saved}"
        return f"{self.outcome}: {told}" if self.outcome else told

    @property
    def title(self) -> str:
        """Name, run and the whole in one line."""
        run = f", run {self.run}" if self.run else ""
        return f"{self.name}{run}: {self.summary}"

    @property
    def hint(self) -> str:
        """How to run a step all the same where nothing is to do, else empty."""
        return how_to_force(self.nodes[0].name, self.command) if self.all_reused and not self.bar else ""

    def still(self) -> Picture:
        """The picture as it is saved in a notebook: without what differs between two runs of the same result.

        Left out are the run's id, estimates, and wall times but those of reused results.
        """
        nodes = tuple(
            replace(
                node,
                estimate=None,
                started=None,
                reused_at=None,
                seconds=node.seconds if node.status in ("reused", "will reuse") else None,
            )
            for node in self.nodes
        )
        return replace(self, nodes=nodes, run="")

    def in_order_of_attention(self) -> Sequence[NodeView]:
        """Steps with what asks for attention first: failed, running, waiting, then those that are well."""
        places = {word: place for place, word in enumerate(self.counts)}
        return sorted(self.nodes, key=lambda node: places[node.status])


def edge_state(source: str, *, has_data: bool) -> EdgeState:
    """How an edge from a step of that status is drawn.

    Example:
        >>> edge_state("done", has_data=True), edge_state("failed", has_data=True)
        ('there', 'stopped')
    """
    if not has_data:
        return "order"
    if source in ("done", "reused", "will reuse"):
        return "there"
    return "stopped" if source in ("failed", "blocked") else "pending"
