"""Registration: which cell declares which step, and what replaces what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbpipe.errors import InvalidPipeline, UnknownName, UsageError
from nbpipe.notebook.declaration import Declaration
from nbpipe.notebook.session import Session


class Notebook:
    """A session, fed as a kernel feeds it."""

    def __init__(self, folder: Path) -> None:
        self.variables: dict[str, Any] = {}
        self.session = Session(folder, self.variables)
        self.count = 0

    def cell(self, line: str, body: str = "print(1)", cell_id: str | None = None) -> tuple[str, ...]:
        """Run a step cell; every cell has an id of its own unless one is given (empty: none is told)."""
        self.count += 1
        known = f"id{self.count}" if cell_id is None else cell_id
        self.session.begin_cell(f"%%step {line}\n{body}", known, f"cell [{self.count}]")
        return self.session.declare(line, body, "step").notes

    @property
    def steps(self) -> list[str]:
        return [each.name for each in self.session.declarations]

    def problems(self) -> str:
        with pytest.raises(InvalidPipeline) as caught:
            self.session.pipeline()
        return str(caught.value)


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


def test_a_step_cell_writes_its_script_and_becomes_a_node(notebook: Notebook, tmp_path: Path) -> None:
    notebook.cell("prep.py --out {>clean.csv}", "x = 1")
    assert (tmp_path / "steps/prep/prep.py").read_text() == "x = 1\n"
    assert notebook.session.pipeline().graph.get_node("prep").place == "prep.py (cell [1])"


def test_running_a_cell_again_replaces_what_it_declared_under_any_name(notebook: Notebook) -> None:
    notebook.cell("a.py {>x}", cell_id="one")
    notebook.cell("b.py {>y}", cell_id="two")
    notes = notebook.cell("c.py {>z}", cell_id="one")
    assert notebook.steps == ["c", "b"]
    assert notes == ("it takes the place of a, which this cell declared before",)


def test_running_a_cell_again_unchanged_is_quiet(notebook: Notebook) -> None:
    notebook.cell("a.py {>x}", cell_id="one")
    assert notebook.cell("a.py {>x}", cell_id="one") == ()
    assert notebook.steps == ["a"]


def test_a_cell_that_declares_no_step_any_more_takes_its_step_away(notebook: Notebook) -> None:
    notebook.cell("a.py {>x}", cell_id="one")
    assert notebook.session.begin_cell("x = 1", "one") == ["a"]
    assert notebook.steps == []


def test_the_only_step_of_a_pipeline_can_be_taken_out(notebook: Notebook, tmp_path: Path) -> None:
    notebook.cell("a.py {>x}")
    notebook.session.save(notebook.session.remove("a").pipeline)
    assert notebook.steps == []
    assert Session(tmp_path, {}).not_registered() == []


def test_a_later_cell_takes_over_the_name_with_a_note(notebook: Notebook) -> None:
    notebook.cell("a.py {>x}", "x = 1")
    notes = notebook.cell("--name a other.py {>y}", "y = 1")
    assert notebook.steps == ["a"]
    assert notes == ("it takes over the name from a.py (cell [1])",)


def test_without_ids_a_later_declaration_takes_over_the_output_with_a_note(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}", cell_id="")
    notes = notebook.cell("prepare.py {>clean.csv}", cell_id="")
    assert notebook.steps == ["prepare"]
    assert notes == ("it takes over {clean} from prep.py (cell [1]), which is no step any more",)


def test_without_ids_running_a_cell_again_is_quiet(notebook: Notebook) -> None:
    notebook.cell("prep.py {>clean.csv}", cell_id="")
    assert notebook.cell("prep.py {>clean.csv}", "print(2)", cell_id="") == ()


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("--nope prep.py {>y}", "print(1)"),
        ("../prep.py {>y}", "print(1)"),
        ("prep.py {>y}", "x = ("),
        ("prep.py {>y}", "x = '\0'"),
        ("prep.py {>y}", "%matplotlib inline"),
        ("prep.py {>y}", "  "),
        ("--with nowhere.py prep.py {>y}", "print(1)"),
        ("--source-directory nowhere prep.py {>y}", "print(1)"),
    ],
)
def test_a_cell_that_fails_to_parse_leaves_the_pipeline_as_it_was(
    notebook: Notebook, line: str, body: str
) -> None:
    notebook.cell("prep.py {>x}", cell_id="one")
    before, script = notebook.session.declarations, notebook.session.folder / "steps/prep/prep.py"
    with pytest.raises(UsageError):
        notebook.cell(line, body, cell_id="one")
    assert notebook.session.declarations == before
    assert script.read_text() == "print(1)\n"


def test_a_syntax_error_names_the_line_of_script_and_cell(notebook: Notebook) -> None:
    text = "# note\n%%step prep.py \\\n {>x}\nx = 1\ny = = 2"
    notebook.session.begin_cell(text, "one", "cell [1]")
    with pytest.raises(UsageError) as caught:
        notebook.session.declare("prep.py {>x}", "x = 1\ny = = 2", "step")
    assert str(caught.value).startswith("prep.py, line 2: invalid syntax.")
    assert "line 2 of the script, line 5 of the cell" in str(caught.value)


def test_a_file_changed_by_another_hand_leaves_the_pipeline_as_it_was(notebook: Notebook) -> None:
    notebook.cell("prep.py {>x}", "x = 1", cell_id="one")
    before = notebook.session.declarations
    (notebook.session.folder / "steps/prep/prep.py").write_text("mine\n")
    with pytest.raises(UsageError, match="changed outside"):
        notebook.cell("prep.py {>x}", "x = 2", cell_id="one")
    assert notebook.session.declarations == before
    notebook.cell("--overwrite prep.py {>x}", "x = 2", cell_id="one")
    assert notebook.session.declarations[0].body == "x = 2"


def test_a_step_of_any_name_writes_inside_the_steps_folder(notebook: Notebook, tmp_path: Path) -> None:
    notebook.cell("--name '<script>alert(1)</script>' a.py {>x}")
    notebook.cell("--name ../../b b.py {>y}")
    written = [path.relative_to(tmp_path / "steps") for path in (tmp_path / "steps").rglob("*.py")]
    assert len(written) == 2
    assert [node.name for node in notebook.session.pipeline().graph.nodes] == [
        "<script>alert(1)</script>",
        "../../b",
    ]


def test_names_of_other_cells_are_listed(notebook: Notebook) -> None:
    import json
    from os.path import join

    notebook.variables |= {"js": json, "join": join, "df": [1]}
    notes = notebook.cell("a.py", "js.dumps(join(df, nowhere)); print(len([]))")
    assert notes == (
        "`df` belongs to another cell; a step is a script of its own and shares no variables",
        f"`join` is imported in another cell: from {join.__module__} import join",
        "`js` is imported in another cell: import json as js",
        "`nowhere` is defined nowhere",
    )


def test_a_shared_output_is_noted(notebook: Notebook) -> None:
    notebook.cell("a.py {>model}")
    assert notebook.cell("b.py {>model}") == (
        "{model} is made by a.py (cell [1]) too; say which one to read: {a.model} or {b.model}",
    )


def test_a_removed_step_is_gone_and_its_file_stays(notebook: Notebook, tmp_path: Path) -> None:
    notebook.cell("a.py {>x}")
    notebook.session.remove("a")
    assert notebook.steps == []
    assert (tmp_path / "steps/a/a.py").exists()
    with pytest.raises(UnknownName):
        notebook.session.remove("a")


def test_an_unknown_step_is_told_with_what_may_be_meant(notebook: Notebook) -> None:
    notebook.cell("train.py {>x}")
    with pytest.raises(UnknownName, match=r"Did you mean train\?"):
        notebook.session.step("trian")


def test_no_step_offers_the_smallest_one(notebook: Notebook) -> None:
    with pytest.raises(UsageError, match=r"No steps yet\.") as caught:
        notebook.session.pipeline()
    assert "%%pipeline_step hello.py" in str(caught.value)


def test_two_steps_cannot_share_a_script(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    notebook.cell("--source-directory src a.py {>x}", "x = 1")
    with pytest.raises(UsageError, match=r"src/a\.py is the script of a \(cell \[1\]\) already"):
        notebook.cell("--source-directory src --name b a.py {>y}", "y = 1")
    assert (tmp_path / "src/a.py").read_text() == "x = 1\n"


def test_a_steps_name_is_one_steps_in_all_pipelines(notebook: Notebook) -> None:
    notebook.cell("a.py {>x}")
    assert notebook.cell("--pipeline other a.py {>x}", "x = 1") == (
        "it takes over the name from a.py (cell [1])",
    )
    assert notebook.session.names() == ["other"]


def test_pipelines_are_kept_apart(notebook: Notebook) -> None:
    notebook.cell("a.py {>x}")
    notebook.cell("--pipeline other --name c c.py {>x}")
    assert notebook.session.names() == ["pipeline", "other"]
    assert [node.name for node in notebook.session.pipeline("other").graph.nodes] == ["c"]
    assert [node.name for node in notebook.session.pipeline().graph.nodes] == ["a"]
    with pytest.raises(UnknownName):
        notebook.session.pipeline("third")


def test_a_module_cell_writes_a_file_beside_the_notebook(notebook: Notebook, tmp_path: Path) -> None:
    notebook.session.begin_cell("%%pipeline_module utils.py\nx = 1", "one")
    assert notebook.session.write_module("utils.py", "x = 1") == tmp_path / "utils.py"
    (tmp_path / "utils.py").write_text("mine\n")
    with pytest.raises(UsageError, match=r"%pipeline_load utils\.py"):
        notebook.session.write_module("utils.py", "x = 2")
    with pytest.raises(UsageError):
        notebook.session.write_module("other.py", "x = (")
    assert not (tmp_path / "other.py").exists()


def test_a_new_session_recalls_what_was_declared(notebook: Notebook, tmp_path: Path) -> None:
    notebook.variables["lr"] = 0.1
    notebook.cell("a.py {lr} {>x}", "x = 1")
    notebook.session.save("pipeline")
    saved = Session(tmp_path).earlier
    assert list(saved.declarations) == notebook.session.declarations
    assert [*saved.values.values()] == [{"lr": 0.1}]


@pytest.mark.parametrize(
    "damage",
    [
        '{"format": 2, "declarations": [{}], "values": {}}',
        '{"format": 2, "declarations": [], "values": {"pipeline": ["lr"]}}',
        '{"format": 2, "declarations": []}',
        '{"format": 2, "decl',
        "[]",
    ],
)
def test_a_damaged_memory_is_set_aside(notebook: Notebook, tmp_path: Path, damage: str) -> None:
    notebook.cell("a.py {>x}")
    notebook.session.save("pipeline")
    for file in (tmp_path / ".nbpipe/registry/notebooks").iterdir():
        file.write_text(damage)
    assert Session(tmp_path).earlier.declarations == ()
    assert len(list((tmp_path / ".nbpipe/tmp/damaged").iterdir())) == 1
    notebook.session.save("pipeline")
    assert len(Session(tmp_path).earlier.declarations) == 1


def test_of_what_is_saved_only_what_is_new_is_put_into_words(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    to_json = Declaration.to_json
    monkeypatch.setattr(Declaration, "to_json", lambda each: told.append(each.name) or to_json(each))
    for name in ("a", "b", "a"):
        notebook.cell(f"{name}.py {{>{name}}}", f"print({len(told)}, 'é')", cell_id=name)
        notebook.session.save("pipeline")
    assert told == ["a", "b", "a"]
    assert list(Session(tmp_path).earlier.declarations) == notebook.session.declarations


def test_what_a_new_session_has_not_registered_yet_stays_known(notebook: Notebook, tmp_path: Path) -> None:
    notebook.cell("a.py {>x}")
    notebook.cell("b.py {>y}")
    notebook.cell("c.py {>z}")
    notebook.session.save("pipeline")
    second = Notebook(tmp_path)
    second.cell("b.py {>y}", "print(2)", cell_id="id2")
    second.cell("renamed.py {>z}", cell_id="id3")
    second.session.save("pipeline")
    assert [each.name for each in Session(tmp_path).earlier.declarations] == ["b", "renamed", "a"]
    second.session.forget(second.session.not_registered())
    second.session.save("pipeline")
    assert [each.name for each in Session(tmp_path).earlier.declarations] == ["b", "renamed"]
