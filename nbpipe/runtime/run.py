"""What a step's script knows of its run, and what it can leave there: Azure ML v1's `Run`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from nbpipe.errors import NbpipeError
from nbpipe.runtime.context import Datasets, RunExperiment, input_datasets, output_datasets
from nbpipe.runtime.recorder import Recorder
from nbpipe.runtime.spool import MemorySpool, Spool


class Run(Recorder):
    """The run a script is part of.

    Made by `Run.get_context`. Inside a step, what is logged, tagged or uploaded goes to the run and is kept
    when the step ends; outside, the same calls work and keep nothing, so that a script also runs by itself.

    Args:
        variables: the environment it is described in (names as in Azure ML v1, plus `NBPIPE_SPOOL`,
            `NBPIPE_STEP`, `NBPIPE_WORKSPACE` and `NBPIPE_SECRETS`).
        spool: where its records go.
        role: "step", or "parent" for the run of the whole pipeline.

    Example:
        >>> run = Run.get_context()
        >>> run.log("accuracy", 0.93)
        >>> run.log("accuracy", 0.95)
        >>> run.get_metrics()
        {'accuracy': [0.93, 0.95]}
        >>> run.parent.tag("quality", "good")
    """

    def __init__(self, variables: Mapping[str, str], spool: Spool, *, role: str = "step") -> None:
        super().__init__(spool, role)
        self._variables = variables
        self._status = "Running"

    @classmethod
    def get_context(cls, allow_offline: bool = True, **_ignored: object) -> Run:
        """The run this script is part of.

        Args:
            allow_offline: outside any step, give a run that keeps nothing instead of raising.

        Raises:
            NbpipeError: outside any step, where that is not allowed.
        """
        folder = os.environ.get("NBPIPE_SPOOL")
        if folder:
            names = os.environ.get("NBPIPE_SECRETS", "").split("=")
            return cls(dict(os.environ), Spool(folder, [os.environ.get(name, "") for name in names]))
        if not allow_offline:
            raise NbpipeError(
                "This script runs outside any step.",
                remedy="Run it as a step of a pipeline, or allow it:  Run.get_context()",
            )
        return cls({"AZUREML_ARM_PROJECT_NAME": "offline"}, MemorySpool())

    # What the run is.

    @property
    def id(self) -> str:
        """The run's id."""
        variable = "AZUREML_ROOT_RUN_ID" if self._role == "parent" else "AZUREML_RUN_ID"
        return self._variables.get(variable, "OfflineRun")

    @property
    def name(self) -> str:
        """The step's name; of the pipeline's run, the experiment's."""
        if self._role == "parent":
            return self.experiment.name
        return self._variables.get("NBPIPE_STEP") or os.path.basename(sys.argv[0])

    @property
    def number(self) -> int:
        """The number of the pipeline's run in its workspace."""
        digits = re.match(r"\d+", self._variables.get("AZUREML_ROOT_RUN_ID", ""))
        return int(digits[0]) if digits else 1

    @property
    def parent(self) -> Run | None:
        """The run of the whole pipeline; None for that run itself."""
        if self._role == "parent":
            return None
        return Run(self._variables, self._spool, role="parent")

    @property
    def experiment(self) -> RunExperiment:
        """The experiment, and through it the workspace."""
        return RunExperiment(self._variables)

    @property
    def input_datasets(self) -> Datasets:
        """Path of each dataset the step reads, by name; for one in direct mode, its id."""
        return input_datasets(self._variables)

    @property
    def output_datasets(self) -> Datasets:
        """Path of each dataset the step writes, by name."""
        return output_datasets(self._variables)

    @property
    def status(self) -> str:
        """`Running`, until `complete` or `fail` was called here."""
        return self._status

    def get_status(self) -> str:
        """The same as `status`."""
        return self._status

    def get_details(self) -> dict[str, Any]:
        """What is known of the run, as v1 names it."""
        return {
            "runId": self.id,
            "status": self._status,
            "properties": self.properties,
            "tags": self.tags,
            "inputDatasets": dict(self.input_datasets),
            "outputDatasets": dict(self.output_datasets),
        }

    # How it ends.

    def complete(self) -> None:
        """Mark the run as done; the script may go on, and its exit status still decides."""
        self._status = "Completed"
        self._append("complete")

    def fail(self, error_details: object = None, error_code: str | None = None) -> None:
        """Mark the run as failed, whatever the script's exit status; with what happened, for its reader."""
        self._status = "Failed"
        details = None if error_details is None else str(error_details)
        self._append("fail", details=details, code=error_code)

    def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing is held back, so there is nothing to wait for."""

    def __enter__(self) -> Run:  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.complete()
        else:
            self.fail(f"{type(error).__name__}: {error}")
