"""A log of any shape, read a page at a time while it grows."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.errors import UsageError
from nbpipe.execution.logs import STREAMS, LogWriter, StepLog
from nbpipe.live import log_index
from nbpipe.live.log_index import LogIndex
from nbpipe.live.log_search import find
from nbpipe.live.log_text import LONGEST, characters, cut_text, shown_text
from nbpipe.live.log_view import LogView
from tests.projects import Project, project
from tests.waiting import eventually

__all__ = ["project"]

PIECES = st.lists(
    st.tuples(
        st.sampled_from(STREAMS),
        st.text("ab \r\n\x1b[31mé", max_size=12).map(str.encode) | st.binary(max_size=6),
    ),
    max_size=30,
)
SGR = re.compile(r"\x1b\[[0-9;:]*m")


def view_of(folder: Path) -> LogView:
    """A view on a log in a folder, read to its end."""
    view = LogView("v")
    view._index = LogIndex(StepLog(folder))
    while not view._index.advance(1.0):
        pass
    return view


def written(folder: Path, pieces: list[tuple[str, bytes]]) -> None:
    writer = LogWriter(folder)
    for stream, data in pieces:
        writer.write(stream, data)
    writer.close()


def expected(pieces: list[tuple[str, bytes]]) -> list[tuple[bool, str]]:
    """The lines as one would say it: each counts when its end has come, of its states the last that is not blank."""
    opened = dict.fromkeys(STREAMS, b"")
    lines = []
    for stream, data in pieces:
        *done, opened[stream] = (opened[stream] + data).split(b"\n")
        lines += [(stream, line) for line in done]
    lines += [(stream, line) for stream, line in opened.items() if line]
    return [
        (stream == "stderr", shown_text(state(line).decode("utf-8", "replace"))) for stream, line in lines
    ]


def state(line: bytes) -> bytes:
    states = line.split(b"\r")
    return next((each for each in reversed(states) if each.strip(b" \t\v\f")), states[-1])


def told(view: LogView, first: int = 1, count: int = 2000) -> list[tuple[bool, str]]:
    return [(line.error, line.text) for line in view.page(first, count).lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(log_index, "SPACING", 7)
    return tmp_path


@given(pieces=PIECES, sizes=st.lists(st.integers(1, 9), min_size=1))
def test_pages_of_any_size_make_up_the_whole(
    pieces: list[tuple[str, bytes]], sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "SPACING", 7)
        where = tmp_path_factory.mktemp("log")
        written(where / "1", pieces)
        view = view_of(where / "1")
        whole = expected(pieces)
        assert told(view) == whole
        assert view.page(1, 0).total == len(whole)
        first, found, turn = 1, [], 0
        while first <= len(whole):
            page = view.page(first, sizes[turn % len(sizes)])
            assert page.lines[0].number == first
            found += [(line.error, line.text) for line in page.lines]
            first, turn = first + len(page.lines), turn + 1
        assert found == whole


@given(pieces=PIECES)
def test_the_index_of_a_growing_log_equals_that_of_the_finished_one(
    pieces: list[tuple[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "SPACING", 7)
        where = tmp_path_factory.mktemp("log") / "1"
        writer, growing = LogWriter(where), view_of(where)
        for number, (stream, data) in enumerate(pieces, 1):
            writer.write(stream, data)
            assert growing._index is not None
            growing._index.advance(1.0)
            assert told(growing) == expected(pieces[:number])
        writer.close()
        whole = view_of(where)
        assert growing._index is not None
        assert whole._index is not None
        growing._index.advance(1.0)
        assert told(growing) == told(whole)
        for name in ("lines", "size", "errors", "dropped", "traceback"):
            assert getattr(growing._index, name) == getattr(whole._index, name)


@given(pieces=PIECES, needle=st.sampled_from(["a", "B", "ab", "É", "b a"]), first=st.integers(1, 12))
def test_a_search_names_every_line_that_holds_the_text_from_a_line_on(
    pieces: list[tuple[str, bytes]], needle: str, first: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "SPACING", 5)
        where = tmp_path_factory.mktemp("log") / "1"
        written(where, pieces)
        view = view_of(where)
        opened = dict.fromkeys(STREAMS, b"")
        lines = []
        for stream, data in pieces:
            *done, opened[stream] = (opened[stream] + data).split(b"\n")
            lines += done
        lines += [line for line in opened.values() if line]
        wanted = [
            number
            for number, line in enumerate(lines, 1)
            if number >= first and needle.lower() in line.decode("utf-8", "replace").lower()
        ]
        hits = view.find(needle, first)
        assert (list(hits.numbers), hits.more) == (wanted, False)


@given(pieces=PIECES, size=st.integers(1, 20))
def test_chunks_make_up_the_bytes_in_the_order_they_came(
    pieces: list[tuple[str, bytes]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "SPACING", 7)
        where = tmp_path_factory.mktemp("log") / "1"
        written(where, pieces)
        view = view_of(where)
        found, offset, end = b"", 0, False
        while not end:
            chunk = view.chunk(offset, size)
            found += base64.b64decode(chunk["data"])
            offset, end = chunk["next"], chunk["end"]
        assert found == b"".join(data for _, data in pieces)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("utf-8", "replace")))
def test_nothing_leaves_but_colours_and_what_can_be_seen(text: str) -> None:
    rest = SGR.sub("", shown_text(text.split("\n", maxsplit=1)[0]))
    assert all(each.isprintable() or each in "\u200c\u200d" for each in rest)


def test_what_is_hidden_in_a_line_is_seen_and_blanks_stay() -> None:
    assert shown_text("\x1b[1;31mred\x1b[0m  in  \x1b[32mgreen") == "\x1b[1;31mred\x1b[0m  in  \x1b[32mgreen"
    assert shown_text("a\x1b]8;;javascript:x\x07b\u202ec\x00") == "a␛]8;;javascript:x␇b[U+202E]c␀"
    assert shown_text("\x1b[2K\x1b[?25l50 %\x1b[0K") == "50 %"
    assert shown_text("\x1b[31ma\tb") == "\x1b[31ma   b"


def test_a_long_line_shows_its_beginning_and_tells_what_is_cut(tmp_path: Path) -> None:
    written(tmp_path / "1", [("stdout", b"one\n" + b"x" * (3 * LONGEST) + b"\nlast\n")])
    page = view_of(tmp_path / "1").page(2, 2)
    assert [(line.number, len(line.text), line.cut) for line in page.lines] == [
        (2, LONGEST, 2 * LONGEST),
        (3, 4, 0),
    ]


def test_a_colour_that_is_cut_off_does_not_stand_there_in_half() -> None:
    text, cut = cut_text(b"a" * 8 + b"\x1b[31mb", 0, 11)
    assert (text, cut) == ("a" * 8, 3)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_characters_are_counted_by_their_first_bytes(text: str) -> None:
    assert characters(text.encode()) == len(text)


def test_a_page_of_long_lines_stays_small_and_has_them_all(tmp_path: Path) -> None:
    written(tmp_path / "1", [("stdout", (b"y" * LONGEST + b"\n") * 200)])
    page = view_of(tmp_path / "1").page(1, 200)
    assert len(page.lines) == 200
    assert sum(len(line.text) for line in page.lines) < 500_000
    assert {len(line.text) + line.cut for line in page.lines} == {LONGEST}


def test_a_progress_bar_shows_its_last_state_however_often_it_was_drawn(folder: Path) -> None:
    bar = b"".join(b"%d %%\r" % number for number in range(100))
    written(folder / "1", [("stderr", bar), ("stdout", b"hello\n"), ("stderr", b"  \r")])
    assert told(view_of(folder / "1")) == [(False, "hello"), (True, "99 %")]


@pytest.mark.parametrize("split", [1, 30, 44, 200])
def test_the_first_traceback_is_found_wherever_the_pieces_end(folder: Path, split: int) -> None:
    text = (
        b'before\n    says "Traceback (most recent call last):"\nTraceback (most recent call last):\n  File\n'
    )
    pieces = [("stderr", text[at : at + split]) for at in range(0, len(text), split)]
    written(folder / "1", [("stdout", b"out\n"), *pieces])
    index = view_of(folder / "1")._index
    assert index is not None
    assert (index.traceback, index.errors) == (4, 4)


def test_the_traceback_of_a_script_that_does_not_parse_begins_with_its_frame(tmp_path: Path) -> None:
    text = b'  File "train.py", line 3\n    f(\n     ^\nSyntaxError: never closed\n'
    written(tmp_path / "1", [("stderr", b"a warning\n" + text)])
    index = view_of(tmp_path / "1")._index
    assert index is not None
    assert index.traceback == 2


def test_what_the_writer_left_out_is_told(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "1", limit=1000)
    writer.write("stdout", b"a line of the log\n" * 500)
    writer.close()
    index = view_of(tmp_path / "1")._index
    assert index is not None
    assert 500 * 18 - 1000 <= index.dropped <= 500 * 18


def test_a_search_that_has_no_time_left_says_where_to_go_on(folder: Path) -> None:
    written(folder / "1", [("stdout", b"needle in a line\n" * 20)])
    view = view_of(folder / "1")
    index = view._index
    assert index is not None
    first, found, rounds = 1, [], 0
    more = True
    while more:
        hits = find(index, "NEEDLE", first, index.snapshot(), 0.0)
        found += hits.numbers
        first, more, rounds = hits.next, hits.more, rounds + 1
    assert found == list(range(1, 21))
    assert rounds > 5
    assert view.find("", 1).numbers == view.find("a\nb", 1).numbers == ()


def test_no_log_is_read_before_one_is_open() -> None:
    view = LogView("v")
    assert view.poll() is None
    for ask in (lambda: view.page(1, 1), lambda: view.find("a"), lambda: view.chunk(0)):
        with pytest.raises(UsageError, match="No log is open"):
            ask()


@pytest.mark.runner
def test_a_view_follows_a_step_through_its_attempts_to_its_end(project: Project) -> None:
    script = """\
        import pathlib, sys
        flag = pathlib.Path(sys.argv[1])
        if flag.exists():
            print("second")
        else:
            flag.write_text("")
            print("first", flush=True)
            raise ValueError("no luck")
        """
    step = project.cell("train", script, f"{project.root / 'flag'}", retries=1)
    run = project.submit(step)
    view, messages = LogView("v"), []
    view.open(run, "train")

    def ended() -> bool:
        message = view.poll()
        if message:
            messages.append(message)
        return bool(message and message.ended and message.attempt == 2)

    eventually(ended)
    assert [each.number for each in messages] == list(range(1, len(messages) + 1))
    assert told(view) == [(False, "second")]
    assert view.poll() is None
    view.open(run, "train", 1)
    first = view.poll()
    assert first is not None
    assert (first.ended, first.attempt, first.run, first.step) == (True, 1, run.id, "train")
    assert first.traceback == 2
    assert first.errors == first.lines - 1
    assert view.page(first.lines, 1).lines[0].text == "ValueError: no luck"
    with pytest.raises(UsageError, match="had 2 attempts"):
        view.open(run, "train", 3)


@pytest.mark.runner
def test_the_log_of_a_reused_step_is_that_of_the_run_it_comes_from(project: Project) -> None:
    step = project.cell("prep", "print('made here')", "")
    first = project.run(step)
    second = project.run(step)
    view = LogView("v")
    view.open(second, "prep")
    message = view.poll()
    assert message is not None
    assert (message.run, message.lines, message.ended) == (first.id, 1, True)
    assert told(view) == [(False, "made here")]
    first.folder.graph.unlink()
    with pytest.raises(UsageError, match="logs are gone"):
        view.open(second, "prep")
    view.close()
    assert view.poll() is None
