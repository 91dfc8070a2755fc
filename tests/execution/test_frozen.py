"""A run as it was frozen goes to JSON and back."""

from __future__ import annotations

import json

import pytest

from nbpipe.core.environment import EnvironmentSpec, Resources
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.graph import Graph
from nbpipe.core.node import CellSource, Node
from nbpipe.errors import StoreError, UsageError
from nbpipe.execution.frozen import FrozenRun, FrozenStep, RunOptions

GRAPH = Graph("demo")
GRAPH.add_node(
    Node("a", "a", "a.py", CellSource("steps/a/a.py", ".", ("x",), "cell 3"),
         environment=EnvironmentSpec(resources=Resources(retries=2)))
)  # fmt: skip
FROZEN = FrozenRun(
    "7", "demo", {"workspace_name": "lab"}, GRAPH,
    {"a": FrozenStep({"a.py": "9c02"}, {"a.py": 0o700}, "/bin/python", Fingerprint({"version": {"version": "1"}}))},
    RunOptions(force=("a",), jobs=2, tags={"by": "hand"}, names_elsewhere={"df": "cell 2"}), [{"node": "a"}], 12.5,
)  # fmt: skip


def test_it_comes_back_as_it_was():
    data = json.loads(json.dumps(FROZEN.to_json()))
    back = FrozenRun.from_json(data)
    assert back.to_json() == FROZEN.to_json()
    assert back.options == FROZEN.options
    assert back.graph.nodes == FROZEN.graph.nodes
    assert back.steps["a"].fingerprint == FROZEN.steps["a"].fingerprint


def test_one_of_a_newer_nbpipe_is_refused_with_the_remedy():
    with pytest.raises(UsageError) as raised:
        FrozenRun.from_json({**FROZEN.to_json(), "format": 2})
    assert raised.value.fact.startswith("This run has format 2")


@pytest.mark.parametrize("missing", sorted(set(FROZEN.to_json()) - {"targets"}))
def test_one_that_lacks_something_is_damaged(missing):
    data = FROZEN.to_json()
    del data[missing]
    with pytest.raises(StoreError, match="damaged"):
        FrozenRun.from_json(data)
