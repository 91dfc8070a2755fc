"""The magic line of a step: one row a rule, good and bad."""

from __future__ import annotations

from typing import Any

import pytest

from nbpipe.errors import UsageError
from nbpipe.notebook.magic_line import parse_magic_line, parse_module_line
from nbpipe.notebook.options import OPTIONS
from nbpipe.notebook.words import Read, Write

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("prep.py", {"script": "prep.py", "name": "prep"}),
    ("models/train.py -x", {"script": "models/train.py", "name": "train"}),
    ("grün.py", {"script": "grün.py", "name": "grün"}),
    ("gru\u0308n.py", {"script": "grün.py"}),
    ("'my script.py'", {"script": "my script.py", "name": "my script"}),
    ("--name fit prep.py", {"name": "fit"}),
    ("--name=fit prep.py", {"name": "fit"}),
    ("--name 'a b' prep.py", {"name": "a b"}),
    ("--name=--odd prep.py", {"name": "--odd"}),
    ("-- prep.py", {"script": "prep.py"}),
    ("--inputs clean,raw prep.py", {"inputs": (Read("clean", name="clean"), Read("raw", name="raw"))}),
    (
        "--inputs {clean} --inputs ./x prep.py",
        {"inputs": (Read("clean", name="clean"), Read("./x", path="./x"))},
    ),
    ("--outputs a.csv,b/ prep.py", {"outputs": (Write("a", "a.csv", "file"), Write("b", "b", "folder"))}),
    ("--outputs '{>a}' prep.py", {"outputs": (Write("a", "a", "any"),)}),
    ("--params lr prep.py", {"params": (("lr", Read("lr", name="lr")),)}),
    (
        "--params lr=0.1 --params d={depth} prep.py",
        {"params": (("lr", "0.1"), ("d", Read("depth", name="depth")))},
    ),
    ("--source-directory src prep.py", {"source_directory": "src"}),
    ("--with a.py --with ../lib prep.py", {"with_paths": ("a.py", "../lib")}),
    ("--compute-target gpu-box prep.py", {"compute_target": "gpu-box"}),
    ("--compute-target {box} prep.py", {"compute_target": Read("box", name="box")}),
    ("--runconfig rc prep.py", {"runconfig": "rc"}),
    ("--runconfig {rc} prep.py", {"runconfig": "rc"}),
    ("--python .venv/bin/python prep.py", {"python": ".venv/bin/python"}),
    ("--env A --env B=2 prep.py", {"env": (("A", None), ("B", "2"))}),
    ("--secret KEY prep.py", {"secret": ("KEY",)}),
    ("--gpus 2 prep.py", {"gpus": 2}),
    ("--memory 2G prep.py", {"memory": 2 * 2**30}),
    ("--timeout 5m prep.py", {"timeout": 300.0}),
    ("--retries 3 prep.py", {"retries": 3}),
    ("--no-reuse prep.py", {"no_reuse": True}),
    ("--version 2 prep.py", {"version": "2"}),
    ("--pipeline other prep.py", {"pipeline": "other"}),
    ("--run prep.py", {"run": True}),
    ("--overwrite prep.py", {"overwrite": True}),
]

BAD = [
    ("", "names no script"),
    ("--name x", "names no script"),
    ("../prep.py", "leaves its folder"),
    ("a/../prep.py", "leaves its folder"),
    ("/prep.py", "absolute"),
    (r"C:\prep.py", "absolute"),
    (r"'a\b.py'", "Windows"),
    ("./prep.py", "part of it is empty"),
    ("a//b.py", "part of it is empty"),
    ("x\0.py", "U+0000"),
    ("x\u202ey.py", "U+202E"),
    ("x\u200b.py", "U+200B"),
    ("x" * 300 + ".py", "300"[:2]),
    ("x" * 121 + ".py", "more than 120"),
    ("nul.py", "Windows keeps"),
    ("COM1.py", "Windows keeps"),
    ("'aa:b.py'", "Windows"),
    ("'<script>alert(1)<script>.py'", "Windows"),
    ("a/-b.py", "begins with -"),
    ("'a /b.py'", "blank"),
    ("prep", ".py"),
    ("prep.txt", ".py"),
    ("a/.py", ".py"),
    ("{script}", "placeholder"),
    ("--nmae x prep.py", "Did you mean --name?"),
    ("--zzz prep.py", "No option --zzz."),
    ("-n x prep.py", "No option -n."),
    ("--name", "--name has no value"),
    ("--name --run prep.py", "--name has no value"),
    ("--name= prep.py", "--name has no value"),
    ("--name a --name b prep.py", "stands twice"),
    ("--run --run prep.py", "stands twice"),
    ("--run=1 prep.py", "takes no value"),
    ("--name {x} prep.py", "takes no {placeholder}"),
    ("--inputs {>x} prep.py", "cannot stand here"),
    ("--inputs 'a b' prep.py", "cannot stand here"),
    ("--outputs {x} prep.py", "cannot stand here"),
    ("--params 1x=2 prep.py", "no variable's name"),
    ("--params a=b{c} prep.py", "one text or one {name}"),
    ("--runconfig a.b prep.py", "no variable's name"),
    ("--env 1X prep.py", "no variable's name"),
    ("--secret A=b prep.py", "does not belong into a notebook"),
    ("--gpus many prep.py", "no whole number"),
    ("--gpus -1 prep.py", "no whole number"),
    ("--memory lots prep.py", "no"),
    ("--timeout soon prep.py", "no"),
    ("--retries 1.5 prep.py", "no whole number"),
    ("prep.py {>a} {>a}", "writes {a} twice"),
    ("--outputs a prep.py {>a.csv}", "writes {a} twice"),
    ("--with a --source-directory . prep.py", "do not go together"),
    ("prep.py *.csv", "glob"),
]


@pytest.mark.parametrize(("line", "fields"), GOOD)
def test_a_good_line_sets_its_fields(line: str, fields: dict[str, Any]) -> None:
    parsed = parse_magic_line(line)
    assert {name: getattr(parsed, name) for name in fields} == fields


@pytest.mark.parametrize(("line", "says"), BAD)
def test_a_bad_line_says_what_is_wrong_and_points_there(line: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_magic_line(line)
    assert says in str(caught.value)
    assert "^" in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageError, match="4 things") as caught:
        parse_magic_line("--memory lots --gpus -1 prep.py *.csv {>a} {>a}")
    assert str(caught.value).count("^") == 4


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(UsageError) as caught:
        parse_magic_line("prep.py --raw *.csv", "step")
    line, caret = str(caught.value.place).splitlines()
    assert line[caret.index("^") :].startswith("*.csv")


def test_a_long_line_is_shown_around_the_place() -> None:
    with pytest.raises(UsageError) as caught:
        parse_magic_line("prep.py " + "a" * 400 + " $HOME " + "b" * 400)
    line, caret = str(caught.value.place).splitlines()
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("$HOME")


def test_everything_behind_the_script_is_its_own() -> None:
    parsed = parse_magic_line("--name a train.py --name b --gpus x -v")
    assert parsed.name == "a"
    assert [word.text for word in parsed.words] == ["--name", "b", "--gpus", "x", "-v"]


def test_reads_and_writes_come_in_the_order_of_the_line() -> None:
    parsed = parse_magic_line("--inputs a --params p={b} --outputs x t.py {c} --o={>y} {d.e}")
    assert [str(read) for read in parsed.reads()] == ["{a}", "{b}", "{c}", "{d.e}"]
    assert [write.name for write in parsed.writes()] == ["x", "y"]


def test_every_option_is_in_the_table_of_good_lines() -> None:
    used = {word.partition("=")[0] for line, _ in GOOD for word in line.split() if word.startswith("--")}
    assert set(OPTIONS) <= used


@pytest.mark.parametrize(
    ("line", "read"), [("utils.py", ("utils.py", False)), ("--overwrite a/b.py", ("a/b.py", True))]
)
def test_a_module_line_names_one_file(line: str, read: tuple[str, bool]) -> None:
    assert parse_module_line(line) == read


@pytest.mark.parametrize("line", ["", "a.py b.py", "--run a.py", "../a.py", "a.txt"])
def test_a_bad_module_line_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        parse_module_line(line)
