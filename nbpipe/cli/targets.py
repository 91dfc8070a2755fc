"""``nbpipe targets``: lists the compute targets of a workspace and looks whether they are ready."""

from __future__ import annotations

from dataclasses import asdict

import click

from nbpipe.cli.output import emit, say
from nbpipe.cli.wanted import FORMS, workspace_at


@click.command()
@click.argument("file", required=False, metavar=f"[{FORMS}]")
@click.option("--target", "names", multiple=True, metavar="NAME", help="Look at this one alone; may repeat.")
@click.option(
    "--renew", is_flag=True, help="Forget what was seen there: packages that steps declare are resolved anew."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one a target.")
def command(file: str | None, names: tuple[str, ...], renew: bool, as_json: bool) -> int:
    """List the compute targets, each looked at now: reachable, Python, slots, memory, disk.

    Exit: 0 when all are ready, 1 when one is not.
    """
    from nbpipe.views.targets import look_at, target_lines

    targets = workspace_at(file).targets
    wanted = [targets.find(name) for name in names] or list(targets.all().values())
    for target in wanted if renew else ():
        targets.renew(target.name)
    seen = look_at(wanted)
    if as_json:
        for target, status in seen:
            emit("target", name=target.name, type=target.type, **asdict(status))
    else:
        say(*target_lines(seen))
    return 0 if all(status.ready for _, status in seen) else 1
