"""What a step logged, told as numbers, texts, tables and pictures."""

from __future__ import annotations

import pytest

from nbpipe.live.answers import ANSWERERS
from nbpipe.live.answers.metrics import MOST_VALUES, _card
from tests.live.answers.boards import Board, board
from tests.projects import Project
from tests.waiting import eventually

metrics = ANSWERERS["metrics"]

LOG = """\
import pathlib, struct, zlib
from nbpipe import Run
run = Run.get_context()
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
picture = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
pathlib.Path("roc.png").write_bytes(picture + chunk(b"IDAT", zlib.compress(b"\\0\\0")) + chunk(b"IEND", b""))
run.log("accuracy", ACCURACY)
for loss in (3.0, 2.0, float("nan")):
    run.log("loss", loss)
run.log("model", "forest<b>")
run.log_table("counts", {"kind": ["a", "b"], "n": [1, 2]})
run.log_confusion_matrix("confusion", {"schema_type": "confusion_matrix", "data": {"matrix": [[1, 0]]}})
run.log_image("roc", path="roc.png")
"""


@pytest.mark.runner
def test_metrics_are_told_by_their_kind_and_beside_what_they_were(project: Project) -> None:
    first = project.run(project.cell("train", LOG.replace("ACCURACY", "0.9"), ""))
    step = project.cell("train", LOG.replace("ACCURACY", "0.94"), "")
    second = project.run(step)
    shown = board(project, step, run=second)
    told = {each.name: each for each in metrics(shown, {"step": "train"}).series}
    assert (told["accuracy"].values, told["accuracy"].earlier) == ((0.94,), 0.9)
    assert told["loss"].values == (3.0, 2.0)
    assert told["loss"].text == "1 of 3 values: NaN"
    assert told["model"].text == "forest<b>"
    assert (told["counts"].columns, told["counts"].rows) == (("kind", "n"), (("a", "1"), ("b", "2")))
    assert '"matrix"' in told["confusion"].text
    assert told["roc"].image.startswith("data:image/png;base64,")
    earlier = {each.name: each for each in metrics(shown, {"step": "train", "run": first.id}).series}
    assert (earlier["accuracy"].values, earlier["accuracy"].earlier) == ((0.9,), None)
    again = project.run(step)
    assert again.step("train").reused
    reused = {each.name: each for each in metrics(board(project, step, run=again), {"step": "train"}).series}
    assert reused["roc"].image == told["roc"].image
    assert reused["loss"].values == told["loss"].values


@pytest.mark.runner
def test_a_picture_is_there_while_its_step_runs(project: Project) -> None:
    flag = project.root / "go"
    wait = f"import time\nwhile not pathlib.Path({str(flag)!r}).exists():\n    time.sleep(0.01)\n"
    run = project.submit(project.cell("train", LOG.replace("ACCURACY", "1") + wait, ""))
    shown = Board(project.workspace, run.graph, None, run)
    eventually(lambda: any(each.image for each in metrics(shown, {"step": "train"}).series))
    flag.write_text("")
    run.wait_for_completion(show_output=False)


def test_a_long_series_keeps_its_ends_and_says_what_is_left_out() -> None:
    card = _card("x", list(range(10 * MOST_VALUES + 1)), None, document=False)
    assert len(card.values) <= MOST_VALUES + 1
    assert (card.values[0], card.values[-1]) == (0.0, 10.0 * MOST_VALUES)
    assert "one of 11 values" in card.text


def test_what_is_no_number_is_text() -> None:
    assert _card("x", True, None, document=False).text == "true"
    assert _card("x", 10**400, None, document=False).values == ()
    assert _card("x", None, None, document=False).text == "null"
    assert _card("x", {"a": [[1]]}, None, document=False).columns == ()
