"""Progress is read from the line that a script rewrites, and only where one figure alone can be meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.live.progress import progress_of

TQDM = " 31%|███▏      | 31/100 [00:03<00:06, 10.2it/s]"


@pytest.mark.parametrize(
    ("tail", "progress"),
    [
        (f"\r{TQDM}", 0.31),
        (f"loading\n\repoch 3: {TQDM}", 0.31),
        (f"\r{TQDM}\r 32%|███▏      | 32/100 [00:03<00:06, 10.2it/s]", 0.32),
        (f"\r\x1b[32m{TQDM}\x1b[0m\x1b[K", 0.31),
        ("\r62 %", 0.62),
        ("\rdone 62.5% of it", 0.625),
        ("\r31/50 files", 0.62),
        ("\r50/50", 1.0),
    ],
)
def test_bars_are_understood(tail: str, progress: float) -> None:
    assert progress_of(tail) == pytest.approx(progress)


@pytest.mark.parametrize(
    "tail",
    [
        "31/50 files",  # a plain line is no bar
        f"\r{TQDM}\n",  # one that has ended is none any more
        "\r120 %",
        "\r51/50",
        "\r0/0",
        "\r2024/05/01",
        "\r3/4 of 1/2",
        "\r10 % to 20 %",
        "\rloss 0.31",
        "\r",
        "",
    ],
)
def test_what_could_mean_something_else_is_no_progress(tail: str) -> None:
    assert progress_of(tail) is None


@given(st.text())
def test_whatever_stands_there_it_is_none_or_between_0_and_1(tail: str) -> None:
    found = progress_of(f"\r{tail}")
    assert found is None or 0 <= found <= 1
