"""Run configurations: what they declare, and what they refuse."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.core.environment import (
    CondaDependencies,
    Declared,
    Environment,
    EnvironmentSpec,
    Resources,
    RunConfiguration,
    parse_duration,
    parse_memory,
)
from nbpipe.errors import UsageError


@pytest.mark.parametrize(
    "of", [RunConfiguration(), Environment("e"), Environment("e").python, Environment("e").docker]
)
def test_an_unknown_attribute_is_refused_by_name(of: object) -> None:
    with pytest.raises(AttributeError, match=rf"{type(of).__name__} has no attribute 'colour'. It has: "):
        of.colour = "red"


def test_what_public_notebooks_set_is_kept() -> None:
    config = RunConfiguration()
    config.environment.docker.enabled = True
    config.environment.docker.base_image = "ubuntu"
    config.environment.python.user_managed_dependencies = True
    config.environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=["a"], conda_packages=["b"], python_version="3.11"
    )
    config.environment.python.conda_dependencies.add_channel("forge")
    assert config.spec().definition == {
        "pip_packages": ["a"], "conda_packages": ["b"], "conda_channels": ["forge"], "python_version": "3.11",
        "base_image": "ubuntu",
    }  # fmt: skip


def test_a_plain_configuration_declares_nothing() -> None:
    assert RunConfiguration().spec() == EnvironmentSpec()


def test_variables_of_the_configuration_win() -> None:
    config = RunConfiguration(environment=Environment("e"))
    config.environment.environment_variables = {"A": "1", "B": "1"}
    config.environment_variables = {"B": "2"}
    assert config.spec().variables == {"A": "1", "B": "2"}


def test_an_interpreter_given_beside_an_environment_leaves_that_as_it_was() -> None:
    mine = Environment("mine")
    assert RunConfiguration(environment=mine).environment is mine
    config = RunConfiguration(environment=mine, python="python3.9")
    assert (config.spec().python, mine.python.interpreter_path) == ("python3.9", "")


def test_the_time_out_of_v1_is_the_time_out() -> None:
    config = RunConfiguration()
    config.max_run_duration_seconds = 30.0
    assert config.spec().resources.timeout == 30.0
    config.resources.timeout = 10.0
    assert (config.spec().resources.timeout, config.spec().resources.retries) == (10.0, 0)


def test_a_spec_is_what_was_declared_then() -> None:
    config = RunConfiguration()
    spec = config.spec()
    config.resources.gpus = 2
    config.secret_variables.append("TOKEN")
    assert (spec.resources, spec.secrets) == (Resources(), ())


def test_a_spec_goes_to_json_and_back() -> None:
    config = RunConfiguration(python="python3.9", environment="full")
    config.inherited_variables, config.secret_variables = ["HOME"], ["TOKEN"]
    config.resources = Resources(1, 2**30, 60.0, 2)
    spec = config.spec()
    assert EnvironmentSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("2k", 2048),
        ("512M", 2**29),
        ("1.5GiB", 3 * 2**29),
        (" 2 g".replace(" ", ""), 2**31),
        ("1TB", 2**40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("1.5m", 90.0), ("2h", 7200.0), ("1d", 86400.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@given(
    st.sampled_from([parse_memory, parse_duration]),
    st.sampled_from(["", "G", "-1", "1x", "0", "1 2", "nan", "1e3", "m5"]),
)
def test_what_is_no_measure_is_refused(parse: object, text: str) -> None:
    with pytest.raises(UsageError, match="Write it as"):
        parse(text)


def test_what_is_declared_is_told_whatever_way_it_was_said() -> None:
    def declared(**said: object) -> Declared | None:
        config = RunConfiguration()
        config.environment.python.conda_dependencies = CondaDependencies.create(**said)
        return EnvironmentSpec.from_json(config.spec().to_json()).declared

    assert declared() is None
    assert declared(pip_packages=["a"], python_version="3.11") == Declared(("a",), "3.11")
    assert declared(conda_packages=["python=3.10", "pip=23.0"]) == Declared((), "3.10")
    assert declared(conda_packages=["python==3.10.*", "conda-forge::pip"]) == Declared((), "3.10")
    assert declared(conda_packages=["pip"]) is None
    found = declared(pip_packages=["a"], conda_packages=["python", "numpy=1.2", "python-dateutil"])
    assert found == Declared(("a",), "", ("numpy=1.2", "python-dateutil"))


def test_packages_that_the_user_looks_after_are_not_to_be_made() -> None:
    config = RunConfiguration()
    config.environment.python.user_managed_dependencies = True
    config.environment.python.conda_dependencies = CondaDependencies.create(conda_packages=["numpy"])
    assert config.spec().declared is None
