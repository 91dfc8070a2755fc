"""The scene: everything that is shown of a pipeline as cards, before a view groups it and gives it places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from nbpipe.core.record import dataclass
from nbpipe.views.protocol import DataCard, EdgeCard, HeadCard, NodeCard, ParameterCard, PortCard


@dataclass(frozen=True)
class CellFacts:
    """The cell and script of a step; the fields of ``NodeCard`` of the same names.

    Attributes:
        cell: id of its notebook cell, or empty.
        cell_label: how messages call it, or empty.
        cell_gone: True where that cell is in the notebook no more.
        first: number of the cell's line that is line 1 of the script.
        digest: digest of the cell's text as it was registered, or empty.
        script: its script's file, relative to the notebook's folder.
    """

    cell: str = ""
    cell_label: str = ""
    cell_gone: bool = False
    first: int = 2
    digest: str = ""
    script: str = ""


@dataclass(frozen=True)
class Vitals:
    """What a running step tells by its log and its metrics; the fields of ``NodeCard`` of the same names."""

    progress: float | None = None
    last_line: str = ""
    metric: str = ""


@dataclass(frozen=True)
class StepFacts:
    """What a card tells besides the picture.

    Attributes:
        cell: its cell and script.
        vitals: what its process tells.
        inputs, outputs, parameters: its ports.
        cause: ids from the root cause to the step, or nothing.
        line: line of the script that raised, or None.
    """

    cell: CellFacts = CellFacts()
    vitals: Vitals = Vitals()
    inputs: tuple[PortCard, ...] = ()
    outputs: tuple[PortCard, ...] = ()
    parameters: tuple[PortCard, ...] = ()
    cause: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True)
class Scene:
    """All cards of a pipeline.

    Attributes:
        head: what stands around the graph.
        nodes: by id, each after all it waits for.
        edges: by id; each with all its labels.
        data: by id.
        parameters: in the order of the graph.
    """

    head: HeadCard
    nodes: Mapping[str, NodeCard] = field(default_factory=dict)
    edges: Mapping[str, EdgeCard] = field(default_factory=dict)
    data: Mapping[str, DataCard] = field(default_factory=dict)
    parameters: tuple[ParameterCard, ...] = ()
