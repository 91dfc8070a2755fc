"""The long form of "why": sentences first, then what changed, then the receipt of every ingredient."""

from __future__ import annotations

import html
from collections.abc import Iterator

from nbpipe.core.explanation import Explanation
from nbpipe.views.palette import page_style
from nbpipe.views.status import look
from nbpipe.views.text import escaped, visible, visible_line
from nbpipe.views.wording import sentence

_LONGEST_DIFF = 400
"""Lines of a diff that are shown; a generated file may have millions."""


def why_text(explanation: Explanation, *, receipt: bool = False) -> str:
    """An explanation for a terminal.

    Args:
        explanation: why a step runs or is reused.
        receipt: list every ingredient too; else only the key, and how many there are.
    """
    head = f"{look(explanation.status).glyph} {visible(explanation.step)}: {explanation.status}"
    lines = [head, *(f"  {each}" for each in sentences(explanation))]
    for title, diff in explanation.diffs:
        lines += ["", f"  {visible(title)}", *(f"    {each}" for each in diff_lines(diff))]
    if explanation.receipt:
        key = explanation.key[:12] or "not known yet"
        lines += ["", f"  fingerprint {key}, {len(explanation.receipt)} ingredients"]
        if receipt:
            wide = max(len(visible(name)) for _, name, _ in explanation.receipt)
            lines += [
                f"    {kind:<11} {visible(name):<{wide}}  {visible(v)}"
                for kind, name, v in explanation.receipt
            ]
    return "\n".join(lines)


def sentences(explanation: Explanation) -> list[str]:
    """Why, as people would say it, and what it is compared with."""
    told = [visible(sentence(reason)) for reason in explanation.reasons]
    if explanation.note:
        note = visible(explanation.note)
        told.append(f"{note[:1].upper()}{note[1:]}.")
    run = visible(explanation.compared_run)
    if run:
        told.append(
            f"Compared with run {run}."
            if explanation.reasons
            else f"Everything that counts is as in run {run}."
        )
    return told or ["Nothing is known of it yet."]


def diff_lines(diff: str) -> Iterator[str]:
    """The lines of a diff as they may be shown, each with its mark; of a long one the first."""
    lines = diff.split("\n")
    for line in lines[:_LONGEST_DIFF]:
        mark = line[:1] if line[:1] in "+- " else ""
        yield mark + visible_line(line.removeprefix(mark))
    if len(lines) > _LONGEST_DIFF:
        yield f"... {len(lines) - _LONGEST_DIFF} more lines"


def _coloured(line: str) -> str:
    hue = {"+": "done", "-": "fail", "@": "maybe"}.get(line[:1])
    text = html.escape(line)
    return f'<span class="nbpipe-{hue}">{text}</span>' if hue else text


def why_html(explanation: Explanation) -> str:
    """An explanation for a notebook: the receipt is folded."""
    status = look(explanation.status)
    parts = [
        (
            f'<div class="nbpipe-why" data-status="{escaped(status.data_status)}">'
            f"<style>{page_style('nbpipe-why')}</style>"
            f"<p><b>{escaped(explanation.step)}</b>: "
            f'<b class="nbpipe-{status.hue}">{escaped(explanation.status)}</b></p><ul>'
        ),
        *(f"<li>{escaped(each)}</li>" for each in sentences(explanation)),
        "</ul>",
    ]
    for title, diff in explanation.diffs:
        body = "\n".join(map(_coloured, diff_lines(diff)))
        parts.append(
            f"<details open><summary><code>{escaped(title)}</code></summary><pre>{body}</pre></details>"
        )
    if explanation.receipt:
        rows = "".join(
            f"<tr><td>{escaped(kind)}</td><td>{escaped(name)}</td><td><code>{escaped(value)}</code></td></tr>"
            for kind, name, value in explanation.receipt
        )
        key = escaped(explanation.key[:12] or "not known yet")
        parts.append(
            f"<details><summary>Hash receipt <code>{key}</code></summary><table>{rows}</table></details>"
        )
    return "".join([*parts, "</div>"])
