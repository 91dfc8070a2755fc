"""The long form of "why": sentences, diffs of what changed, and the receipt of every ingredient."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nbpipe.core.fingerprint import PARTS, Fingerprint
from nbpipe.core.reason import Reader, Reason


@dataclass(frozen=True)
class Explanation:
    """Why a step runs or is reused.

    Attributes:
        step: its name.
        status: the word a view shows (``will run``, ``reused``, ...).
        reasons: every reason, first the most telling.
        compared_run: run that it is compared with, or empty.
        diffs: ``(title, unified diff)`` of each changed text.
        receipt: ``(kind, name, value)`` of every ingredient of the fingerprint.
        key: key of the fingerprint, or empty while an input is unknown.
        note: what else is worth saying ("only comments changed").
    """

    step: str
    status: str
    reasons: tuple[Reason, ...] = ()
    compared_run: str = ""
    diffs: tuple[tuple[str, str], ...] = ()
    receipt: tuple[tuple[str, str, str], ...] = ()
    key: str = ""
    note: str = ""


def explain(
    step: str, status: str, reasons: Sequence[Reason], after: Fingerprint | None, before: Fingerprint | None,
    read: Reader, *, compared_run: str = "",
) -> Explanation:  # fmt: skip
    """Put an explanation together.

    Args:
        step, status: name and word.
        reasons: as ``decide`` gave them.
        after: the fingerprint now, or None where it could not be made.
        before: the one it is compared with, or None.
        read: gives the text of stored files.
        compared_run: run of ``before``.
    """
    diffs = tuple(_diffs(before, after, read)) if before and after else ()
    only_comments = bool(diffs) and before is not None and after is not None and after.matches(before)
    return Explanation(
        step,
        status,
        tuple(reasons),
        compared_run,
        diffs,
        tuple(_receipt(after)) if after else (),
        after.key if after and not after.unknown else "",
        "only comments changed" if only_comments else "",
    )


def _diffs(before: Fingerprint, after: Fingerprint, read: Reader) -> Iterator[tuple[str, str]]:
    """Diffs of every file whose bytes differ, and of the command line."""
    olds, news = before.evidence.get("files", {}), after.evidence.get("files", {})
    for name in dict.fromkeys([*olds, *news]):
        if olds.get(name) != news.get(name):
            yield name, unified_diff(read(olds.get(name, "")) or "", read(news.get(name, "")) or "", name)
    old_line, new_line = before.part("command").get("arguments"), after.part("command").get("arguments")
    if old_line != new_line:
        yield "arguments", unified_diff("\n".join(old_line or ()), "\n".join(new_line or ()), "arguments")


def unified_diff(before: str, after: str, name: str) -> str:
    """A unified diff with two lines of context and no clock times; empty for equal texts."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} (before)", f"{name} (now)", n=2, lineterm=""
    )
    return "\n".join(lines)


def _receipt(fingerprint: Fingerprint) -> Iterator[tuple[str, str, str]]:
    for kind in PARTS:
        for name, value in fingerprint.part(kind).items():
            yield kind, name, _as_text(value)
        for name in sorted(fingerprint.unknown if kind == "inputs" else ()):
            yield kind, name, "not made yet"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
