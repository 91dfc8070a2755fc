"""The arguments of a step: how texts, numbers, parameters and data become the words of its command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from numbers import Real
from typing import Any, Literal

from nbpipe.core.data import InputPortBinding, OutputPortBinding, PipelineData, origin
from nbpipe.core.dataset import DatasetConsumptionConfig, FileDataset
from nbpipe.core.datastore import DataReference
from nbpipe.core.graph import Piece, Word
from nbpipe.core.parameter import SIMPLE_TYPES, PipelineParameter
from nbpipe.core.port import Mode
from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError

_VARIABLE = re.compile(r"\$AZUREML_DATAREFERENCE_(\w+)", re.ASCII)
_ARGUMENT_TYPES = "Arguments are texts, numbers, parameters and data objects."


@dataclass(frozen=True)
class Joined:
    """Several arguments written as one word, as in ``--out={>model}`` (nbpipe's own)."""

    parts: tuple[Any, ...]


def flat(arguments: Iterable[Any]) -> Iterator[Any]:
    """Arguments with joined words taken apart."""
    for argument in arguments:
        if isinstance(argument, Joined):
            yield from argument.parts
        else:
            yield argument


@dataclass(frozen=True)
class StepInput:
    """An input of a step: a name, the data object it is bound to, and how it is handed over."""

    name: str
    data: Any
    mode: Mode = "mount"
    kind: Literal["data", "dataset"] = "data"


def source_of(value: Any) -> Any:
    """The data object that a binding, a dataset input or one of v1's ``as_*`` copies stands for."""
    if isinstance(value, OutputPortBinding):
        return value.data
    if isinstance(value, InputPortBinding):
        return source_of(value.bind_object)
    if isinstance(value, DatasetConsumptionConfig):
        return origin(value.dataset)
    return origin(value)


@dataclass(frozen=True)
class CommandLine:
    """What the arguments of a step may speak of, and the words they become.

    Attributes:
        step: the step's name, for messages.
        inputs, outputs: ports by name.
        params: further values by name, for v1's ``"parameter:NAME"``.

    Example:
        >>> line = CommandLine("train", params={"lr": PipelineParameter("lr", 0.1)})
        >>> [str(piece) for argument in ("--lr", "parameter:lr", 3) for piece in line.word(argument)]
        ['--lr', '{lr}', '3']
    """

    step: str
    inputs: Mapping[str, StepInput] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    def word(self, argument: Any) -> Word:
        """One word; ``UsageError`` for what can stand in no command line.

        Neighbouring texts become one, so that a word is written in one way only.
        """
        pieces: list[Piece] = []
        for part in argument.parts if isinstance(argument, Joined) else (argument,):
            for piece in self._pieces(part):
                joins = pieces and pieces[-1].kind == piece.kind == "text"
                pieces.append(Piece("text", pieces.pop().value + piece.value) if joins else piece)
        return tuple(pieces)

    def _pieces(self, value: Any) -> list[Piece]:
        if isinstance(value, str):
            return self._text_pieces(value)
        if isinstance(value, Real):
            return [Piece("text", str(value))]
        if isinstance(value, PipelineParameter) and isinstance(value.default_value, SIMPLE_TYPES):
            return [Piece("parameter", value.name)]
        source = source_of(value)
        if not isinstance(value, InputPortBinding):
            for name, data in self.outputs.items():
                if origin(data) is source:
                    return [Piece("output", name)]
        for given in self.inputs.values():
            if _is_bound(given, value, source):
                return [Piece("input", given.name)]
        raise self._not_an_argument(value)

    def _text_pieces(self, text: str) -> list[Piece]:
        """Text, with ``parameter:NAME`` and ``$AZUREML_DATAREFERENCE_name`` read as v1 reads them."""
        if text.startswith("parameter:") and text[10:] in self.params:
            return [param_piece(self.params[text[10:]])]
        parts = _VARIABLE.split(text)
        pieces = [
            self._variable(part) if index % 2 else Piece("text", part) for index, part in enumerate(parts)
        ]
        return [piece for piece in pieces if piece.value] or [Piece("text", "")]

    def _variable(self, name: str) -> Piece:
        """The port that ``str(data)`` speaks of; a placeholder never reaches a script."""
        sides: tuple[tuple[Literal["output", "input"], Mapping[str, Any]], ...]
        sides = (("output", self.outputs), ("input", self.inputs))
        for kind, ports in sides:
            if name in ports:
                return Piece(kind, name)
            for port, bound in ports.items():
                data = bound.data if isinstance(bound, StepInput) else bound
                if isinstance(data, PipelineData) and data.name == name:
                    return Piece(kind, port)
        raise UsageError(
            f"$AZUREML_DATAREFERENCE_{name} is an argument of step {self.step} and {name} neither among its "
            "inputs nor its outputs.",
            remedy=f"Say which:  inputs=[{name}]  or  outputs=[{name}]",
        )

    def _not_an_argument(self, value: Any) -> UsageError:
        if isinstance(value, PipelineData | DataReference | InputPortBinding):
            name = getattr(source_of(value), "name", None) or getattr(value, "data_reference_name", "it")
            return UsageError(
                f"{name} is an argument of step {self.step} and neither among its inputs nor its outputs.",
                remedy=f"Say which:  inputs=[{name}]  or  outputs=[{name}]",
            )
        if isinstance(value, FileDataset):
            return UsageError(
                f"A dataset is an argument of step {self.step} without a name.",
                remedy='Name it:  dataset.as_named_input("raw").as_mount()',
            )
        return UsageError(f"Step {self.step} has {value!r} among its arguments.", remedy=_ARGUMENT_TYPES)


def param_piece(value: Any) -> Piece:
    """A value of ``params`` as a piece: its text, or the parameter that it is bound to."""
    if isinstance(value, PipelineParameter):
        return Piece("parameter", value.name)
    return Piece("text", str(value))


def _is_bound(given: StepInput, value: Any, source: Any) -> bool:
    if isinstance(value, InputPortBinding):
        return given.name in (value.name, f"INPUT_{value.name}") and origin(given.data) is source
    if isinstance(value, DatasetConsumptionConfig):
        same_name = value.name is None or given.name in (value.name, f"INPUT_{value.name}")
        return same_name and origin(given.data) is source and given.mode == value.mode
    if isinstance(value, tuple) and value:
        return given.data is value[0]
    return origin(given.data) is source
