"""Texts of a cell that name files: what is a path, and what is done with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpipe.notebook.extraction.files import file_texts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d").mkdir()
    for name in ("x.csv", "d/y.csv", "noending", "con.csv", "7.csv", "a b{c}.csv"):
        (tmp_path / name).write_text("1")
    return tmp_path


@pytest.mark.parametrize(
    ("code", "use"),
    [
        ("pd.read_csv('x.csv')", "read"),
        ("pd.read_csv(filepath_or_buffer='x.csv')", "read"),
        ("np.loadtxt('x.csv')", "read"),
        ("json.load(open('x.csv'))", "read"),
        ("open('x.csv', 'rb')", "read"),
        ("open('x.csv', mode='w')", "written"),
        ("open('x.csv', 'r+')", "written"),
        ("open('x.csv', how)", "unclear"),
        ("Path('x.csv').read_text()", "read"),
        ("Path('x.csv').open()", "read"),
        ("Path('x.csv').open('w')", "written"),
        ("Path('x.csv').write_text('')", "written"),
        ("Path('x.csv').exists()", "unclear"),
        ("p = Path('x.csv')", "unclear"),
        ("df.to_csv('x.csv')", "written"),
        ("fig.savefig('x.csv')", "written"),
        ("np.save('x.csv', a)", "written"),
        ("show('x.csv')", "unclear"),
        ("(lambda p: p)('x.csv')", "unclear"),
    ],
)
def test_what_is_done_with_a_file_is_told_by_the_function_that_gets_it(
    folder: Path, code: str, use: str
) -> None:
    (found,) = file_texts(code, folder)
    assert (found.path, found.use) == ("x.csv", use)
    assert code[found.start : found.end] == "'x.csv'"


@pytest.mark.parametrize(
    "code",
    ["x = 'x.csv'", "df['x.csv']", "read({'x.csv': 1})", "read('X.csv')", "read('noending')", "read('d')",
     "read(f'x.csv')",
     "read(b'x.csv')", "read('x.csv' + e)", "read('nul\\0.csv')", "'x.csv'.upper()", "# read('x.csv')"],
)  # fmt: skip
def test_other_texts_are_left_alone(folder: Path, code: str) -> None:
    assert file_texts(code, folder) == []


def test_a_folder_is_a_path_only_when_it_is_written_as_one(folder: Path) -> None:
    assert [each.placeholder for each in file_texts("load('d/'); load('./d')", folder)] == ["{./d/}", "{./d}"]


@pytest.mark.parametrize(
    ("code", "placeholder"),
    [
        ("read('d/y.csv')", "{./d/y.csv}"),
        ("read('./x.csv')", "{./x.csv}"),
        ("read('a b{c}.csv')", ""),
        ("save('d/y.csv')", "{>y.csv}"),
        ("save('7.csv')", "{>file_7.csv}"),
        ("save('con.csv')", ""),
        ("save('a b{c}.csv')", "{>a_b_c.csv}"),
    ],
)
def test_a_file_has_a_placeholder_where_a_magic_line_can_hold_it(
    folder: Path, code: str, placeholder: str
) -> None:
    assert [each.placeholder for each in file_texts(code, folder)] == [placeholder]


def test_an_absolute_path_stays_absolute(folder: Path) -> None:
    (found,) = file_texts(f"read({str(folder / 'x.csv')!r})", folder)
    assert found.placeholder == f"{{{folder / 'x.csv'}}}"
