"""Explanations: the diffs, the receipt and the note behind a reason."""

from __future__ import annotations

from nbpipe.core.explanation import LONGEST_DIFFED, explain, unified_diff
from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.reason import compare

TEXTS = {"1": "a\nb\nc\nd\ne\nf\n", "2": "a\nb\nc\nd\ne\nF\n", "3": "new\n"}
OLD = Fingerprint(
    {"code": {"train.py": "x"}, "command": {"script": "train.py", "arguments": ["--lr", "0.1"]}},
    {"files": {"train.py": "1", "gone.py": "3", "image.png": "9"}},
)
NEW = Fingerprint(
    {
        "code": {"train.py": "y"},
        "command": {"script": "train.py", "arguments": ["--lr", "0.2"]},
        "inputs": {"raw": "5"},
    },
    {"files": {"train.py": "2", "added.py": "3", "image.png": "8"}},
    frozenset({"clean"}),
)


def test_every_changed_text_has_its_diff() -> None:
    told = explain("train", "will run", compare(OLD, NEW, TEXTS.get), NEW, OLD, TEXTS.get, compared_run="12")
    assert dict(told.diffs) == {
        "train.py": "--- train.py (before)\n+++ train.py (now)\n@@ -4,3 +4,3 @@\n d\n e\n-f\n+F",
        "gone.py": "--- gone.py (before)\n+++ gone.py (now)\n@@ -1 +0,0 @@\n-new",
        "added.py": "--- added.py (before)\n+++ added.py (now)\n@@ -0,0 +1 @@\n+new",
        "arguments": "--- arguments (before)\n+++ arguments (now)\n@@ -1,2 +1,2 @@\n --lr\n-0.1\n+0.2",
    }
    assert (told.step, told.status, told.compared_run, told.key, told.note) == (
        "train",
        "will run",
        "12",
        "",
        "",
    )
    assert [reason.kind for reason in told.reasons] == ["code", "command", "inputs", "inputs"]


def test_the_receipt_names_every_ingredient() -> None:
    told = explain("train", "will run", (), NEW, None, TEXTS.get)
    assert told.diffs == ()
    assert told.receipt == (
        ("code", "train.py", "y"), ("command", "script", "train.py"), ("command", "arguments", '["--lr", "0.2"]'),
        ("inputs", "raw", "5"), ("inputs", "clean", "not made yet"),
    )  # fmt: skip


def test_only_comments_changed_is_worth_a_note() -> None:
    commented = Fingerprint(OLD.parts, {"files": {**OLD.evidence["files"], "train.py": "2"}})
    told = explain("train", "will reuse", (), commented, OLD, TEXTS.get)
    assert told.note == "only comments changed"
    assert [name for name, _ in told.diffs] == ["train.py"]
    assert told.key == OLD.key
    assert explain("train", "will reuse", (), OLD, OLD, TEXTS.get).note == ""


def test_a_step_without_a_fingerprint_is_explained_by_its_reasons_alone() -> None:
    told = explain("train", "blocked", (), None, OLD, TEXTS.get)
    assert (told.diffs, told.receipt, told.key, told.note) == ((), (), "", "")


def test_very_long_texts_are_told_by_their_lengths() -> None:
    long = "x\n" * (LONGEST_DIFFED + 1)
    assert unified_diff(long, "", "a.json") == f"a.json: {LONGEST_DIFFED + 1} lines before, 0 lines now"
    assert unified_diff("a\r\n", "a\n", "a.py") == ""
