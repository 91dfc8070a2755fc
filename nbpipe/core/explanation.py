"""The long form of "why": sentences, diffs of what changed, and the receipt of every ingredient."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from nbpipe.core.fingerprint import PARTS, Fingerprint
from nbpipe.core.reason import Reader, Reason, only_comments_changed
from nbpipe.core.record import dataclass

LONGEST_DIFFED = 20_000
"""Lines up to which a diff is made."""


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
        compared: the receipt of the fingerprint that it is compared with, or nothing.
    """

    step: str
    status: str
    reasons: tuple[Reason, ...] = ()
    compared_run: str = ""
    diffs: tuple[tuple[str, str], ...] = ()
    receipt: tuple[tuple[str, str, str], ...] = ()
    key: str = ""
    note: str = ""
    compared: tuple[tuple[str, str, str], ...] = ()


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
    only_comments = before is not None and after is not None and only_comments_changed(before, after)
    return Explanation(
        step,
        status,
        tuple(reasons),
        compared_run,
        diffs,
        tuple(_receipt(after)) if after else (),
        after.key if after and not after.unknown else "",
        "only comments changed" if only_comments else "",
        tuple(_receipt(before)) if before else (),
    )


def _diffs(before: Fingerprint, after: Fingerprint, read: Reader) -> Iterator[tuple[str, str]]:
    """Diffs of every text file whose bytes differ, and of the command line."""
    olds, news = before.evidence.get("files", {}), after.evidence.get("files", {})
    for name in dict.fromkeys([*olds, *news]):
        if olds.get(name) != news.get(name):
            old, new = (read(side[name]) if name in side else "" for side in (olds, news))
            if old is not None and new is not None:
                yield name, unified_diff(old, new, name)
    old_words, new_words = (side.part("command").get("arguments") or () for side in (before, after))
    if list(old_words) != list(new_words):
        yield "arguments", unified_diff("\n".join(old_words), "\n".join(new_words), "arguments")


def unified_diff(before: str, after: str, name: str) -> str:
    """A unified diff with two lines of context and no clock times; empty for equal texts.

    Texts so long that comparing them would take seconds are told by their lengths alone.
    """
    olds, news = before.splitlines(), after.splitlines()
    if max(len(olds), len(news)) > LONGEST_DIFFED:
        return f"{name}: {len(olds)} lines before, {len(news)} lines now"
    import difflib

    lines = difflib.unified_diff(olds, news, f"{name} (before)", f"{name} (now)", n=2, lineterm="")
    return "\n".join(lines)


def _receipt(fingerprint: Fingerprint) -> Iterator[tuple[str, str, str]]:
    for kind in PARTS:
        for name, value in fingerprint.part(kind).items():
            yield kind, name, _as_text(value)
        for name in sorted(fingerprint.unknown if kind == "inputs" else ()):
            yield kind, name, "not made yet"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
