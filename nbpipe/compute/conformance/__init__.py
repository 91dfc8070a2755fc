"""The laws that every backend keeps, as tests to be run for one's own.

They need pytest, and a target that can be opened more than once. In a test module of the package that brings
the backend::

    import pytest
    from nbpipe.compute.conformance import BackendLaws, Target


    class TestMyBackend(BackendLaws):
        @pytest.fixture
        def target(self, tmp_path):
            return Target(lambda: MyBackend("box", tmp_path))

and in its `conftest.py`, so that what fails is shown in full::

    pytest.register_assert_rewrite("nbpipe.compute.conformance")

Each law starts scripts that use the standard library of Python 3.9, and looks at what comes back. Those that
speak of parcels are passed over where files are shared, those of attaching where jobs cannot be found again,
and those of a holder that is killed where the target does not say how one is made (`Target.holder`); pytest
names what was passed over and why.
"""

from __future__ import annotations

from nbpipe.compute.conformance.endings import EndingLaws
from nbpipe.compute.conformance.holders import HolderLaws
from nbpipe.compute.conformance.parcels import ParcelLaws
from nbpipe.compute.conformance.processes import ProcessLaws
from nbpipe.compute.conformance.results import ResultLaws
from nbpipe.compute.conformance.trial import Target

__all__ = ["BackendLaws", "Target"]


class BackendLaws(ProcessLaws, EndingLaws, HolderLaws, ParcelLaws, ResultLaws):
    """Every law. A subclass gives a fixture `target`, which yields a `Target`."""
