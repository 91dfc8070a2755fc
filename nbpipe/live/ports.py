"""What the large card of a step lists: its inputs, outputs and parameters, with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nbpipe.core.graph import Graph
from nbpipe.core.node import Node
from nbpipe.live.composition import source_place
from nbpipe.live.scene import CellFacts, StepFacts
from nbpipe.views.present import Notes
from nbpipe.views.protocol import PortCard
from nbpipe.views.text import visible


class FactMaker:
    """Tells of the steps of one pipeline's graphs, one after the other, what no run changes.

    A step of which nothing is new keeps the facts object that it had.

    Args:
        root: the workspace, to which the graphs' paths are relative.
        folder: the notebook's folder, to which scripts are told.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._around: object = None
        self._made: dict[str, tuple[Node, CellFacts | None, StepFacts]] = {}

    def facts(self, graph: Graph, notes: Notes, cells: Mapping[str, CellFacts]) -> dict[str, StepFacts]:
        """Id of a step -> what its card tells.

        Args:
            graph: the steps.
            notes: what is known of data.
            cells: step name -> its cell.
        """
        values = [(name, type(value), value) for name, value in graph.parameters.items()]
        around = (values, dict(graph.data_sources), notes)
        known = self._made if around == self._around else {}
        made = {}
        for node in graph.nodes:
            before, cell = known.get(node.node_id), cells.get(node.name)
            if before is None or before[0] is not node or before[1] is not cell:
                before = (node, cell, _facts(node, graph, notes, cells, self._root, self._folder))
            made[node.node_id] = before
        self._around, self._made = around, made
        return {node_id: facts for node_id, (_, _, facts) in made.items()}


def _facts(
    node: Node, graph: Graph, notes: Notes, cells: Mapping[str, CellFacts], root: Path, folder: Path
) -> StepFacts:
    cell = cells.get(node.name) or CellFacts(script=_script(node, root, folder))
    return StepFacts(
        cell,
        inputs=tuple(
            PortCard(
                visible(_source_name(graph, port.source_id, port.name)),
                notes.get((port.source_id, port.source_port), ""),
            )
            for port in node.inputs
        ),
        outputs=tuple(
            PortCard(visible(port.name), notes.get((node.node_id, port.name), "")) for port in node.outputs
        ),
        parameters=tuple(
            PortCard(visible(name), visible(graph.parameters.get(name, "")))
            for name in sorted(node.parameters())
        ),
    )


def _source_name(graph: Graph, source: str, port: str) -> str:
    found = graph.data_sources.get(source)
    return found.name if found else port


def _script(node: Node, root: Path, folder: Path) -> str:
    """A script's file as seen from the notebook's folder; whole where it lies elsewhere."""
    path = root / source_place(node)
    try:
        return visible(path.relative_to(folder).as_posix())
    except ValueError:
        return visible(path.as_posix())
