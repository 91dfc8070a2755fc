"""What a step reads and writes: what is known of each, and code to read it."""

from __future__ import annotations

from contextlib import suppress

from nbpipe.core.node import Node
from nbpipe.errors import StoreError
from nbpipe.live.answers.datum import Datum, data_of, trouble_with
from nbpipe.live.answers.reading import code_to_read
from nbpipe.live.answers.shown import Args, Shown, node_of, word
from nbpipe.live.answers.stored import found_facts, stored_facts
from nbpipe.views.answers import DataAnswer, DataItem
from nbpipe.views.present import data_note
from nbpipe.views.text import visible


def data(shown: Shown, args: Args) -> DataAnswer:
    """Inputs, outputs and files of a step.

    Args:
        shown: the board.
        args: ``step``; ``run`` where it is another than the one that is shown.

    Raises:
        UnknownName: there is no such step or run.
    """
    node = node_of(shown, args)
    there = data_of(shown, node, word(args, "run"))
    return DataAnswer(tuple(_item(shown, node, datum) for datum in there))


def _item(shown: Shown, node: Node, datum: Datum) -> DataItem:
    objects = shown.workspace.objects
    trouble = trouble_with(datum, objects)
    code, facts = "", dict[str, int]()
    if not trouble:
        with suppress(StoreError):
            files, is_file = datum.files(objects)
            code = code_to_read(shown, node, datum, next(iter(files)) if is_file else "")
            facts = _facts(shown, datum, len(files), is_file=is_file)
    told = [trouble or data_note(facts)]
    if "files" in facts:
        told.append(f"{facts['files']} file{'' if facts['files'] == 1 else 's'}")
    if datum.run and not trouble:
        told.append(f"of run {datum.run}")
    note = visible(" · ".join(filter(None, told)))
    return DataItem(visible(datum.name), datum.role, note, datum.digest[:12], code, not trouble)


def _facts(shown: Shown, datum: Datum, count: int, *, is_file: bool) -> dict[str, int]:
    facts = found_facts(datum.found) if datum.found else stored_facts(shown.workspace.objects, datum.digest)
    return facts if is_file else {**facts, "files": count}
