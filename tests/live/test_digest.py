"""The digest of a cell is FNV-1a, and does not count what stands behind its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.live.digest import cell_digest


@pytest.mark.parametrize(
    ("text", "digest"),
    [("", "811c9dc5"), ("a", "e40c292c"), ("foobar", "bf9cf968"), ("é", "1e9de8c1"), ("\ud800", "03479c4a")],
)
def test_it_is_fnv_1a_over_utf_8(text: str, digest: str) -> None:
    assert cell_digest(text) == digest


@given(st.text(), st.text(alphabet=" \n\t"))
def test_blanks_at_the_end_do_not_count(text: str, blanks: str) -> None:
    assert cell_digest(text + blanks) == cell_digest(text)
    assert len(cell_digest(text)) == 8
