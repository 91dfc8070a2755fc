"""The exception that ended a script is read from whatever it wrote to stderr, and from nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.execution.failure import Raised, crash_line, read_traceback

HEADER = "Traceback (most recent call last):\n"
SHORT = HEADER + '  File "/w/train.py", line 4, in <module>\n    f()\n    ^^^\nKeyError: 1\n'


def stderr_of(folder: Path, script: str, **modules: str) -> str:
    """What a script that is run by its path, with modules beside it, writes to stderr."""
    for name, text in {"train": script, **modules}.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    command = [sys.executable, "-B", str(folder / "train.py")]
    done = subprocess.run(command, capture_output=True, cwd=folder, stdin=subprocess.DEVNULL, check=False)
    return done.stderr.decode()


def seen(raised: Raised | None):
    return raised and (raised.kind, raised.message, raised.file, raised.line, raised.script_line)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "x = 1\n\nint('a')",
            ("ValueError", "invalid literal for int() with base 10: 'a'", "train.py", 3, 3),
        ),
        ("import json\njson.loads('')", ("json.decoder.JSONDecodeError", None, "train.py", 2, 2)),
        ("import helper\nhelper.f()", ("ZeroDivisionError", "division by zero", "helper.py", 2, 2)),
        ("assert 0", ("AssertionError", "", "train.py", 1, 1)),
        ("def f():\n    f()\nf()", ("RecursionError", None, "train.py", 2, 2)),
        ("x = (\n", ("SyntaxError", "'(' was never closed", "train.py", 1, 1)),
        ("if 1:\nx", ("IndentationError", None, "train.py", 2, 2)),
        ("eval('1 +')", ("SyntaxError", "invalid syntax", "train.py", 1, 1)),
        ("raise ValueError('a\\nb')", ("ValueError", "a", "train.py", 1, 1)),
        ("raise ValueError('\\na')", ("ValueError", "a", "train.py", 1, 1)),
        ("class Own(Exception): pass\nraise Own('é')", ("Own", "é", "train.py", 2, 2)),
        (
            "raise ExceptionGroup('two', [ValueError(1), KeyError(2)])",
            ("ExceptionGroup", None, "train.py", 1, 1),
        ),
        ("import sys\nsys.exit('bye')", None),
        ("import threading as t\nx = t.Thread(target=int, args='a')\nx.start(); x.join()", None),
        ("class D:\n    def __del__(self): 1 / 0\nD()", None),
    ],
)
def test_what_python_writes_is_read(tmp_path, script, expected):
    raised = read_traceback(stderr_of(tmp_path, script, helper="def f():\n    1 / 0\n"), "train.py")
    found = seen(raised)
    if expected and expected[1] is None:
        assert found[1]
        found = (found[0], None, *found[2:])
    assert found == expected


def test_the_last_of_a_chain_is_told_and_its_cause_kept(tmp_path):
    script = "try:\n    open('x')\nexcept OSError as e:\n    raise RuntimeError('cannot load') from e\n"
    raised = read_traceback(stderr_of(tmp_path, script), "train.py")
    assert (raised.kind, raised.line) == ("RuntimeError", 4)
    assert (raised.cause.kind, raised.cause.line) == ("FileNotFoundError", 2)


def test_an_exception_met_while_handling_another_is_no_cause(tmp_path):
    script = "try:\n    import nowhere\nexcept ImportError:\n    1 / 0\n"
    raised = read_traceback(stderr_of(tmp_path, script), "train.py")
    assert raised.kind == "ZeroDivisionError"
    assert raised.cause is None


@pytest.mark.parametrize(
    "text",
    [
        "\r 30%|###   |\r 60%|######|" + SHORT,
        SHORT.replace("\n", "\r\n"),
        SHORT.replace("KeyError", "\x1b[1;35mKeyError\x1b[0m").replace("4", "\x1b[35m4\x1b[0m"),
        "a warning\n" + SHORT + "something said at exit\n",
        SHORT.replace("KeyError: 1", "ValueError: 0") + "\nDuring handling of ...\n\n" + SHORT,
        "  File in no traceback\n" + SHORT,
        SHORT.replace("/w/train.py", "C:\\w\\train.py"),
    ],
)
def test_what_stands_around_it_does_not_matter(text):
    assert seen(read_traceback(text, "train.py")) == ("KeyError", "1", "train.py", 4, 4)


def test_foreign_frames_are_no_line_of_the_step():
    text = HEADER + '  File "/lib/x.py", line 9, in f\n    g()\nKeyError: 1\n'
    assert seen(read_traceback(text, "train.py")) == ("KeyError", "1", "", None, None)


def test_a_script_in_a_folder_is_known_by_its_whole_path():
    text = SHORT.replace("/w/train.py", "/w/src/train.py")
    raised = read_traceback(text, "src/train.py")
    assert (raised.file, raised.root) == ("src/train.py", "/w/")


PARTS = ["\n", " ", ":", "(", "x", "  | ", HEADER, '  File "/w/train.py", line 4\n', "SyntaxError: y\n"]


@given(st.text(max_size=200) | st.lists(st.sampled_from(PARTS)).map("".join))
def test_any_text_is_read_without_harm(text):
    for raised in (read_traceback(text, "train.py"), read_traceback(SHORT[20:] + text, "train.py")):
        assert raised is None or "\n" not in raised.kind + raised.message


def test_the_line_of_a_crash_is_what_faulthandler_saw(tmp_path):
    script = "import faulthandler\nfaulthandler.enable()\n\nfaulthandler._sigsegv()\n"
    assert crash_line(stderr_of(tmp_path, script), "train.py") == 4
    assert crash_line("Segmentation fault", "train.py") is None
