"""The form of a step: it reads a cell, tells what an edit would make run, and writes the cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbpipe.errors import UnknownName
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.form import StepForm, form_of
from nbpipe.notebook.options import OPTIONS
from nbpipe.notebook.session import Session
from nbpipe.notebook.step_text import StepText, read_step_text
from nbpipe.notebook.transform import read_step_cell

COPY = "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read())\n"
CELL = "# about\n%%step --retries 2 --env A=1 train.py {clean} {>model} {lr}\n" + COPY


class Desk:
    """A notebook's session, and what a form writes."""

    def __init__(self, folder: Path) -> None:
        (folder / "raw.txt").write_text("raw")
        self.session = Session(folder, {"lr": 0.1, "text": "x", "_hidden": 1})
        self.written: list[tuple[str, str]] = []
        self.page = True
        self.run("%%step prep.py {./raw.txt} {>clean.txt}\n" + COPY, "id0")

    def run(self, cell: str, cell_id: str) -> None:
        step = read_step_cell(cell)
        assert step
        self.session.begin_cell(cell, cell_id, "cell [1]")
        self.session.declare(step.line, step.body, step.magic)

    def write(self, text: str, cell: str) -> bool:
        self.written.append((text, cell))
        return self.page

    def form(self, cell: str = "", cell_id: str = "") -> StepForm:
        text = read_step_text(cell) if cell else StepText("step.py")
        return StepForm(self.session, text, Cell(cell_id, "cell [2]"), self.write)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_cell_that_nobody_edits_is_written_as_it_was(desk: Desk) -> None:
    form = desk.form(CELL, "id1")
    form.button.click()
    assert desk.written == [(CELL, "id1")]


def test_every_option_can_be_set_and_is_read_back(desk: Desk) -> None:
    values: dict[str, Any] = {
        "--name": "fit it", "--inputs": "clean", "--outputs": "more.txt", "--params": "rate={lr}",
        "--with": "./raw.txt", "--compute-target": "local", "--python": "python3", "--env": "A=1 B='x y'",
        "--secret": "KEY OTHER", "--gpus": "1", "--memory": "1G", "--timeout": "5m", "--retries": "3",
        "--no-reuse": True, "--version": "two words", "--pipeline": "pipeline",
    }  # fmt: skip
    form = desk.form(CELL, "id1")
    for name, value in values.items():
        form.options[name].value = value
    assert form.problem == ""
    form.button.click()
    again = desk.form(desk.written[0][0], "id1")
    assert {name: again.options[name].value for name in values} == values
    assert again.text == form.text
    assert values.keys() | {"--source-directory", "--runconfig", "--run", "--overwrite"} == OPTIONS.keys()


def test_what_exists_is_offered_and_added_with_an_option_of_its_name(desk: Desk) -> None:
    form = desk.form()
    pickers = form.children[2].children
    assert [value for _, value in pickers[0].options] == ["", "{clean}"]
    assert [value for _, value in pickers[1].options] == ["", "{lr}", "{text}"]
    pickers[0].value = "{clean}"
    pickers[1].value = "{lr}"
    pickers[2].value = "model.bin"
    assert form.line.value == "--clean {clean} --lr {lr} --model {>model.bin}"
    assert [picker.value for picker in pickers] == ["", "", ""]


def test_a_new_step_has_a_script_that_fits_its_command_line_until_it_is_written(desk: Desk) -> None:
    form = desk.form()
    form.script.value, form.line.value = "fit.py", "--data {clean} --out {>model}"
    assert 'parser.add_argument("--data")' in form.body.value
    form.body.value = "print('mine')\n"
    form.line.value = "--data {clean} --depth {lr} --out {>model}"
    form.button.click()
    assert desk.written == [
        ("%%pipeline_step fit.py --data {clean} --depth {lr} --out {>model}\nprint('mine')\n", "")
    ]


def test_what_an_edit_would_make_run_is_told_at_once(desk: Desk) -> None:
    form = desk.form(CELL, "id1")
    assert [each.step for each in form.trial.changes] == ["train"]
    form.line.value = "{clean} {>model} {text}"
    assert form.trial is not None
    assert "+ train · new: never run" in form.told.value
    assert [each.name for each in desk.session.declarations] == ["prep"]


@pytest.mark.parametrize(
    ("line", "said"),
    [("{claen} {>model}", "Nothing makes {claen}"), ("'open", "never closed"), ("* {>m}", "knows no glob")],
)
def test_what_cannot_be_is_told_and_nothing_is_written(desk: Desk, line: str, said: str) -> None:
    form = desk.form(CELL, "id1")
    form.line.value = line
    assert said in form.told.value
    form.button.click()
    assert len(desk.written) == (0 if form.problem else 1)


def test_names_are_text_and_never_markup(desk: Desk) -> None:
    form = desk.form(CELL, "id1")
    form.line.value = "'<script>alert(1)</script>' {<b>} {>model}"
    form.options["--name"].value = "<img src=x onerror=alert(1)>"
    assert "<script>" not in form.told.value
    assert "<img" not in form.told.value


def test_without_a_page_that_takes_it_the_cell_is_there_to_copy(desk: Desk) -> None:
    desk.page = False
    form = desk.form(CELL, "id1")
    form.button.click()
    assert "Copy the cell below" in form.told.value
    assert form.preview.value == CELL


def test_the_form_of_a_step_has_its_whole_cell_and_replaces_it(desk: Desk) -> None:
    desk.session.put_cell = desk.write
    desk.run(CELL, "id1")
    form = form_of(desk.session, "train")
    form.options["--retries"].value = "3"
    form.button.click()
    assert desk.written == [
        ("# about\n%%step --retries 3 --env A=1 train.py {clean} {>model} {lr}\n" + COPY, "id1")
    ]


def test_a_form_of_no_step_makes_a_new_one_and_one_of_an_unknown_step_is_refused(desk: Desk) -> None:
    assert form_of(desk.session).script.value == "step.py"
    with pytest.raises(UnknownName, match="No step trian"):
        form_of(desk.session, "trian")
