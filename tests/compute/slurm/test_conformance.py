"""SLURM keeps the laws of every backend."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from nbpipe.compute.base import Backend
from nbpipe.compute.conformance import BackendLaws, Target
from nbpipe.compute.conformance.trial import Trial
from nbpipe.compute.slurm.backend import SlurmBackend
from tests.slurm_cluster import SlurmCluster

pytestmark = pytest.mark.slow

_HOLDER = """
import os
from nbpipe.compute.slurm.backend import SlurmBackend
backend = SlurmBackend("hpc", environ=os.environ)
"""


class TestSlurm(BackendLaws):
    """One sbatch a job."""

    @pytest.fixture
    def target(self, cluster: SlurmCluster, monkeypatch) -> Target:
        monkeypatch.setenv("SLURM_CONF", cluster.environ["SLURM_CONF"])
        return Target(lambda: SlurmBackend("hpc", environ=dict(os.environ)), holder=_HOLDER)

    def test_variables_are_the_whole_environment_or_are_laid_over_that_of_the_machine(
        self, trial: Trial
    ) -> None:
        """They are the whole, and SLURM adds its own, which tell a step what it was given."""

        async def work(backend: Backend) -> set[str]:
            job = replace(
                await trial.job(backend, "import os; print('\\n'.join(os.environ))"),
                env={"HOME": "/", "LANG": "C"},
            )
            _, heard = await trial.finished(backend, job)
            return set(heard.lines)

        names = trial.run(work)
        assert names >= {"HOME", "LANG", "SLURM_JOB_ID"}
        assert "PYTEST_CURRENT_TEST" not in names
