"""The vocabulary of states is whole, and legible."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from nbpipe.core.plan import StepPlan
from nbpipe.core.reason import Reason
from nbpipe.core.run_state import Status
from nbpipe.run.step_run import V1_STATUS
from nbpipe.views.glyphs import GLYPHS, glyph
from nbpipe.views.status import DARK, HUES, LIGHT, LOOKS, SETTLED, TERMINAL_STYLES, counted, look

NEVER = Reason("never_run", text="never run")


def test_every_word_of_a_run_and_of_a_plan_has_a_look() -> None:
    plans = [StepPlan("a", "a", action).status for action in ("reuse", "run", "maybe", "blocked")]
    plans.append(StepPlan("a", "a", "run", (NEVER,)).status)
    words = {*plans, *(status.value for status in Status if status is not Status.WAITING)}
    assert words | {"edited"} == LOOKS.keys()


def test_settled_words_are_those_of_the_run_state() -> None:
    assert {status.value for status in Status if status.settled} == SETTLED


def test_v1_words_are_those_that_a_step_run_gives() -> None:
    for status, word in V1_STATUS.items():
        if status is not Status.WAITING:
            assert look(status.value).v1 == word


def test_no_two_states_share_word_and_shape_and_plans_are_dotted() -> None:
    glyphs = [each.glyph for each in LOOKS.values()]
    assert len(set(glyphs)) == len(glyphs) - 1, "only reused and will reuse share one"
    assert {word for word, each in LOOKS.items() if each.planned} == {
        "will reuse", "will run", "new", "maybe", "edited",
    }  # fmt: skip


def test_a_data_status_has_no_blanks() -> None:
    assert all(re.fullmatch(r"[a-z-]+", each.data_status) for each in LOOKS.values())


def test_counts_come_with_what_asks_for_attention_first() -> None:
    assert list(counted(["done", "reused", "failed", "odd", "running"])) == [
        "failed", "running", "done", "reused", "odd",
    ]  # fmt: skip


@pytest.mark.parametrize("word", [*LOOKS, "unheard of"])
def test_every_state_has_a_shape_of_its_own(word: str) -> None:
    ET.fromstring(glyph(word, 1, 2, 16))
    assert word in GLYPHS or word in ("will reuse", "unheard of")


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_legible_on_cards_and_tints(tokens: dict[str, str]) -> None:
    for hue in set(HUES) - {"idle"}:
        assert contrast(tokens[hue], tokens["node"]) >= 4.5, hue
    assert contrast(tokens["idle"], tokens["node"]) >= 3.9
    for ground in ("node", "canvas", *(f"{hue}-tint" for hue in HUES)):
        assert contrast(tokens["fg"], tokens[ground]) >= 7, ground
    assert contrast(tokens["fg2"], tokens["node"]) >= 4.5


def test_hues_differ_from_each_other_and_have_a_style_in_a_terminal() -> None:
    assert TERMINAL_STYLES.keys() == set(HUES)
    for tokens in (LIGHT, DARK):
        assert all(tokens[one] != tokens[other] for one, other in combinations(HUES, 2))
    assert LIGHT.keys() == DARK.keys()
