"""Secrets never leave a masker, however the output is cut, and nothing else is touched."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from nbpipe.execution.masking import MASK, Masker

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
