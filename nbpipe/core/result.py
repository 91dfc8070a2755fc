"""Results of steps, and attempts at them, as the store remembers them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, Protocol

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.record import dataclass
from nbpipe.core.shape import well_formed


@dataclass(frozen=True)
class StepResult:
    """What a step made, found by its key.

    Attributes:
        key: key of the fingerprint.
        run: id of the run that made it.
        step, node, pipeline: who made it, by name.
        outputs: output port -> digest of the tree that holds it.
        fingerprint: digest of the stored fingerprint.
        finished: seconds since the epoch.
        seconds: wall time it took.
        metrics: what the script logged, name -> value.
        accepted_from: run whose result was accepted for this key by hand, or empty.
        kept: digest of the tree of its ``./outputs`` folder, or empty.
        likeness: that of the fingerprint, by which a plan finds it before all inputs are known.
        inputs: input port -> digest of what it contained, as in the fingerprint.
        shared_from: the store that it was found in, made by another workspace, or empty; its data may still lie
            there.
    """

    key: str
    run: str
    step: str
    node: str
    pipeline: str
    outputs: Mapping[str, str]
    fingerprint: str
    finished: float
    seconds: float = 0.0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    accepted_from: str = ""
    kept: str = ""
    likeness: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    shared_from: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        return {**vars(self)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> StepResult:
        """The result that ``to_json`` wrote; fields of a later version are passed over.

        Raises:
            TypeError: a field is missing, or of another kind.
        """
        known = StepResult.__dataclass_fields__
        result: StepResult = well_formed(
            StepResult(**{name: value for name, value in data.items() if name in known})
        )
        return result


@dataclass(frozen=True)
class Attempt:
    """One earlier attempt at a step, with the fingerprint it was made with.

    Attributes:
        key: key of that fingerprint.
        run: id of the run.
        pipeline: name of its pipeline.
        status: ``finished``, ``failed`` or ``cancelled``.
        time: when it ended, seconds since the epoch.
        fingerprint: what it was made with.
        seconds: wall time it took.
    """

    key: str
    run: str
    pipeline: str
    status: Literal["finished", "failed", "cancelled"]
    time: float
    fingerprint: Fingerprint
    seconds: float = 0.0


class Memory(Protocol):
    """What is remembered of earlier runs; the store answers it."""

    def result(self, key: str) -> StepResult | None:
        """The newest valid result of a key."""

    def lost_output(self, key: str) -> tuple[str, str] | None:
        """``(port, run)`` when a result of this key was there but its data are gone."""

    def attempts(self, step: str) -> Sequence[Attempt]:
        """Earlier attempts at a step of that name, newest last, a bounded number of them."""

    def refresh(self) -> None:
        """A plan begins: what `alike` answers is to be what is stored from now on."""

    def alike(self, fingerprint: Fingerprint) -> Iterable[StepResult]:
        """Valid results of the likeness of a fingerprint whose inputs are not all known, the newest first.

        Of those whose inputs are not the known ones, any may be left out.
        """

    def read(self, digest: str) -> str | None:
        """Text of a stored file, or None where it is gone or no text."""
