"""The notebook's cells in order: shown, saved or run, and each found by number, place or id."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from nbpipe.errors import NotebookError, UnknownName, UsageError
from nbpipe.notebook.extraction.book import Book, read_book
from nbpipe.notebook.session import Session


def saved(path: Path, *cells: Any) -> Path:
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def ran(session: Session, *cells: tuple[str, str]) -> Session:
    for cell_id, text in cells:
        number = len(list(session.ran)) + 1
        session.begin_cell(text, cell_id, f"cell [{number}]", text)
        session.ran.end({})
    return session


def labels(book: Book) -> list[tuple[int, str, str]]:
    return [(each.place, each.label, each.text) for each in book.cells]


def test_without_a_file_the_cells_that_ran_are_the_notebook(tmp_path: Path) -> None:
    book = read_book(ran(Session(tmp_path), ("", "a = 1"), ("", "a = 1"), ("", "b = 2")))
    assert labels(book) == [(0, "cell [1]", "a = 1"), (0, "cell [2]", "a = 1"), (0, "cell [3]", "b = 2")]


def test_a_saved_notebook_gives_the_order_and_the_runs_their_texts(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "n.ipynb",
        new_markdown_cell("# Title", id="m"), new_code_cell("a = 1", id="a"), new_code_cell("b = 1", id="b"),
        new_code_cell("c = 1", id="c"),
    )  # fmt: skip
    session = ran(
        Session(tmp_path, {}, path), ("c", "c = 1"), ("a", "a = 2"), ("new", "d = 1"), ("", "gone = 1")
    )
    assert labels(read_book(session)) == [
        (1, "cell 1", "# Title"), (2, "cell [2]", "a = 2"), (3, "cell 3", "b = 1"), (4, "cell [1]", "c = 1"),
        (0, "cell [3]", "d = 1"),
    ]  # fmt: skip


def test_cells_without_ids_are_known_by_their_text(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.ipynb", new_code_cell("a = 1"), new_code_cell("b = 1"))
    book = read_book(ran(Session(tmp_path, {}, path), ("", "b = 1\n"), ("", "a = 0")))
    assert labels(book) == [(1, "cell 1", "a = 1"), (2, "cell [1]", "b = 1\n")]


def test_what_the_front_end_shows_counts_before_what_is_saved(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.ipynb", new_code_cell("a = 1", id="a"))
    session = ran(Session(tmp_path, {}, path), ("a", "a = 1"), ("gone", "g = 1"))
    shown = [
        {"id": "b", "cell_type": "code", "source": ["b = 1\n", "b"]},
        {"id": "a", "cell_type": "code", "source": "a = 3"},
    ]
    book = read_book(session, shown)
    assert labels(book) == [(1, "cell 1", "b = 1\nb"), (2, "cell [1]", "a = 1")]
    assert [each.stands for each in book.cells] == ["", "a = 3"]


def test_a_save_tells_how_a_cell_stands_only_when_it_is_newer_than_the_run(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.ipynb", new_code_cell("a = 2", id="a"))
    session = ran(Session(tmp_path, {}, path), ("a", "a = 1"))
    began = next(iter(session.ran)).began
    for age, stands in ((-10, ""), (10, "a = 2")):
        os.utime(path, (began + age, began + age))
        assert read_book(session).cells[0].stands == stands


def test_a_cell_is_found_by_its_number_its_place_and_its_id(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.ipynb", new_markdown_cell("# 1", id="m"), new_code_cell("a = 1", id="a"))
    book = read_book(ran(Session(tmp_path, {}, path), ("x", "x = 1"), ("a", "a = 1")))
    assert {book.find(word).text for word in ("[2]", "2", "cell 2", "a")} == {"a = 1"}
    assert book.find("[1]").text == "x = 1"
    assert book.find("cell 1").kind == "markdown"


@pytest.mark.parametrize("word", ["[9]", "cell 9", "nope", "", "cell 0", "[]", "../a"])
def test_a_cell_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path: Path, word: str) -> None:
    book = read_book(ran(Session(tmp_path), ("a", "a = 1"), ("s", "%%step a.py\nprint(1)")))
    with pytest.raises(UnknownName, match="No cell") as caught:
        book.find(word)
    assert caught.value.remedy == "Cells that ran here: [1]"


def test_a_number_of_an_earlier_kernel_says_to_run_the_cell(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.ipynb", new_code_cell("a = 1", id="a", execution_count=7))
    with pytest.raises(UsageError, match=r"Cell \[7\] has not run in this kernel"):
        read_book(Session(tmp_path, {}, path)).find("[7]")


def test_only_code_that_is_no_step_shares_names(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "n.ipynb", new_markdown_cell("a = 1"), new_raw_cell("b = 1"), new_code_cell("%%step c.py\nc = 1"),
        new_code_cell("  d = 1"), new_code_cell("e = ("), new_code_cell("%time f = 1"),
        new_code_cell("%%time\ng = 1\r\nh = 2"),
    )  # fmt: skip
    book = read_book(Session(tmp_path, {}, path))
    assert [each.names.sets for each in book.cells] == [(), (), (), ("d",), (), (), ("g", "h")]
    assert [each.text for each in book.after(book.cells[3])] == [
        "e = (",
        "%time f = 1",
        "%%time\ng = 1\r\nh = 2",
    ]


def test_a_broken_notebook_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text("{")
    with pytest.raises(NotebookError, match="no notebook"):
        read_book(Session(tmp_path, {}, tmp_path / "n.ipynb"))
