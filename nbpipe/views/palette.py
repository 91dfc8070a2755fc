"""Style sheets with both sets of tokens: of the static SVG, and of HTML in a notebook."""

from __future__ import annotations

from collections.abc import Mapping

from nbpipe.views.status import DARK, HUES, LIGHT

SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
MONO = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace"


def style_sheet() -> str:
    """The rules, every name with the prefix ``nbp-``: an SVG set into a page changes nothing around it."""
    fixed = (
        f".nbp{{font-family:{SANS}}}.nbp-mono{{font-family:{MONO}}}"
        ".nbp-b{font-weight:600}.nbp-n{font-variant-numeric:tabular-nums}"
        ".nbp-hue{fill:currentColor}.nbp-rail{stroke:currentColor;stroke-width:3;stroke-linecap:round}"
        ".nbp-edge{fill:none;stroke-width:1.5}.nbp-pending,.nbp-stopped{stroke-dasharray:4 4}"
        ".nbp-order{stroke-width:1.2;stroke-dasharray:.1 4;stroke-linecap:round}"
    )
    return f"{fixed}{_colours(LIGHT)}@media(prefers-color-scheme:dark){{{_colours(DARK)}}}"


def _colours(token: Mapping[str, str]) -> str:
    rules = [
        f".nbp-canvas{{fill:{token['canvas']}}}",
        f".nbp-card{{fill:{token['node']};stroke:{token['line']}}}",
        f".nbp-cut{{stroke:{token['node']}}}.nbp-bare .nbp-cut{{stroke:{token['canvas']}}}",
        f".nbp-fg{{fill:{token['fg']}}}.nbp-fg2{{fill:{token['fg2']}}}.nbp-sign{{stroke:{token['fg2']}}}",
        f".nbp-edge,.nbp-hair{{stroke:{token['edge']}}}.nbp-head{{fill:{token['edge']}}}",
        f".nbp-edge.nbp-stopped{{stroke:{token['fail']}}}.nbp-head.nbp-stopped{{fill:{token['fail']}}}",
    ]
    rules += (
        f".nbp-{hue}{{color:{token[hue]}}}.nbp-tint-{hue}{{fill:{token[f'{hue}-tint']}}}" for hue in HUES
    )
    rules.append(".nbp-own{stroke:currentColor}")
    rules.append(f".nbp-idle .nbp-hue{{fill:{token['fg2']}}}")
    return "".join(rules)


def page_style(root: str) -> str:
    """Rules that give elements in a notebook's output their hue, light or dark by what the host says of its theme.

    Args:
        root: class of the outermost element; below it ``nbpipe-done`` and so on colour text.
    """
    light, dark = (
        "".join(f"--nbpipe-{hue}:{tokens['fg2' if hue == 'idle' else hue]};" for hue in HUES)
        for tokens in (LIGHT, DARK)
    )
    hues = "".join(f".{root} .nbpipe-{hue}{{color:var(--nbpipe-{hue})}}" for hue in HUES)
    return (
        f".{root}{{{light}font-size:13px}}"
        f"[data-jp-theme-light=false] .{root},.vscode-dark .{root}{{{dark}}}{hues}"
        f".{root} .nbp-cut{{stroke:var(--jp-layout-color1,Canvas)}}"
    )
