"""``nbpipe graph``: the graph as a tree in the terminal, and as SVG, DOT or JSON in files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from nbpipe.cli.output import emit, say, window_width
from nbpipe.cli.wanted import Wanted, takes_pipeline
from nbpipe.errors import StoreError
from nbpipe.loading.graph_file import save_graph

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@takes_pipeline()
@click.option("--svg", type=_FILE, metavar="FILE", help="Write a picture, light and dark in one.")
@click.option("--dot", type=_FILE, metavar="FILE", help="Write it in Graphviz's language.")
@click.option(
    "--save", type=_FILE, metavar="graph.json", help="Save the graph, to be run without its notebook."
)
@click.option("--json", "as_json", is_flag=True, help="The graph as one JSON object.")
def command(
    want: Callable[[], Wanted], svg: Path | None, dot: Path | None, save: Path | None, as_json: bool
) -> None:
    """Print the graph with what would happen to each step."""
    from nbpipe.views.dot import digraph
    from nbpipe.views.present import picture_of
    from nbpipe.views.svg import svg as svg_of
    from nbpipe.views.tree import tree

    wanted = want()
    plan = wanted.plan()
    picture = replace(picture_of(plan), command=f"nbpipe run {wanted.loaded.path}")
    if svg:
        write_text(svg, svg_of(picture.still()))
    if dot:
        write_text(dot, str(digraph(picture).source))
    if save:
        save_graph(plan.graph, wanted.workspace.root, save)
    if as_json:
        emit("graph", graph=plan.graph.to_json())
    else:
        say(*tree(picture, width=window_width()).splitlines())
        say(*(f"wrote {path}" for path in (svg, dot, save) if path))


def write_text(path: Path, text: str) -> None:
    """Write a file that the user named.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from None
