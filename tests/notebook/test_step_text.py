"""A step cell goes into a form and comes back without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import UsageError
from nbpipe.notebook.magic_line import parse_magic_line
from nbpipe.notebook.options import OPTIONS
from nbpipe.notebook.step_text import StepText, plain, quoted, read_step_text
from nbpipe.notebook.words import split

CELLS = [
    "%%pipeline_step prep.py\nprint(1)",
    '# about\n\n%%step --retries=2 --env A=1 --no-reuse \\\n  train.py --lr {lr} "a b" {>m/}\nprint(1)\n',
    "%%step --name 'two words' --inputs a,{b} --with ./x.txt -- prep.py '{{x}}' {./data/x.csv}\n\n",
    '%%pipeline_step --params lr={rate} --version "1 2" train.py ""\npass\n',
]
TEXTS = st.text(
    st.characters(exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", exclude_categories=("Cs",)),
    max_size=12,
) | st.text("ab{}>'\"\\ $*./=-3", max_size=10)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_that_is_not_changed_is_given_back_to_the_letter(cell):
    assert read_step_text(cell).cell() == cell


@pytest.mark.parametrize("cell", CELLS)
def test_what_was_not_changed_means_the_same_beside_a_change(cell):
    before = read_step_text(cell)
    after = read_step_text(before.with_option("--version", ["7"]).cell())
    assert after.body == before.body
    assert after.head == before.head
    assert after.words == before.words
    changed, known = after.parsed(), before.parsed()
    names = {option.field for option in OPTIONS.values()} - {"version"}
    assert {name: getattr(changed, name) for name in names} == {name: getattr(known, name) for name in names}
    assert changed.version == "7"
    assert changed.words == known.words


@given(TEXTS)
def test_a_quoted_text_means_just_that_text(text):
    words, faults = split(quoted(text))
    assert not faults
    assert [word.parts for word in words] == [(text,) if text else ()]
    assert plain(quoted(text)) == text


@given(st.lists(TEXTS, max_size=4), st.lists(st.sampled_from(["A=1", "B", "'C=x y'"]), max_size=3))
def test_a_cell_that_is_put_together_is_read_back_as_it_was(words, env):
    text = StepText("s.py", tuple(map(quoted, words)), (("--gpus", "1"),), "pass\n").with_option("--env", env)
    back = read_step_text(text.cell())
    assert back == text
    assert [word.parts for word in parse_magic_line(text.line).words] == [(w,) if w else () for w in words]


def test_an_option_keeps_its_place_and_goes_with_its_last_value():
    text = read_step_text("%%step --env A=1 --retries 1 --env B=2 s.py\npass")
    assert text.with_option("--env", ["C=3"]).options == (("--env", "C=3"), ("--retries", "1"))
    assert text.with_option("--retries", []).options == (("--env", "A=1"), ("--env", "B=2"))
    assert text.with_option("--gpus", ["1"]).options[-1] == ("--gpus", "1")


@pytest.mark.parametrize(
    "text", ["print(1)", "", "%%pipeline_module m.py\npass", "%%step\npass", "%%step --nme x s.py\n"]
)
def test_what_is_no_step_cell_is_refused(text):
    with pytest.raises(UsageError):
        read_step_text(text)


@pytest.mark.parametrize(
    "text",
    [
        StepText("s.py", ("a b",)),
        StepText("s.py", ("x\ny",)),
        StepText("--name", ()),
        StepText("s.py", (), (("--retries", "many"),)),
    ],
)
def test_pieces_that_would_mean_something_else_are_refused(text):
    with pytest.raises(UsageError):
        text.cell()


@pytest.mark.parametrize("text", ["two\nlines", "\r"])
def test_a_text_of_several_lines_is_refused_with_the_way_out(text):
    with pytest.raises(UsageError, match="one line") as caught:
        quoted(text)
    assert "{./file}" in str(caught.value)
