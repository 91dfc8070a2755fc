"""One node of a graph: its code, its command line, its ports; plain values that go to JSON and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, Literal

from nbpipe.core.environment import EnvironmentSpec
from nbpipe.core.port import Form, Mode
from nbpipe.core.record import dataclass
from nbpipe.errors import UnknownName


@dataclass(frozen=True)
class Piece:
    """A part of one command-line word: literal text, or a placeholder for a parameter or a port.

    Attributes:
        kind: ``text``, ``parameter``, ``input`` or ``output``.
        value: the text itself, else the name.
    """

    kind: Literal["text", "parameter", "input", "output"]
    value: str

    def __str__(self) -> str:
        if self.kind == "text":
            return self.value
        return "{>" + self.value + "}" if self.kind == "output" else "{" + self.value + "}"


Word = tuple[Piece, ...]
"""One word of a script's command line."""


def symbolic(word: Word) -> str:
    """A word in the one way in which no two different words look alike: literal braces are doubled.

    Example:
        >>> symbolic((Piece("text", "--x={"), Piece("input", "clean")))
        '--x={{{clean}'
    """
    doubled = (
        piece.value.replace("{", "{{").replace("}", "}}") if piece.kind == "text" else str(piece)
        for piece in word
    )
    return "".join(doubled)


@dataclass(frozen=True)
class FolderSource:
    """A step's code: every file of a folder that is not ignored (Azure ML v1's ``source_directory``)."""

    folder: str


@dataclass(frozen=True)
class CellSource:
    """A step's code: one script written from a cell, and the local modules it imports.

    Attributes:
        script: path of the script's file.
        folder: the notebook's folder: where local modules are looked for first.
        extra: paths of further files or folders taken along (``--with``).
        cell: the notebook cell it came from, as people count ("cell 5"), or empty.
    """

    script: str
    folder: str
    extra: tuple[str, ...] = ()
    cell: str = ""


Source = FolderSource | CellSource


def place_of(script: str, source: Source) -> str:
    """Where a script was declared, for messages: ``prep.py (cell 3)`` or ``prep.py``."""
    cell = source.cell if isinstance(source, CellSource) else ""
    return f"{script} ({cell})" if cell else script


@dataclass(frozen=True)
class DataSource:
    """Data that no step makes: local files, folders or globs.

    Attributes:
        node_id: its id in the graph.
        name: what a view shows (``penguins.csv``).
        paths: local paths or glob patterns, absolute or relative to the workspace.
        is_file: True when it is said to be one file.
    """

    node_id: str
    name: str
    paths: tuple[str, ...]
    is_file: bool = False


@dataclass(frozen=True)
class OutputPort:
    r"""What a node writes.

    Attributes:
        node_id: the node.
        name: port name, ``\\w+``.
        form: ``file``, ``folder`` (made in advance) or ``any``.
        file_name: last part of the path that the script is given.
        mode: ``mount`` or ``upload``.
        kind: ``data`` (PipelineData) or ``dataset`` (OutputFileDatasetConfig).
        destination: folder that gets a copy besides, or empty.
        registered_as: name its result is noted under, or empty.
    """

    node_id: str
    name: str
    form: Form = "any"
    file_name: str = ""
    mode: str = "mount"
    kind: Literal["data", "dataset"] = "data"
    destination: str = ""
    registered_as: str = ""


@dataclass(frozen=True)
class InputPort:
    """What a node reads.

    Attributes:
        node_id: the node.
        name: port name.
        mode: ``mount`` (a path to the data itself), ``download`` (a private copy), ``direct`` (an id).
        source_id: id of the node or data source it comes from.
        source_port: output port of that node; empty for a data source.
        kind: ``data`` or ``dataset``.
    """

    node_id: str
    name: str
    mode: Mode
    source_id: str
    source_port: str = ""
    kind: Literal["data", "dataset"] = "data"


@dataclass(frozen=True)
class Edge:
    """Data going from an output port or a data source to an input port."""

    source_port: OutputPort | DataSource
    dest_port: InputPort


@dataclass(frozen=True)
class Node:
    """One step of the graph.

    Attributes:
        node_id: unique: the name, or ``name#2`` where a name stands twice (legal in v1).
        name: the step's name.
        script: file to run, relative to its snapshot.
        source: where its code comes from.
        arguments: command line, placeholders and all.
        inputs, outputs: ports.
        params: further values for the script's environment, name -> literal or parameter piece.
        run_after: ids of nodes that must have ended well before, without data between them.
        target: name of the compute target.
        environment: interpreter, variables, resources.
        allow_reuse: False makes it run each time.
        version: part of the fingerprint, or empty.
    """

    node_id: str
    name: str
    script: str
    source: Source
    arguments: tuple[Word, ...] = ()
    inputs: tuple[InputPort, ...] = ()
    outputs: tuple[OutputPort, ...] = ()
    params: Mapping[str, Piece] = field(default_factory=dict)
    run_after: tuple[str, ...] = ()
    target: str = "local"
    environment: EnvironmentSpec = field(default_factory=EnvironmentSpec)
    allow_reuse: bool = True
    version: str = ""

    @property
    def place(self) -> str:
        """Where it was declared, for messages: ``prep.py (cell 3)`` or ``prep.py``."""
        return place_of(self.script, self.source)

    def input(self, name: str) -> InputPort:
        """The input port of that name; ``UnknownName`` where there is none."""
        found: InputPort = _named(self.inputs, name, f"Step {self.node_id} has no input {name}.")
        return found

    def output(self, name: str) -> OutputPort:
        """The output port of that name; ``UnknownName`` where there is none."""
        found: OutputPort = _named(self.outputs, name, f"Step {self.node_id} makes no {{{name}}}.")
        return found

    def parameters(self) -> set[str]:
        """Names of the pipeline parameters that it takes."""
        pieces = [piece for word in self.arguments for piece in word] + list(self.params.values())
        return {piece.value for piece in pieces if piece.kind == "parameter"}

    def data_parents(self) -> list[str]:
        """Ids of the nodes whose data it reads, in the order of its inputs, each once."""
        return list(dict.fromkeys(port.source_id for port in self.inputs if port.source_port))

    def parents(self) -> list[str]:
        """Ids of all nodes it waits for: data first, then order only."""
        return list(self._parents)

    @cached_property
    def _parents(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.data_parents(), *self.run_after]))

    def command(self) -> list[str]:
        """Its command line as a fingerprint counts it: placeholders in braces, literal braces doubled."""
        return [symbolic(word) for word in self.arguments]

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        kind = "folder" if isinstance(self.source, FolderSource) else "cell"
        data["source"] = {"kind": kind, **vars(self.source)}
        data["arguments"] = [[[piece.kind, piece.value] for piece in word] for word in self.arguments]
        data["inputs"] = [{**vars(port)} for port in self.inputs]
        data["outputs"] = [{**vars(port)} for port in self.outputs]
        data["params"] = {name: [piece.kind, piece.value] for name, piece in self.params.items()}
        data["run_after"] = list(self.run_after)
        data["environment"] = self.environment.to_json()
        return data

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Node:
        """The node that ``to_json`` wrote."""
        fields = dict(data)
        source = dict(fields["source"])
        if source.pop("kind") == "folder":
            fields["source"] = FolderSource(**source)
        else:
            fields["source"] = CellSource(**{**source, "extra": tuple(source["extra"])})
        fields["arguments"] = tuple(tuple(Piece(*piece) for piece in word) for word in fields["arguments"])
        fields["inputs"] = tuple(InputPort(**port) for port in fields["inputs"])
        fields["outputs"] = tuple(OutputPort(**port) for port in fields["outputs"])
        fields["params"] = {name: Piece(*piece) for name, piece in fields["params"].items()}
        fields["run_after"] = tuple(fields["run_after"])
        fields["environment"] = EnvironmentSpec.from_json(fields["environment"])
        return Node(**fields)


def _named(ports: Iterable[Any], name: str, fact: str) -> Any:
    there = {port.name: port for port in ports}
    if name not in there:
        raise UnknownName(fact, remedy=f"It has: {', '.join(there) or 'none'}")
    return there[name]
