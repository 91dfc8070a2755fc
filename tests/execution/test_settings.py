"""What ``nbpipe.toml`` and v1's ``config.json`` may say."""

from __future__ import annotations

import json
import os

import pytest

from nbpipe.errors import UsageError
from nbpipe.execution.settings import Settings, config_in, read_config


def read(tmp_path, text):
    path = tmp_path / "nbpipe.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Settings.read(path)


def test_every_setting_is_read(tmp_path):
    text = '[reuse]\ncode = "bytes"\n[run]\njobs = 2\ngpus = 0\nlog_limit = 1000000\n'
    assert read(tmp_path, text) == Settings(code_by_bytes=True, jobs=2, gpus=0, log_limit=1_000_000)


def test_no_file_and_an_empty_one_mean_the_defaults(tmp_path):
    assert Settings.read(tmp_path / "absent.toml") == read(tmp_path, "") == Settings()
    defaults = Settings()
    assert (defaults.code_by_bytes, defaults.jobs, defaults.gpus, defaults.log_limit) == (
        False,
        None,
        None,
        2**30,
    )


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("x = ", "nbpipe.toml cannot be read"),
        (b"\xff", "nbpipe.toml cannot be read"),
        ("[run]\njob = 2\n", "nbpipe.toml sets run.job."),
        ("[runs]\njobs = 2\n", "nbpipe.toml sets runs.jobs."),
        ("jobs = 2\n", "nbpipe.toml sets jobs."),
        ("run = 2\n", "nbpipe.toml sets run."),
        ('[reuse]\ncode = "ast"\n', "nbpipe.toml sets reuse.code to 'ast'."),
        ("[run]\njobs = 0\n", "nbpipe.toml sets run.jobs to 0."),
        ('[run]\njobs = "two"\n', "nbpipe.toml sets run.jobs to 'two'."),
        ("[run]\njobs = true\n", "nbpipe.toml sets run.jobs to True."),
        ("[run]\ngpus = -1\n", "nbpipe.toml sets run.gpus to -1."),
        ("[run]\nlog_limit = 1.5\n", "nbpipe.toml sets run.log_limit to 1.5."),
        (f"[run]\njobs = 1{'0' * 30}\n", "nbpipe.toml sets run.jobs to 1000"),
        (f"[run]\njobs = {'9' * 5000}\n", "nbpipe.toml cannot be read"),
        (f"x = {'[' * 100_000}", "nbpipe.toml cannot be read"),
    ],
)
def test_what_nobody_knows_is_an_error_that_names_it(tmp_path, text, fact):
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)
    assert raised.value.fact.startswith(fact)


CONFIG = {"subscription_id": "s", "resource_group": "r", "workspace_name": "w"}


def test_a_config_is_found_in_its_folder_or_beside_in_azureml(tmp_path):
    assert config_in(tmp_path) is None
    (tmp_path / ".azureml").mkdir()
    (tmp_path / ".azureml" / "config.json").write_text(json.dumps(CONFIG), "utf-8")
    assert config_in(tmp_path) == CONFIG
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "workspace_name": "x"}), "utf-8")
    assert config_in(tmp_path) == {**CONFIG, "workspace_name": "x"}


def test_a_pipe_or_a_folder_of_that_name_is_no_config(tmp_path):
    (tmp_path / "config.json").mkdir()
    assert config_in(tmp_path) is None
    (tmp_path / "config.json").rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "config.json")
        assert config_in(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    ["{", "[" * 100_000, "[]", "{}", '{"subscription_id": "s", "resource_group": 1, "workspace_name": "w"}'],
)
def test_a_file_without_the_three_keys_is_no_config(tmp_path, text):
    (tmp_path / "config.json").write_text(text, "utf-8")
    assert read_config(tmp_path / "config.json") is None
