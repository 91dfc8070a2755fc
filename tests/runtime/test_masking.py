"""Secrets never leave a masker, however the output is cut, and nothing else is touched."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbpipe.runtime.masking import MASK, Masker, TextMasker

# Few letters, so that secrets overlap, repeat and begin one another.
secrets = st.lists(st.text("ab\n", min_size=4, max_size=8), min_size=1, max_size=3)
pieces = st.lists(st.text("abc\n", max_size=12), max_size=8)


def masked(values: list[str], chunks: list[bytes]) -> bytes:
    masker = Masker(values)
    return b"".join([*map(masker.feed, chunks), masker.flush()])


def reference(values: list[str], text: bytes) -> bytes:
    """Mark every byte of every occurrence; a stretch of marks that no occurrence bridges ends a mask."""
    all_values = {part for value in values for part in (value, *value.splitlines()) if len(part) >= 4}
    spans = []
    for value in all_values:
        code = value.encode()
        spans += [(at, at + len(code)) for at in range(len(text)) if text.startswith(code, at)]
    out, at, spans = [], 0, sorted(spans)
    while spans:
        start, stop = spans.pop(0)
        while spans and spans[0][0] < stop:
            stop = max(stop, spans.pop(0)[1])
        out += [text[at:start], MASK]
        at = stop
    return b"".join([*out, text[at:]])


@given(secrets, pieces)
@example(["abab"], ["ab", "ab", "ab"])
@example(["abba", "bbab"], ["abb", "ab"])
def test_however_the_output_is_cut_every_secret_is_masked(values, chunks):
    data = [chunk.encode() for chunk in chunks]
    assert masked(values, data) == reference(values, b"".join(data))


@given(secrets, pieces)
def test_less_is_held_back_than_the_longest_secret(values, chunks):
    masker = Masker(values)
    longest = max(len(value) for value in values)
    for chunk in chunks:
        masker.feed(chunk.encode())
        assert len(masker._held) < longest


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_without_secrets_every_byte_passes_at_once(chunks):
    masker = Masker(["", "abc"])
    assert [masker.feed(chunk) for chunk in chunks] == chunks
    assert masker.flush() == b""


def test_what_cannot_begin_a_secret_goes_out_at_once():
    assert Masker(["secret"]).feed(b"50 % done\r") == b"50 % done\r"


def test_every_line_of_a_value_is_masked():
    key = "-----BEGIN-----\nMIIEvQ\nab\n-----END-----"
    assert masked([key], [b"x MIIEvQ y -----END----- ab"]) == b"x *** y *** ab"


def test_a_short_value_is_not_masked():
    assert masked(["abc", "abcd"], [b"abc abcd"]) == b"abc ***"


def test_a_value_is_masked_by_its_bytes():
    assert masked(["passé"], ["le passé".encode()]) == b"le ***"


def test_blanks_around_a_line_of_a_value_do_not_count():
    assert masked(["  hunter22 \r\n"], [b"<hunter22>"]) == b"<***>"


quoted = st.text("ab'\"\\\n\té\u2028\U0001f511\udcff", min_size=4, max_size=8).filter(
    lambda text: len(text.strip()) > 3
)


@given(quoted, st.text("'\"", max_size=2))
@example("it's me", '"')
def test_a_value_is_masked_as_python_and_json_write_it(value, around):
    whole = f"{around}{value}{around}"
    for text in (repr(whole), ascii([whole]), json.dumps({whole: 1}), json.dumps(whole, ensure_ascii=False)):
        assert MASK in masked([value], [text.encode("utf-8", "surrogateescape")])
    data = value.encode("utf-8", "surrogateescape")
    assert MASK in masked([value], [repr(data).encode()])
    assert masked([value], [data]) == MASK


@given(st.lists(quoted, min_size=1, max_size=2), st.text("ab\udcff\ud800"))
def test_a_text_is_masked_whatever_characters_it_has(values, text):
    masker = TextMasker(values)
    for value in values:
        assert value not in masker.text(text + value + text)
    assert masker.text("c\ud800") == "c\ud800"


def test_values_and_names_are_masked_however_deep():
    told = {"s3cret": [{"a s3cret": ("s3cret", 1, None)}], "time": 1.5}
    assert TextMasker(["s3cret"]).value(told) == {"***": [{"a ***": ["***", 1, None]}], "time": 1.5}


@pytest.mark.parametrize("word", ["record", "metric", "name", "step", "value", "scalar"])
def test_a_secret_that_is_a_word_of_ours_hides_no_record(word):
    record = {"record": "metric", "run": "step", "kind": "scalar", "name": f"my {word}", "value": word}
    told = TextMasker([word]).record(record)
    assert told == {**record, "name": "my ***", "value": "***"}


def test_what_only_a_script_can_have_written_is_masked_whole():
    record = {"record": "s3cret", "run": ["s3cret"], "s3cret": "s3cret"}
    assert TextMasker(["s3cret"]).record(record) == {"record": "***", "run": ["***"], "***": "***"}


def test_a_variable_of_any_bytes_is_masked_in_output_and_in_texts():
    value = os.fsdecode(b"raw-\xff\xfe")
    assert masked([value], [b"<raw-\xff\xfe>"]) == b"<***>"
    assert TextMasker([value]).text(f"<{value}>") == "<***>"
