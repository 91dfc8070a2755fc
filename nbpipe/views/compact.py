"""The status of a run or plan in a small table: never more than a dozen rows, whatever the pipeline."""

from __future__ import annotations

from nbpipe.views.glyphs import glyph
from nbpipe.views.palette import page_style
from nbpipe.views.picture import NodeView, Picture
from nbpipe.views.status import counted
from nbpipe.views.text import cell_len, escaped, fit_cells, pad_cells, visible_line
from nbpipe.views.tree import about, cut, told_whole
from nbpipe.views.wording import listed

MOST_ROWS = 12
MOST_ADVICE = 3
"""Failures whose remedy is told."""
_WIDTH = 110


def compact_text(picture: Picture, *, most: int = MOST_ROWS, width: int = _WIDTH) -> str:
    """A title and at most so many steps, what asks for attention first; remedies below the first that failed.

    Example:
        >>> print(
        ...     compact_text(
        ...         Picture("demo", (NodeView("a", "done"), NodeView("b", "failed")), outcome="Failed")
        ...     )
        ... )
        demo: Failed: 1 failed, 1 ran
        v a  done
        x b  failed
    """
    shown, rest = _chosen(picture, most)
    named = min(max((cell_len(node.name) for node in shown), default=0), 40)
    stated = max((cell_len(node.words) for node in shown), default=0)
    advised = _advised(shown)
    lines = [cut(picture.title, width)]
    for node in shown:
        name = pad_cells(fit_cells(node.name, named, middle=True), named)
        text = f"{node.look.glyph} {name}  {pad_cells(node.words, stated)}  {about(node)}"
        lines.append(told_whole(text, node, width))
        lines += (f"  {visible_line(each)}" for each in node.advice.splitlines() if node in advised)
    lines += (cut(each, width) for each in (rest, picture.hint) if each)
    return "\n".join(lines)


def compact_html(picture: Picture, *, most: int = MOST_ROWS) -> str:
    """The same as an HTML fragment, in the colours of the page it stands in."""
    shown, rest = _chosen(picture, most)
    advised = _advised(shown)
    rows = "".join(_row(node) + (_advice(node) if node in advised else "") for node in shown)
    foot = "".join(f"<p>{escaped(each)}</p>" for each in (rest, picture.hint) if each)
    head = f"<style>{_STYLE}</style><p><b>{escaped(picture.title)}</b></p>"
    return f'<div class="nbpipe-status">{head}<table>{rows}</table>{foot}</div>'


def _row(node: NodeView) -> str:
    hue = f' class="nbpipe-{node.look.hue}"'
    shape = f'<svg width="14" height="14" viewBox="0 0 17 17">{glyph(node.status, 8.5, 8.5, 16)}</svg>'
    return (
        f'<tr data-step="{escaped(node.node_id)}" data-status="{escaped(node.look.data_status)}">'
        f"<td{hue}>{shape}</td><td>{escaped(_short(node.name, 40))}</td>"
        f"<td{hue}><b>{escaped(node.words)}</b></td><td>{escaped(_told(node))}</td></tr>"
    )


def _told(node: NodeView) -> str:
    return about(node) if node.status == "failed" else _short(about(node), 80)


def _advice(node: NodeView) -> str:
    lines = "<br>".join(map(escaped, node.advice.splitlines()))
    return f'<tr class="nbpipe-advice"><td></td><td colspan="3">{lines}</td></tr>'


def _advised(shown: list[NodeView]) -> list[NodeView]:
    return [node for node in shown if node.advice][:MOST_ADVICE]


def _short(text: str, columns: int) -> str:
    return fit_cells(text, columns, middle=columns < 60)


def _chosen(picture: Picture, most: int) -> tuple[list[NodeView], str]:
    """Steps that are shown, in the order of the pipeline, and a line about the others."""
    if len(picture.nodes) <= most:
        return list(picture.nodes), ""
    urgent = picture.in_order_of_attention()
    chosen = {node.node_id for node in urgent[:most]}
    rest = counted(node.status for node in urgent[most:])
    shown = [node for node in picture.nodes if node.node_id in chosen]
    return shown, f"and {len(picture.nodes) - most} more: {listed(rest)}"


_STYLE = (
    page_style("nbpipe-status")
    + ".nbpipe-status table{font-size:inherit;margin:0;border-collapse:collapse}"
    # JupyterLab sets tables of its own kind: numbers to the right, stripes.
    + ".nbpipe-status table td{text-align:left!important;padding:1px 10px 1px 0;white-space:nowrap;"
    + "font-variant-numeric:tabular-nums}.nbpipe-status table td:last-child{white-space:pre-wrap;width:100%}"
    + ".nbpipe-status table tr{background:none!important}.nbpipe-status table td svg{max-width:none!important}"
    + ".nbpipe-status p{margin:2px 0}"
)
