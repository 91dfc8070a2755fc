"""``nbpipe doctor``: one line a check, with its remedy where something is wrong."""

from __future__ import annotations

from dataclasses import asdict

import click

from nbpipe.cli.checks import all_checks
from nbpipe.cli.output import emit, say
from nbpipe.cli.wanted import FORMS, workspace_at

_MARKS = {"ok": "v", "note": "-", "failed": "x"}


@click.command()
@click.argument("file", required=False, metavar=f"[{FORMS}]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one a check.")
def command(file: str | None, as_json: bool) -> int:
    """Check this machine and workspace. Exit: 0, 1 when a check failed; a dash marks what does no harm."""
    failed = 0
    for check in all_checks(workspace_at(file)):
        failed += check.status == "failed"
        if as_json:
            emit("check", **asdict(check))
            continue
        say(f"{_MARKS[check.status]} {check.name}: {check.text}")
        say(*(f"    {line}" for line in check.remedy.splitlines()))
    if not as_json:
        say("", "All is well." if not failed else f"{failed} failed.")
    return 1 if failed else 0
