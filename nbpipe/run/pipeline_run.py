"""A run of a pipeline, as its user has it in hand."""

from __future__ import annotations

from typing import Any

from nbpipe.core.display import Displayed
from nbpipe.core.explanation import Explanation
from nbpipe.errors import ActivityFailedException, UnknownName
from nbpipe.run.step_run import Follower, StepRun, wait_until
from nbpipe.run.story import RunStory
from nbpipe.runtime.metrics import fold


class PipelineRun(RunStory, Displayed):
    """A run of a pipeline, read from its folder; it may be live in another process.

    Example:
        ``run = pipeline.submit("demo"); run.wait_for_completion()`` gives ``"Finished"``.
    """

    def get_steps(self) -> list[StepRun]:
        """All steps, in the order of their declaration."""
        return [StepRun(self, node.node_id) for node in self.graph.nodes]

    def find_step_run(self, name: str) -> list[StepRun]:
        """The steps of that name; a list, since Azure ML v1 allows a name twice."""
        return [StepRun(self, node.node_id) for node in self.graph.named(name)]

    def step(self, name: str) -> StepRun:
        """The first step of that name or node id; ``UnknownName`` names those there are."""
        found = self.find_step_run(name)
        if not found:
            known = ", ".join(node.node_id for node in self.graph.nodes)
            raise UnknownName(f"Run {self.id} has no step {name}.", remedy=f"Steps: {known}")
        return found[0]

    def cancel(self, step: str | None = None, by: str = "you") -> None:
        """Ask the runner to stop a step, or the whole run; it ends the processes within seconds."""
        self.stop(self.step(step).node_id if step else "", by)

    def force(self, step: str) -> None:
        """Ask the runner to run a step that has not been decided yet, whatever is stored."""
        self.force_node(self.step(step).node_id)

    def wait_for_completion(
        self, show_output: bool = True, timeout_seconds: float | None = None, raise_on_error: bool = True
    ) -> str:
        """Wait for the end of the run.

        Args:
            show_output: print each step's output and how it ended, as it comes.
            timeout_seconds: give up waiting (the run goes on); None waits for ever.
            raise_on_error: raise when it did not finish well.

        Returns:
            The run's status.

        Raises:
            ActivityFailedException: the run failed or was cancelled; the message has the first failure and its remedy.
            TimeoutError: it did not end in time.
        """
        follow = Follower(self.get_steps()) if show_output else None
        wait_until(lambda: self._is_over(follow), timeout_seconds, f"Run {self.id} has not ended yet.")
        if raise_on_error and self.status != "Finished":
            raise self.failure()
        return self.status

    def _is_over(self, follow: Follower | None) -> bool:
        over = self.state.finished is not None or self.interrupted
        if follow:
            follow.tell()
        return over

    def failure(self) -> ActivityFailedException:
        """The error that tells why the run did not finish well."""
        if self.interrupted:
            said = self.runner_error()
            return ActivityFailedException(
                f"Run {self.id} was interrupted: its runner is gone{f' ({said})' if said else ''}.",
                remedy="Run it again; what was finished is reused.",
            )
        steps = self.get_steps()
        failed = next((step for step in steps if step.failure), None)
        if failed is None:
            stopped = next((step for step in steps if step.stopped_by), None)
            by = f": {stopped.name} was stopped by {stopped.stopped_by}" if stopped else ""
            return ActivityFailedException(f"Run {self.id} was cancelled{by}.")
        error = failed.error()
        return ActivityFailedException(f"Run {self.id} failed. {error.fact}", remedy=error.remedy)

    def explain(self, step: str) -> Explanation:
        """Why a step ran or was reused in this run."""
        return self.step(step).explain()

    def get_metrics(self, *, recursive: bool = False) -> dict[str, Any]:
        """What scripts logged for the whole run, by ``run.parent.log()``: name -> value.

        Args:
            recursive: those of the steps instead: node id -> name -> value.
        """
        if not recursive:
            return fold(self._logged(), "parent")
        found = {step.node_id: step.get_metrics() for step in self.get_steps()}
        return {node: metrics for node, metrics in found.items() if metrics}

    def __repr__(self) -> str:
        return f"PipelineRun({self.id}, {self.status})"
