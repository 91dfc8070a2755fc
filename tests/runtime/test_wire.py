"""Whatever can be given to a process crosses to its guard unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.runtime.wire import HEAD, Report, Request

FIELD = st.binary().map(lambda data: data.replace(b"\0", b""))
NAME = FIELD.map(lambda data: data.replace(b"=", b"") or b"N")


@given(FIELD, st.lists(FIELD), FIELD, st.dictionaries(NAME, FIELD), st.integers(0, 1 << 60))
def test_a_request_crosses_whole(script, argv, cwd, env, memory):
    sent = Request(script, argv, cwd, env, memory).to_bytes()
    assert int.from_bytes(sent[:HEAD], "big") == len(sent) - HEAD
    got = Request.from_bytes(sent[HEAD:])
    assert (got.script, got.argv, got.cwd, got.env, got.memory) == (script, argv, cwd, env, memory)


def test_a_nul_is_refused():
    with pytest.raises(ValueError, match="null byte"):
        Request(b"s", [b"a\0b"], b"/", {}).to_bytes()


@given(
    st.integers(-64, 255),
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.integers(0, 1 << 50),
    st.sampled_from(["", "memory", "lost"]),
)
def test_a_report_crosses_whole_and_never_half(status, wall, user, system, peak, ending):
    line = Report(status, wall, user, system, peak, ending).to_bytes()
    assert all(Report.from_bytes(line[:size]) is None for size in range(len(line)))
    got = Report.from_bytes(line)
    assert (got.status, got.peak, got.ending) == (status, peak, ending)
    assert (got.wall, got.user, got.system) == pytest.approx((wall, user, system), abs=1e-6)
