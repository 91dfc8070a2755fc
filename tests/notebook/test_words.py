"""The words of a magic line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.notebook.words import Read, Write, split


def texts(line: str) -> list[str]:
    words, faults = split(line)
    assert not faults
    return [word.text for word in words]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b  c\td", ["a", "b", "c", "d"]),
        ("'a b' \"c d\" e", ["a b", "c d", "e"]),
        ("a'b c'd", ["ab cd"]),
        (r"C:\data\x.csv", [r"C:\data\x.csv"]),
        (r"a\ b", ["a b"]),
        (r"\'a\" \\", ["'a\"", "\\"]),
        (r"\n \* '\*'".replace(r"\* ", ""), [r"\n", r"\*"]),
        (r'"a \"b\" \\ \d"', [r'a "b" \ \d']),
        (r"'C:\'", ["C:\\"]),
        ("'' \"\"", ["", ""]),
        ("'*.csv' \"$HOME\" 'a|b' '>' '`x`'", ["*.csv", "$HOME", "a|b", ">", "`x`"]),
        ('{"a": 1}'.join("''"), ['{"a": 1}']),
        (
            r"'^\d{2,3}$' a{2} {0} {1.5} {x!r} {x:03d} {}",
            [r"^\d{2,3}$", "a{2}", "{0}", "{1.5}", "{x!r}", "{x:03d}", "{}"],
        ),
        ("5$ $ 3.5", ["5$", "$", "3.5"]),
        ("--lr=0.1 ~/x !x (a) #c", ["--lr=0.1", "~/x", "!x", "(a)", "#c"]),
    ],
)
def test_words_are_split_as_a_shell_would_but_nothing_expands(line: str, words: list[str]) -> None:
    assert texts(line) == words


@pytest.mark.parametrize(
    ("braces", "part"),
    [
        ("{clean}", Read("clean", name="clean")),
        ("{grün}", Read("grün", name="grün")),
        ("{train.model}", Read("train.model", step="train", name="model")),
        ("{train-2.model}", Read("train-2.model", step="train-2", name="model")),
        ("{./data/x.csv}", Read("./data/x.csv", path="./data/x.csv")),
        ("{./my data.csv}", Read("./my data.csv", path="./my data.csv")),
        ("{./data/*.csv}", Read("./data/*.csv", path="./data/*.csv")),
        ("{../x}", Read("../x", path="../x")),
        ("{/data/x}", Read("/data/x", path="/data/x")),
        (r"{C:\data\x.csv}", Read(r"C:\data\x.csv", path=r"C:\data\x.csv")),
        ("{data/x.csv}", Read("data/x.csv", path="data/x.csv")),
        ("{>clean.csv}", Write("clean", "clean.csv", "file")),
        ("{>clean.tar.gz}", Write("clean", "clean.tar.gz", "file")),
        ("{>clean/}", Write("clean", "clean", "folder")),
        ("{>table.parquet/}", Write("table", "table.parquet", "folder")),
        ("{>clean}", Write("clean", "clean", "any")),
    ],
)
@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}"', "--out={}", "--out='{}'", "a{}b"])
def test_placeholders_count_in_and_out_of_quotes(form: str, braces: str, part: object) -> None:
    words, faults = split(form.replace("{}", braces))
    assert not faults
    assert [each for each in words[0].parts if not isinstance(each, str)] == [part]


@pytest.mark.parametrize("inside", ["x", "train.model", "./data/x.csv", ">clean.csv"])
def test_doubled_braces_are_the_text_with_single_ones(inside: str) -> None:
    words, _ = split("{{" + inside + "}}")
    assert words[0].parts == ("{" + inside + "}",)


def test_tripled_braces_are_doubled_ones() -> None:
    assert texts("{{{x}}}") == ["{{x}}"]


@pytest.mark.parametrize(
    ("line", "says", "column"),
    [
        ("a *.csv", "glob", 2),
        ("a b?", "glob", 3),
        ("[64]", "glob", 0),
        ("$HOME", "$VAR", 0),
        ("a${x}", "$VAR", 1),
        ("$(ls)", "$VAR", 0),
        ("a | b", "pipe", 2),
        ("a > b", "redirects", 2),
        ("a < b", "redirects", 2),
        ("a; b", "one command", 1),
        ("a &", "one command", 2),
        ("`ls`", "backtick", 0),
        ("a 'b", "never closed", 2),
        ('a "b', "never closed", 2),
        ("a {>b", "`{>` is never closed", 2),
        ("{>a/b.csv}", "names no output", 0),
        ("{>a b}", "names no output", 0),
        ("{>}", "names no output", 0),
        ("{>1}", "names no output", 0),
        ("{>über.csv}", "names no output", 0),
        ("{>../x}", "names no output", 0),
        ("{>nul.csv}", "Windows", 0),
        ("{>" + "x" * 130 + "}", "120", 0),
    ],
)
def test_what_a_shell_would_expand_and_broken_outputs_are_faults(line: str, says: str, column: int) -> None:
    _, faults = split(line)
    assert [fault.column for fault in faults] == [column]
    assert says in faults[0].fact or says.lower() in faults[0].fact.lower()
    assert faults[0].remedy


def test_the_remedy_of_a_shell_sign_can_be_pasted() -> None:
    _, faults = split("it\\'s*.csv")
    pasted = faults[0].remedy.splitlines()[0].removeprefix("Quote it:  ")
    assert not split(pasted)[1]


def test_every_fault_of_a_line_is_found() -> None:
    _, faults = split("*.csv $HOME a|b {>1} 'x")
    assert len(faults) == 5


@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="{}"), max_size=12), max_size=5)
)
def test_any_text_survives_quoting(words: list[str]) -> None:
    quoted = ['"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words]
    assert texts(" ".join(quoted)) == words


@given(st.text(max_size=60))
def test_no_line_breaks_the_reader(line: str) -> None:
    words, _ = split(line)
    for word in words:
        assert 0 <= word.column < word.end <= len(line)
