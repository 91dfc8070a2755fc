"""What a step reads and writes is told with code that reads it, and nothing else can be looked into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbpipe.errors import NbpipeError, UsageError
from nbpipe.live.answers import ANSWERERS
from nbpipe.live.answers.preview import preview
from nbpipe.run import PipelineRun
from tests.live.answers.boards import Board, board
from tests.projects import COPY, Project

data = ANSWERERS["data"]

MAKE = """\
import pathlib, sys
out, folder = map(pathlib.Path, sys.argv[2:])
out.write_text(open(sys.argv[1]).read())
(folder / "sub").mkdir()
(folder / "sub" / "weights.txt").write_text("1 2 3")
(folder / "notes.md").write_text("note")
pathlib.Path("outputs/plot.svg").write_text("<svg onload='x()'/>")
"""


def made(project: Project) -> tuple[Board, PipelineRun]:
    project.write("raw.csv", "a,b\n1,2\n3,4\n")
    prep = project.cell("prep", MAKE, "{./raw.csv} {>clean.csv} {>model/}")
    use = project.cell("use", COPY, "{clean} {>copy.csv}")
    run = project.run(prep, use)
    return board(project, prep, use, run=run), run


@pytest.mark.runner
def test_data_are_told_by_role_with_rows_size_and_code(project: Project) -> None:
    shown, run = made(project)
    items = {(each.name, each.role): each for each in data(shown, {"step": "prep"}).items}
    assert [*items] == [
        ("raw_csv", "input"),
        ("clean", "output"),
        ("model", "output"),
        ("outputs", "files"),
    ]
    assert items["raw_csv", "input"].note == "2 rows · 12 B"
    assert items["clean", "output"].note == "2 rows · 12 B"
    assert items["model", "output"].note == "9 B · 2 files"
    assert items["clean", "output"].code.splitlines() == [
        "import pandas as pd",
        "import nbpipe",
        "pd.read_csv(nbpipe.path('clean'))",
    ]
    assert items["raw_csv", "input"].code.splitlines()[-1] == "pd.read_csv(Path('raw.csv'))"
    assert all(each.there for each in items.values())
    used = data(shown, {"step": "use"}).items[0]
    assert (used.name, used.role, used.digest) == ("clean", "input", items["clean", "output"].digest)
    for item in (items["outputs", "files"], items["model", "output"]):
        found: dict[str, Any] = {}
        exec("\n".join([*item.code.splitlines()[:-1], f"found = {item.code.splitlines()[-1]}"]), found)
        assert isinstance(found["found"], Path)
        assert found["found"].is_dir()
    assert run.step("prep").files == found["found"] or items["outputs", "files"].there


@pytest.mark.runner
def test_data_that_are_not_there_say_why(project: Project) -> None:
    prep = project.cell("prep", COPY, "{./raw.csv} {>clean.csv}")
    use = project.cell("use", COPY, "{clean} {>copy.csv}")
    shown = board(project, prep, use)
    items = data(shown, {"step": "prep"}).items
    assert [(each.note, each.there) for each in items] == [
        ("there is no raw.csv", False),
        ("not made yet", False),
    ]
    with pytest.raises(UsageError, match="clean: not made yet"):
        preview(shown, {"step": "use", "name": "clean"})


@pytest.mark.runner
def test_data_of_an_earlier_run_say_of_which_and_lost_ones_that_they_are_gone(project: Project) -> None:
    project.write("raw.csv", "a\n1\n")
    prep = project.cell("prep", COPY, "{./raw.csv} {>clean.csv}")
    first = project.run(prep)
    changed = project.cell("prep", COPY + "x = 1\n", "{./raw.csv} {>clean.csv}")
    shown = board(project, changed)
    assert data(shown, {"step": "prep"}).items[1].note == f"1 row · 4 B · of run {first.id}"
    second = project.run(changed)
    newer = board(project, changed, run=second)
    told = [data(newer, {"step": "prep", "run": run}).items[1].note for run in (first.id, second.id, "")]
    assert told == ["1 row · 4 B"] * 3
    assert preview(newer, {"step": "prep", "name": "clean", "run": first.id}).rows == (("1",),)
    project.workspace.objects.drop(first.step("prep").get_output("clean").digest)
    lost = data(Board(project.workspace, shown.graph, None, first), {"step": "prep"}).items[1]
    assert (lost.note, lost.there, lost.code) == ("gone from the store", False, "")


@pytest.mark.runner
def test_previews_show_tables_folders_and_files_in_them(project: Project) -> None:
    shown, _ = made(project)
    table = preview(shown, {"step": "prep", "name": "clean", "first": 1, "count": 5})
    assert (table.kind, table.columns, table.rows, table.total) == ("table", ("a", "b"), (("3", "4"),), 2)
    folder = preview(shown, {"step": "prep", "name": "model"})
    assert folder.entries == (("notes.md", "4 B"), ("sub/weights.txt", "5 B"))
    assert preview(shown, {"step": "prep", "name": "model", "path": "sub/weights.txt"}).text == "1 2 3"
    drawn = preview(shown, {"step": "prep", "name": "outputs", "path": "plot.svg"})
    assert (drawn.kind, drawn.image) == ("text", "")
    assert preview(shown, {"step": "prep", "name": "raw_csv"}).rows == (("1", "2"), ("3", "4"))
    assert preview(shown, {"step": "use", "name": "clean", "role": "input"}).rows == (("1", "2"), ("3", "4"))


@pytest.mark.runner
def test_no_path_leads_to_what_is_not_in_the_data(project: Project) -> None:
    shown, run = made(project)
    secret = project.write("secret.txt", "do not read")
    digest = run.step("prep").get_output("model").digest
    objects = project.workspace.objects
    paths = [
        "..",
        "../..",
        "sub",
        "sub/..",
        "/etc/passwd",
        str(secret),
        "",
        "sub/../notes.md",
        "notes.md\0",
        "./notes.md",
    ]
    for path in filter(None, paths):
        with pytest.raises(UsageError, match="has no file"):
            preview(shown, {"step": "prep", "name": "model", "path": path})
    with pytest.raises(UsageError, match="has no data"):
        preview(shown, {"step": "prep", "name": str(secret)})

    # A hand that puts a link in the place of what was published leads nobody out either.
    tree = objects.path(digest)
    tree.chmod(0o700)
    (tree / "sub").chmod(0o700)
    (tree / "sub" / "weights.txt").unlink()
    (tree / "sub").rmdir()
    (tree / "sub").symlink_to(project.root)
    (project.root / "weights.txt").write_text("do not read")
    with pytest.raises(UsageError, match="has no file"):
        preview(shown, {"step": "prep", "name": "model", "path": "sub/weights.txt"})

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
    @given(st.text("./\\abc", max_size=8) | st.lists(st.sampled_from(["..", "sub", ""])).map("/".join))
    def anything_else_is_refused(path: str) -> None:
        if path:
            with pytest.raises(NbpipeError):
                preview(shown, {"step": "prep", "name": "model", "path": path})

    anything_else_is_refused()


@pytest.mark.runner
def test_a_name_that_two_steps_make_is_read_with_its_step(project: Project) -> None:
    one = project.cell("one", COPY, "{>clean.csv}")
    two = project.cell("two", COPY, "{>clean.txt}")
    shown = board(project, one, two, run=project.run(one, two))
    code = data(shown, {"step": "two"}).items[0].code
    assert code.splitlines()[-1] == "nbpipe.path('two.clean').read_text()"
