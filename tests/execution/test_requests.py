"""Requests to a live runner, by files that anybody may leave."""

from __future__ import annotations

from nbpipe.execution.requests import Request, leave_request, take_requests


def test_requests_are_taken_once_and_in_order(tmp_path):
    folder = tmp_path / "requests"
    assert list(take_requests(folder)) == []
    given = [Request("stop", "train"), Request("force", "prep", "a test"), Request("stop")]
    for request in given:
        leave_request(folder, request)
    assert list(take_requests(folder)) == given
    assert list(take_requests(folder)) == []


def test_what_is_no_request_is_set_aside_and_passed_over(tmp_path):
    for name, text in {
        "1": "{",
        "2": "[]",
        "3": "{}",
        "4": '{"verb": "rm", "node": "x", "by": "y"}',
        "5": '"stop"',
    }.items():
        (tmp_path / f"{name}.json").write_text(text, "utf-8")
    (tmp_path / "6.json").mkdir()
    leave_request(tmp_path, Request("stop"))
    assert list(take_requests(tmp_path)) == [Request("stop")]
    assert list(tmp_path.glob("*.json")) == []


def test_a_request_is_seen_whole_or_not_at_all(tmp_path):
    leave_request(tmp_path, Request("stop", "<script>alert(1)</script>\n", "me"))
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
    assert next(take_requests(tmp_path)).node == "<script>alert(1)</script>\n"
