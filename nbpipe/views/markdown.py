"""The picture as Markdown: a Mermaid graph, the plan with its reasons, the time saved; for GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.status import HUES, LIGHT
from nbpipe.views.text import visible
from nbpipe.views.wording import duration

_MOST_DRAWN = 120
"""Above so many steps a graph is neither legible nor allowed by GitHub (500 edges, 50,000 characters)."""
_MOST_EDGES = 400
_MOST_LISTED = 500

_RISKY = re.compile(r"[\\`*{}\[\]<>#!|~&@$\"^]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|www\.")
_SPECIAL = re.compile(r"[^A-Za-z0-9_ .,()/+-]")


def markdown(picture: Picture) -> str:
    """A summary in Markdown, as GitHub renders it.

    Args:
        picture: a plan or a run, with its times.
    """
    run = f", run {escape(picture.run)}" if picture.run else ""
    parts = [f"### {escape(picture.name)}{run}", escape(picture.summary)]
    if picture.hint:
        parts.append(escape(picture.hint))
    if 0 < len(picture.nodes) <= _MOST_DRAWN and len(picture.edges) <= _MOST_EDGES:
        parts.append(mermaid(picture))
    if picture.nodes:
        parts.append(table(picture))
    parts += _failures(picture)
    if picture.saved:
        parts.append(f"Saved by reuse: {escape(duration(picture.saved))}.")
    return "\n\n".join(parts) + "\n"


def mermaid(picture: Picture) -> str:
    """The graph in Mermaid's language, fenced; names are text in it, whatever they are."""
    numbers = {each.node_id: f"d{place}" for place, each in enumerate(picture.data)}
    numbers |= {each.node_id: f"n{place}" for place, each in enumerate(picture.nodes)}
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'  {numbers[each.node_id]}(["{entities(each.name)}"])' for each in picture.data]
    for node in picture.nodes:
        text = f"<b>{entities(node.name)}</b><br/>{entities(node.words)}"
        lines.append(f'  {numbers[node.node_id]}["{text}"]:::{node.look.hue}')
    for edge in picture.edges:
        arrow = {"there": "-->", "order": "-.-"}.get(edge.state, "-.->")
        label = entities(", ".join(name for name, _ in edge.labels if name))
        told = f'|"{label}"|' if label else ""
        lines.append(f"  {numbers[edge.source]} {arrow}{told} {numbers[edge.dest]}")
    for hue in HUES:
        lines.append(f"  classDef {hue} fill:{LIGHT[f'{hue}-tint']},stroke:{LIGHT[hue]},color:{LIGHT['fg']}")
    return "\n".join([*lines, "```"])


def entities(text: str) -> str:
    """Text as it stands in a quoted label of Mermaid: everything that could mean something as a number.

    Example:
        >>> entities('a"b')
        'a#34;b'
    """
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};" if found[0].isascii() else found[0], visible(text))


def table(picture: Picture) -> str:
    """One row a step: status, why, time; what asks for attention first where not all are listed."""
    nodes = list(picture.nodes)
    if len(nodes) > _MOST_LISTED:
        nodes = list(picture.in_order_of_attention())[:_MOST_LISTED]
    rows = ["| | step | status | why | time |", "|---|---|---|---|---:|", *(_row(node) for node in nodes)]
    left = len(picture.nodes) - len(nodes)
    return "\n".join(rows) + (f"\n\nand {left} more steps" if left else "")


def _row(node: NodeView) -> str:
    glyph = escape(node.look.glyph)
    cells = (glyph, f"**{escape(node.name)}**", escape(node.words), escape(node.why), escape(_time(node)))
    return f"| {' | '.join(cells)} |"


def _time(node: NodeView) -> str:
    if node.seconds is not None:
        return duration(node.seconds)
    return f"about {duration(node.estimate)}" if node.estimate is not None and not node.settled else ""


def _failures(picture: Picture) -> Iterator[str]:
    for node in picture.nodes:
        if node.status == "failed":
            advice = "".join(f"\n>\n> {escape(line)}" for line in node.advice.splitlines())
            yield f"> **{escape(node.name)}** {escape(node.words)}: {escape(node.why)}{advice}"


def escape(text: str) -> str:
    """Text that Markdown, and GitHub's additions to it, leave as it is.

    Example:
        >>> escape("<b> *x* http://a")
        '&#60;b&#62; &#42;x&#42; http&#58;//a'
    """
    return _RISKY.sub(lambda found: found[0][:-1] + f"&#{ord(found[0][-1])};", visible(text))
