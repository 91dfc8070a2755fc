"""What was measured, as a table in Markdown and a plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.frame import Goal, Measured

_HEAD = "| work | who | wall s | ± | CPU s | ± | wall × floor | CPU × floor | wall × doit | MB |"
_PEER = "doit"


def table(results: Sequence[Measured]) -> str:
    """Every contender of every work: medians, half of the spread, ratios; then the goals."""
    lines = [_HEAD, "|---|---|" + "--:|" * 8]
    lines += [line for measured in results for line in _rows(measured)]
    lines += ["", "| goal | reach | measured | |", "|---|--:|--:|---|"]
    lines += [_goal(measured, goal) for measured in results for goal in measured.work.goals]
    return "\n".join(lines) + "\n"


def _rows(measured: Measured) -> Iterator[str]:
    floor = measured.work.contenders[0].name
    for contender in measured.work.contenders:
        who = contender.name
        cells = [measured.work.name if who == floor else "", who]
        for figure in ("wall", "cpu"):
            known = measured.median(who, figure) > 0
            cells += (
                [f"{measured.median(who, figure):.3f}", _spread(measured, who, figure)] if known else ["", ""]
            )
        cells += [_ratio(measured, who, floor, "wall"), _ratio(measured, who, floor, "cpu")]
        cells.append(_ratio(measured, who, _PEER, "wall") if _PEER in measured.samples else "")
        peak = measured.median(who, "peak")
        cells.append(_megabytes(peak) if peak else "")
        yield f"| {' | '.join(cells)} |"


def _spread(measured: Measured, who: str, figure: str) -> str:
    found = measured.figures(who, figure)
    return f"{(max(found) - min(found)) / 2:.3f}"


def _ratio(measured: Measured, who: str, against: str, figure: str) -> str:
    return f"{measured.ratio(who, against, figure):.2f}" if measured.median(against, figure) > 0 else ""


def _goal(measured: Measured, goal: Goal) -> str:
    found = measured.reached(goal)
    what = f"{measured.work.name}: {goal.who}"
    if goal.figure == "cpu":
        what += ", CPU"
    if goal.against:
        what += f" {'over' if goal.less else '/'} {goal.against}"
    word = "reached" if found <= goal.limit else "missed"
    return f"| {what} | ≤ {_shown(goal, goal.limit)} | {_shown(goal, found)} | {word} |"


def _shown(goal: Goal, value: float) -> str:
    if goal.against and not goal.less:
        return f"{value:.2f}×"
    return f"{_megabytes(value)} MB" if goal.figure == "peak" else f"{value * 1000:.0f} ms"


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.{0 if count >= 1e6 else 3}f}"


def plot(results: Sequence[Measured], path: Path) -> None:
    """Draw the wall times of every work, a point a round and a bar for the median; the format is the file's
    ending.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [each for each in results if each.median(each.work.contenders[0].name) > 0]
    figure = Figure(
        figsize=(8, 0.7 + sum(0.6 + 0.3 * len(each.samples) for each in shown)), layout="constrained"
    )
    FigureCanvasAgg(figure)
    heights = [len(each.samples) for each in shown]
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for place, measured in zip(axes, shown, strict=True):
        names = list(measured.samples)
        own = ["tab:blue" if "nbpipe" in name or "step" in name else "lightgray" for name in names]
        place.barh(names, [measured.median(name) for name in names], color=own, height=0.7)
        for row, name in enumerate(names):
            found = measured.figures(name)
            place.plot(found, [row] * len(found), ".", color="black", markersize=3)
        place.invert_yaxis()
        place.set_title(measured.work.name, loc="left", fontsize=9)
        place.tick_params(labelsize=8)
        place.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("seconds", fontsize=8)
    figure.savefig(path)
