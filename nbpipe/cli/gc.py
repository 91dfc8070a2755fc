"""``nbpipe gc``: frees what the last runs do not need, and says what that is before it does."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from nbpipe.cli.output import emit, say
from nbpipe.cli.wanted import FORMS, workspace_at
from nbpipe.store.collector import Garbage


@click.command()
@click.argument("file", required=False, metavar=f"[{FORMS}]")
@click.option("--keep", type=click.IntRange(0), default=10, show_default=True, metavar="N",
              help="Keep what the last N runs need.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: what goes, what went.")
def command(file: str | None, keep: int, yes: bool, as_json: bool) -> None:
    """Free what the last runs do not need: runs with their logs, results, and data of no other use.

    It says what goes and asks; where nobody can be asked, nothing goes without --yes.
    """
    collector = workspace_at(file).collector()
    garbage = collector.survey(keep)
    counts = {name: len(getattr(garbage, name)) for name in ("runs", "results", "objects", "left_overs")}
    if as_json:
        emit("survey", keep=keep, **counts, bytes=garbage.size)
    else:
        say(*survey_lines(garbage))
    if not any(counts.values()) or not (yes or _agreed(keep)):
        return
    freed = collector.collect(garbage)
    if as_json:
        fields = asdict(freed)
        emit("freed", bytes=fields.pop("size"), **fields)
    else:
        from nbpipe.views.wording import size

        say(f"Freed {size(freed.size)}.")


def survey_lines(garbage: Garbage) -> list[str]:
    """What goes, as people read it."""
    from nbpipe.views.wording import size

    last = {0: "no run needs anything", 1: "what the last run needs is kept"}
    kept = last.get(garbage.keep_runs, f"what the last {garbage.keep_runs} runs need is kept")
    lines = []
    if garbage.runs:
        lines.append(f"  {_count(len(garbage.runs), 'run')} with logs: {_ids(garbage.runs)}")
    if garbage.results:
        lines.append(f"  {_count(len(garbage.results), 'result')}; steps that need one again run again")
    if garbage.objects:
        objects = sum(found.size for found in garbage.objects)
        lines.append(f"  {_count(len(garbage.objects), 'stored object')}, {size(objects)}")
    if garbage.left_overs:
        lines.append(f"  {_count(len(garbage.left_overs), 'left-over')} of runs that broke off")
    if not lines:
        return [f"Nothing to free: {kept}."]
    return [f"{size(garbage.size)} can be freed; {kept}. This would go:", *lines]


def _ids(runs: tuple[str, ...]) -> str:
    return ", ".join(runs) if len(runs) <= 8 else f"{', '.join(runs[:4])} ... {runs[-1]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _agreed(keep: int) -> bool:
    if sys.stdin.isatty() and sys.stderr.isatty():
        return click.confirm("Free it?", err=True)
    say(f"Nothing was removed. To remove it:  nbpipe gc --keep {keep} --yes", err=True)
    return False
