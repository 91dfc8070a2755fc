"""Laws of text from users: nothing hidden, nothing that acts, nothing too long."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nbpipe.views.text import (
    escaped,
    fit,
    fit_cells,
    is_measured,
    pad_cells,
    visible,
    visible_line,
    width_of,
)

anything = st.text(st.characters(codec=None), max_size=60)


@given(anything)
def test_a_visible_text_hides_nothing_and_steers_nothing(text: str) -> None:
    shown = visible(text)
    assert all(each.isprintable() or each in "\u200c\u200d" for each in shown)
    assert not any(
        unicodedata.bidirectional(each) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI") for each in shown
    )
    assert visible(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("train", "train"),
        ("a\x00b", "a␀b"),
        ("\x1b[31m", "␛[31m"),
        ("x\u202ey", "x[U+202E]y"),
        ("one\ntwo\tthree", "one two three"),
        ("\u00a0a\u2003b", "a b"),
        ("\ud800", "\ufffd"),
        ("\x85\x9b", "\ufffd"),
        ("é日本", "é日本"),
    ],
)
def test_what_is_hidden_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(anything)
def test_an_escaped_text_has_no_markup(text: str) -> None:
    assert not set(escaped(text)) & set("<>\"'")


def test_a_log_line_keeps_its_indentation() -> None:
    assert visible_line("\t  x = 1  \r") == "      x = 1"


@given(anything.map(visible), st.floats(0, 300), st.booleans(), st.booleans(), st.booleans())
def test_a_fitted_text_fits(text: str, room: float, bold: bool, mono: bool, middle: bool) -> None:
    shown = fit(text, room, 13, bold=bold, mono=mono, middle=middle)
    assert width_of(shown, 13, bold=bold, mono=mono) <= room
    if width_of(text, 13, bold=bold, mono=mono) <= room:
        assert shown == text


@given(anything.map(visible), st.integers(0, 40), st.booleans())
def test_columns_are_kept_to(text: str, room: int, middle: bool) -> None:
    shown = fit_cells(text, room, middle=middle)
    assert cell_len(shown) <= room
    assert cell_len(pad_cells(shown, room)) >= room or not room


def test_both_ends_of_a_long_name_tell() -> None:
    assert fit_cells("prepare_the_data_of_2024", 13, middle=True) == "prepar…f_2024"


def test_widths_are_those_of_the_widest_usual_faces() -> None:
    fonts = pytest.importorskip("fontTools.ttLib")
    data = pytest.importorskip("matplotlib").get_data_path()
    for bold, name in ((False, "DejaVuSans"), (True, "DejaVuSans-Bold")):
        font = fonts.TTFont(f"{data}/fonts/ttf/{name}.ttf")
        glyphs, advances, em = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
        for character in [*map(chr, range(32, 127)), *"←→…·–×éßÅŁ"]:
            if is_measured(character) or not character.isascii():
                real = 100 * advances[glyphs[ord(character)]][0] / em
                assert real <= width_of(character, 100, bold=bold) + 0.001, character
        font.close()
