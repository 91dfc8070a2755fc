"""The command ``nbpipe``: finds the verb, and turns whatever goes wrong into a message and an exit code."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence

import click

from nbpipe.errors import NbpipeError

VERBS = {
    "run": "Run a pipeline; what is stored already is reused.",
    "plan": "Say what would run, what is reused, and why.",
    "explain": "Say why a step runs or is reused, with the diff.",
    "logs": "Print what a step wrote.",
    "graph": "Print the graph as a tree; save it as SVG, DOT or JSON.",
    "runs": "List the runs of this workspace.",
    "stop": "Stop a run, or a step of it.",
    "targets": "List the compute targets, and look whether they are ready.",
    "gc": "Free what the last runs do not need.",
    "doctor": "Check this machine and workspace.",
    "quickstart": "Copy the quickstart notebook and open it.",
}
"""Verb -> what it does, in one line; each lives in the module of its name."""

USAGE, INTERRUPTED = 2, 130
"""Exit codes besides 0 (well), 1 (a step failed) and 3 (``plan --check``); the last is what shells expect."""


class Verbs(click.Group):
    """The verbs, of which only the one that is asked for is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, or None."""
        if cmd_name not in VERBS:
            return None
        gc.disable()  # what is imported stays: to look through it again and again takes a fifth of the time
        command: click.Command = importlib.import_module(f"nbpipe.cli.{cmd_name}").command
        gc.freeze()
        gc.set_threshold(20_000)  # what it makes of a pipeline mostly stays, too
        gc.enable()
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb and its arguments; a usage error names the verb that was probably meant."""
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            import difflib

            meant = difflib.get_close_matches(name, VERBS, 1)
            hint = f" Did you mean {meant[0]}?" if meant else ""
            raise click.UsageError(f"There is no verb {name}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A pipeline is read from a notebook (.ipynb), a Python file (.py) or a saved graph (.json).",
)
@click.version_option(getattr(sys.modules["nbpipe"], "__version__", ""), message="nbpipe %(version)s")
def nbpipe() -> None:
    """Run pipelines of notebook cells; see what would run, what is reused, and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry of the command.

    Args:
        arguments: words behind ``nbpipe``; default: those of this process.

    Returns:
        0 when all went well, 1 when a step failed, 2 for bad usage or a pipeline that cannot run, 3 from
        ``plan --check`` when something would run, 130 after Ctrl-C.

    Example:
        >>> main(["--version"])
        nbpipe 0.1.0
        0
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name may hold what a terminal cannot show
    try:
        code = nbpipe.main(arguments, prog_name="nbpipe", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.Abort:
        click.echo("Stopped.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except NbpipeError as error:
        _show(error)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left. What Python flushes at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _show(error: NbpipeError) -> None:
    from nbpipe.cli.output import shown

    for line in str(error).splitlines():
        click.echo(shown(line), err=True)


if __name__ == "__main__":
    sys.exit(main())
