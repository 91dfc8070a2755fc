"""Backends are asked from code that waits, whether an event loop runs there or not."""

from __future__ import annotations

import asyncio

import pytest

from nbpipe.execution.bridge import answer_of


async def answer() -> int:
    await asyncio.sleep(0)
    return 7


async def refuse() -> int:
    raise ValueError("not today")


def test_an_answer_comes_where_no_loop_runs():
    assert answer_of(answer) == 7


def test_an_answer_comes_inside_a_running_loop():
    async def cell() -> int:
        return answer_of(answer)

    assert asyncio.run(cell()) == 7


def test_an_error_comes_to_who_asked():
    with pytest.raises(ValueError, match="not today"):
        answer_of(refuse)
