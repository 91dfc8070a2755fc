"""The command itself: its verbs, its help, its exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbpipe.cli.main import VERBS, main


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    import nbpipe

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"nbpipe {nbpipe.__version__}\n"


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert [verb for verb, meaning in VERBS.items() if f"{verb} " not in told or meaning not in told] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Usage: nbpipe {verb} ")
    assert len(told.splitlines()[2]) > 10


@pytest.mark.parametrize("verb", ["run", "plan", "explain", "graph"])
def test_verbs_on_a_pipeline_take_the_same_options(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([verb, "--help"])
    told = capsys.readouterr().out
    for option in ("--param", "--force", "--only", "--jobs", "--target", "--pipeline", "--json"):
        assert option in told


BAD_USAGE = [
    (["rnu"], "There is no verb rnu. Did you mean run?"),
    (["run"], "Missing argument"),
    (["run", "missing.py"], "There is no file missing.py."),
    (["run", "."], ". is no pipeline."),
    (["run", "notes.txt"], "notes.txt is no pipeline."),
    (["run", "--jobs", "0", "p.py"], "0 is not in the range"),
    (["run", "--nonsense", "p.py"], "No such option"),
    (["explain"], "Missing argument"),
    (["explain", "train"], "Nothing has run here."),
    (["logs", "train"], "Nothing has run in"),
    (["stop", "12"], "No run 12."),
    (["stop", "../../etc", "train"], "No run ../../etc."),
    (["gc", "--keep", "-1"], "-1 is not in the range"),
    (["runs", "missing.py"], "There is no file missing.py."),
]


@pytest.mark.parametrize(("words", "message"), BAD_USAGE, ids=[" ".join(words) for words, _ in BAD_USAGE])
def test_bad_usage_exits_two_and_says_why(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_nothing_is_written_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [main([verb]) for verb in ("runs", "stop", "gc")] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_the_version_imports_no_more_than_it_needs() -> None:
    code = "import sys, nbpipe.cli.main as m; m.main(['--version']); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert imported.isdisjoint(
        {"rich", "psutil", "blake3", "asyncio", "nbpipe.workspace", "nbpipe.views.text"}
    )
