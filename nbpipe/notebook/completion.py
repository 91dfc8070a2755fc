"""Completion on magic lines: options, verbs, and the names of steps, data, parameters and variables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from nbpipe.errors import NbpipeError
from nbpipe.notebook.choices import files, option_values, outputs, runs, variables
from nbpipe.notebook.magic_line import MODULE_MAGIC
from nbpipe.notebook.options import OPTIONS
from nbpipe.notebook.session import Session
from nbpipe.notebook.transform import StepCell, read_step_cell
from nbpipe.notebook.verbs import SHOW, VERBS

_FRAGMENT = re.compile(r"[^\s{},=>'\"]*\Z")
_IN_BRACES = re.compile(r"\{[^{}\s]*\Z")
_VERB_LINE = re.compile(
    r"\s*(?:\w+\s*=\s*)?%pipeline(?:_(?P<joined>\w+)|\s+(?P<apart>\w+))?(?P<rest>\s.*|)\Z"
)
_BEHIND_MAGIC = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)*%%\w+\s")


def complete(session: Session, before: str) -> tuple[str, list[str]] | None:
    """What may stand at the cursor.

    Args:
        session: the session.
        before: the cell's text up to the cursor.

    Returns:
        The part of the text that is being completed, and what may replace it; None where this is no line of
        nbpipe.
    """
    match = _FRAGMENT.search(before)
    fragment = match[0] if match else ""
    cell = _magic_line_of(before)
    line = _VERB_LINE.match(before.rpartition("\n")[2])
    if cell:
        candidates = _on_step_cell(session, cell, before, fragment)
    elif line and (line["rest"] or line["apart"]):
        candidates = _on_verb_line(session, line)
    else:
        return None
    return fragment, sorted({each for each in candidates if each.startswith(fragment) and each != fragment})


def _magic_line_of(before: str) -> StepCell | None:
    """The step cell whose magic line the cursor stands in, or None."""
    cell = read_step_cell(before)
    on_line = cell and not cell.body and (before[-1:] not in ("\n", "\r") or before.rstrip().endswith("\\"))
    return cell if on_line and _BEHIND_MAGIC.match(before) else None


def _on_step_cell(session: Session, cell: StepCell, before: str, fragment: str) -> Iterable[str]:
    if cell.magic == MODULE_MAGIC:
        return ["--overwrite", *files(session, fragment, ".py")]
    if _IN_BRACES.search(before):
        return [*outputs(session), *variables(session), *files(session, fragment)]
    words = cell.line.split()
    typed = "" if before[-1:].isspace() or not words else words[-1]
    done = words[: len(words) - bool(typed)]
    last = done[-1] if done else ""
    option = typed.partition("=")[0] if "=" in typed else last
    if any(word.endswith(".py") for word in done):
        return []
    if option in OPTIONS and OPTIONS[option].value:
        return option_values(session, OPTIONS[option].field, fragment)
    return [*OPTIONS, *(each.line.script for each in session.declarations)]


def _on_verb_line(session: Session, line: re.Match[str]) -> Iterable[str]:
    name, rest = line["joined"] or line["apart"] or "", line["rest"]
    if not rest or not name:
        return [*VERBS, *SHOW.options]
    verb = VERBS.get(name)
    if verb is None:
        return []
    words = rest.split()
    done = words if rest[-1:].isspace() else words[:-1]
    if done and done[-1] in verb.options and verb.options[done[-1]].value:
        return _verb_values(session, done[-1])
    named = {"step": [each.name for each in session.declarations], "run": runs(session)}
    named["cell"] = [each.cell.label.removeprefix("cell ") for each in session.ran if each.python]
    return [*verb.options, *named.get(verb.completes, ())]


def _verb_values(session: Session, option: str) -> Iterable[str]:
    steps = [each.name for each in session.declarations]
    if option == "--param":
        with suppress(NbpipeError):
            return [f"{name}=" for name in session.pipeline().graph.parameters]
    values = {
        "--force": [*steps, "all"],
        "--only": steps,
        "--pipeline": session.names(),
        "--run": runs(session),
    }
    return values.get(option, [])


def make_matcher(session: Session) -> Any:
    """A matcher for ``Completer.custom_matchers``; on lines of nbpipe it alone answers."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="nbpipe", priority=100)  # type: ignore[untyped-decorator]
    def match(context: Any) -> dict[str, Any]:
        lines = context.full_text.split("\n")
        before = "\n".join(
            [*lines[: context.cursor_line], lines[context.cursor_line][: context.cursor_position]]
        )
        found = complete(session, before)
        if found is None:
            return {"completions": []}
        fragment, texts = found
        completions = [SimpleCompletion(text=text, type="nbpipe") for text in texts]
        return {
            "completions": completions,
            "matched_fragment": fragment,
            "suppress": True,
            "do_not_suppress": set(),
        }

    return match
