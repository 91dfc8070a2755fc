"""The order of steps: what all steps share, and sequences of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from nbpipe.core.data import PipelineData, origin
from nbpipe.core.dataset import OutputFileDatasetConfig
from nbpipe.errors import UsageError


class PipelineStep:
    """What all steps share: a name, an order, a place in a graph (Azure ML v1's ``PipelineStep``)."""

    step_type = "PipelineStep"

    def __init__(self, name: str) -> None:
        self.name = name
        self.run_after_steps: list[PipelineStep] = []

    def run_after(self, step: PipelineStep) -> None:
        """Let this step wait until ``step`` has ended well, without taking data from it."""
        if step is self:
            raise UsageError(f"Step {self.name} cannot run after itself.")
        if step not in self.run_after_steps:
            self.run_after_steps.append(step)


class StepSequence:
    """Steps one after another; a list inside means steps side by side (Azure ML v1's ``StepSequence``).

    Example:
        >>> first, left, right = (PipelineStep(name) for name in "abc")
        >>> _ = StepSequence([first, [left, right]])
        >>> left.run_after_steps == right.run_after_steps == [first]
        True
    """

    def __init__(self, steps: Iterable[Any] | None = None) -> None:
        self._steps: list[PipelineStep] = []
        earlier: list[PipelineStep] = []
        for given in steps or ():
            together = list(steps_in(given))
            for step in together:
                for before in earlier:
                    step.run_after(before)
            self._steps.extend(together)
            earlier = together or earlier

    def __iter__(self) -> Iterator[PipelineStep]:
        return iter(self._steps)


def steps_in(given: Any) -> Iterator[PipelineStep]:
    """All steps in a step, a nested list, a ``StepSequence`` or the data that a step makes."""
    if isinstance(given, PipelineStep):
        yield given
    elif isinstance(given, PipelineData | OutputFileDatasetConfig):
        if origin(given).producer is None:
            raise UsageError(f"Nothing makes {given!r}.", remedy="Put the step that writes it into the list.")
        yield origin(given).producer
    elif isinstance(given, list | tuple | StepSequence):
        for each in given:
            yield from steps_in(each)
    else:
        raise UsageError(
            f"{given!r} is no step.", remedy="A pipeline takes steps, lists of steps and StepSequences."
        )
