"""Reasons: why a step runs again, found by comparing two fingerprints and told in one line each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from nbpipe.core.fingerprint import Fingerprint
from nbpipe.core.record import dataclass
from nbpipe.core.result import Attempt
from nbpipe.core.shape import well_formed

Kind = Literal[
    "never_run", "code", "command", "inputs", "parameters", "environment", "settings", "version", "upstream",
    "failed", "forced", "reuse_off", "output_missing", "scheme",
]  # fmt: skip
KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]

LONGEST_COMPARED = 2000
"""Lines behind the first change up to which every change is looked for."""

Reader = Callable[[str], str | None]
"""Gives the text of a stored file by its digest, or None."""


@dataclass(frozen=True)
class Reason:
    """One reason why a step runs.

    Attributes:
        kind: one of a closed set.
        name: the file, option, input, package or step concerned.
        before, after: what it was and is: a digest or the value itself.
        text: one line in the user's names.
        root: the cause upstream ("split.py line 9"), or empty.
    """

    kind: Kind
    name: str = ""
    before: Any = None
    after: Any = None
    text: str = ""
    root: str = ""

    def __str__(self) -> str:
        return f"{self.text} ← {self.root}" if self.root else self.text

    def short(self) -> str:
        """The cause as it stands behind an arrow: without the word "changed" at its end."""
        return self.root or self.text.removesuffix(" changed")

    def because(self, root: str) -> Reason:
        """The same reason with its cause upstream."""
        return replace(self, root=root)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        return dict(vars(self))

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Reason:
        """The reason that ``to_json`` wrote; ``TypeError`` where it is damaged."""
        known = Reason.__dataclass_fields__
        reason: Reason = well_formed(Reason(**{name: value for name, value in data.items() if name in known}))
        return reason

    @staticmethod
    def all_from_json(found: Iterable[Mapping[str, Any]]) -> list[Reason]:
        """The reasons that an event keeps, without those that are damaged."""
        reasons = []
        for each in found:
            with suppress(TypeError):
                reasons.append(Reason.from_json(each))
        return reasons


def compare(before: Fingerprint | None, after: Fingerprint, read: Reader) -> list[Reason]:
    """Every reason why a step with ``after`` is not the one with ``before``.

    Args:
        before: the stored fingerprint it is compared with; None when the step has never run.
        after: the fingerprint now; unknown inputs are passed over.
        read: gives the text of stored files, so that a line number can be told.

    Returns:
        Reasons in the order of ``PARTS``; empty when nothing differs.

    Example:
        >>> old = Fingerprint({"parameters": {"lr": 0.1}})
        >>> new = Fingerprint({"parameters": {"lr": 0.2}}, {"options": {"lr": "--lr"}})
        >>> [str(reason) for reason in compare(old, new, lambda digest: None)]
        ['--lr 0.1 → 0.2']
    """
    if before is None:
        return [Reason("never_run", text="never run")]
    if before.scheme != after.scheme:
        text = "this version of nbpipe counts differently"
        return [Reason("scheme", "scheme", before.scheme, after.scheme, text)]
    found = []
    for kind, name, old, new in before.differences(after):
        found.extend(_TELL[kind](name, old, new, before, after, read))
    return [replace(reason, text=" ".join(reason.text.split())) for reason in found]


def nearest(attempts: Iterable[Attempt], after: Fingerprint, pipeline: str) -> Attempt | None:
    """The attempt to compare with: same pipeline first, then fewest parts different, the newest on a tie.

    Finished attempts are looked at first; a failed one is taken only where none ever finished.

    Args:
        attempts: the newest last.
        after: the fingerprint now.
        pipeline: its pipeline's name.
    """
    best: tuple[tuple[bool, bool, int], Attempt] | None = None
    for attempt in attempts:
        distance = sum(1 for _ in attempt.fingerprint.differences(after))
        rank = (attempt.status != "finished", attempt.pipeline != pipeline, distance)
        if best is None or rank <= best[0]:
            best = (rank, attempt)
    return best[1] if best else None


def changed_lines(old: str, new: str) -> str:
    r"""Where a text differs, in words: ``line 12``, ``lines 12-14``, ``line 12 and 2 more places``.

    Long texts, whose comparison would take seconds, are told by the first line: ``from line 12 on``.

    Example:
        >>> changed_lines("a\nb\nc", "a\nB\nc")
        'line 2'
    """
    olds, news = old.splitlines(), new.splitlines()
    same = 0
    while same < min(len(olds), len(news)) and olds[same] == news[same]:
        same += 1
    if max(len(olds), len(news)) - same > LONGEST_COMPARED:
        return f"from line {same + 1} on"
    import difflib

    blocks = difflib.SequenceMatcher(None, olds[same:], news[same:], autojunk=False).get_opcodes()
    places = [(start + same, end + same) for tag, _, _, start, end in blocks if tag != "equal"]
    if not places:
        return ""
    start, end = places[0]
    first = f"line {start + 1}" if end - start <= 1 else f"lines {start + 1}-{end}"
    if len(places) == 1:
        return first
    more = len(places) - 1
    return f"{first} and {more} more place{'s' if more > 1 else ''}"


def only_comments_changed(before: Fingerprint, after: Fingerprint) -> bool:
    """True when files differ in bytes, and nothing that counts does: comments or formatting changed."""
    return before.evidence.get("files") != after.evidence.get("files") and before.matches(after)


def _text_of(side: Fingerprint, name: str, read: Reader) -> str | None:
    digest = side.evidence.get("files", {}).get(name)
    return read(digest) if digest else None


def _code(
    name: str, old: Any, new: Any, before: Fingerprint, after: Fingerprint, read: Reader
) -> list[Reason]:
    if old is None or new is None:
        return [Reason("code", name, old, new, f"{name} {'added' if old is None else 'removed'}")]
    texts = [_text_of(side, name, read) for side in (before, after)]
    where = changed_lines(texts[0], texts[1]) if texts[0] is not None and texts[1] is not None else ""
    shared = after.evidence.get("shared", {}).get(name, [])
    also = f" (also used by {', '.join(shared)})" if shared else ""
    return [
        Reason("code", name, old, new, f"{name} {where} changed{also}" if where else f"{name} changed{also}")
    ]


def _command(
    name: str, old: Any, new: Any, before: Fingerprint, after: Fingerprint, read: Reader
) -> list[Reason]:
    del before, after, read
    if name == "script":
        return [Reason("command", name, old, new, f"script {old} → {new}")]
    olds, news = option_values(old or ()), option_values(new or ())
    found = []
    for option in dict.fromkeys([*olds, *news]):
        was, now = _apart(olds.get(option), news.get(option))
        if was != now:
            found.append(Reason("command", option, was, now, _arrow(option, was, now)))
    text = "arguments in another order" if sorted(old or ()) == sorted(new or ()) else "arguments changed"
    return found or [Reason("command", name, old, new, text)]


def _apart(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Two values without the words that both end with: positional arguments behind the last option."""
    if old is None or new is None:
        return old, new
    olds, news = old.split(" "), new.split(" ")
    while min(len(olds), len(news)) > 1 and olds[-1] == news[-1]:
        olds.pop()
        news.pop()
    return " ".join(olds), " ".join(news)


def option_values(words: Sequence[str]) -> dict[str, str]:
    """A command line by option, so that two can be compared whatever their order.

    Example:
        >>> option_values(["data.csv", "--lr", "0.1", "--flag", "--n=3"])
        {'argument 1': 'data.csv', '--lr': '0.1', '--flag': '', '--n': '3'}
    """
    values: dict[str, str] = {}
    current, positional = "", 0
    for word in words:
        if word.startswith("-") and not word[1:2].isdigit() and not word.startswith("-."):
            current, _, value = word.partition("=")
            values[current] = f"{values.get(current, '')} {value}".strip()
        elif current and not values[current]:
            values[current] = word
        elif current:
            values[current] += f" {word}"
        else:
            positional += 1
            values[f"argument {positional}"] = word
    return values


def _inputs(
    name: str, old: Any, new: Any, before: Fingerprint, after: Fingerprint, read: Reader
) -> list[Reason]:
    del read
    was, now = (side.evidence.get("inputs", {}).get(name, {}) for side in (before, after))
    shown = now.get("name") or was.get("name") or name
    if name not in before.input_names or name not in after.input_names:
        verb = "no longer an" if name in before.input_names else "a new"
        return [Reason("inputs", name, old, new, f"{shown} is {verb} input")]
    if now.get("from"):
        return [Reason("upstream", now["from"], old, new, f"{shown} changed")]
    rows = [side.get("rows") for side in (was, now)]
    counted = f" ({rows[0]} → {rows[1]} rows)" if None not in rows and rows[0] != rows[1] else ""
    return [Reason("inputs", name, old, new, f"{shown}: content changed{counted}")]


def _parameters(
    name: str, old: Any, new: Any, before: Fingerprint, after: Fingerprint, read: Reader
) -> list[Reason]:
    del before, read
    shown = after.evidence.get("options", {}).get(name, name)
    return [Reason("parameters", name, old, new, _arrow(shown, old, new))]


def _environment(
    name: str, old: Any, new: Any, before: Fingerprint, after: Fingerprint, read: Reader
) -> list[Reason]:
    del before, after, read
    if name == "definition":
        return [Reason("environment", name, old, new, "declared environment changed")]
    return [Reason("environment", name, old, new, _arrow(name, old, new))]


def _settings(
    name: str, old: Any, new: Any, before: Fingerprint, after: Fingerprint, read: Reader
) -> list[Reason]:
    del before, after, read
    if name.startswith(
        ("--env ", "--secret ")
    ):  # the name says it all: a digest, or "given", tells nobody anything
        text = f"{name} {'added' if old is None else 'removed' if new is None else 'changed'}"
    else:
        text = _arrow(name, old, new)
    return [Reason("settings", name, old, new, text)]


def _version(
    name: str, old: Any, new: Any, before: Fingerprint, after: Fingerprint, read: Reader
) -> list[Reason]:
    del before, after, read
    return [Reason("version", name, old, new, _arrow("version", old, new))]


def _arrow(name: str, old: Any, new: Any) -> str:
    if old is None:
        words = [name, _short(new), "added"]
    elif new is None:
        words = [name, _short(old), "removed"]
    else:
        words = [name, *_told_apart(old, new)]
    return " ".join(words)


def _told_apart(old: Any, new: Any) -> tuple[str, str, str]:
    """Both values as short as they can be told apart: where their words are the same, their types differ."""
    was, now = _line(old), _line(new)
    if was == now:
        was, now = json.dumps(old), json.dumps(new)
    begin = 0
    if _short(was) == _short(now):
        same = next(
            (n for n, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now))
        )
        begin = max(same - 10, 0)
    return _short(was, begin=begin), "→", _short(now, begin=begin)


def _line(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())


def _short(value: Any, limit: int = 40, begin: int = 0) -> str:
    text = _line(value)
    text = "…" + text[begin:] if begin else text
    return text if len(text) <= limit else text[: limit - 1] + "…"


_TELL: Mapping[str, Callable[..., list[Reason]]] = {
    "code": _code,
    "command": _command,
    "inputs": _inputs,
    "parameters": _parameters,
    "environment": _environment,
    "settings": _settings,
    "version": _version,
}
