"""Graphs for the browser's view: the messages that a kernel sends, made by the kernel's own code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nbpipe.live.frame import graph_message
from nbpipe.live.head import Standing, head_card
from nbpipe.live.scene import CellFacts, StepFacts, Vitals
from nbpipe.live.wire import plain
from nbpipe.views.picture import DataView, EdgeView, NodeView, ParameterView, Picture, edge_state
from nbpipe.views.protocol import BarCard, ButtonCard, HeadCard, PortCard, RunCard
from nbpipe.views.status import LOOKS, SETTLED

Json = dict[str, Any]

KEY = "a1f3c9" + "0" * 58
FOREST = StepFacts(
    cell=CellFacts("c5", "cell 5", script="steps/train_forest/train.py"),
    vitals=Vitals(0.62, "epoch 31/50 loss 0.1042", "accuracy 0.941"),
    inputs=(PortCard("train"),),
    outputs=(PortCard("model", "1.2 MB"),),
    parameters=(PortCard("lr", "0.2"),),
    cause=("split", "train_forest"),
)


def penguins(now: float | None = None) -> Picture:
    """Seven steps in mixed states: the picture of the mockup."""
    now = time.time() if now is None else now
    nodes = (
        NodeView("prepare", "reused", why="from run 12 · yesterday 18:40", key="9c02e1" + KEY, seconds=8.1),
        NodeView("split", "done", why="ran: split.py line 9 changed", key="4be77a" + KEY, seconds=1.4),
        NodeView(
            "train_forest",
            "running",
            "62 %",
            why="train changed ← split.py line 9",
            key=KEY,
            started=now - 12,
            parents=("split",),
        ),
        NodeView(
            "train_logistic",
            "failed",
            "line 31",
            why="ValueError: X contains NaN",
            key="e07d55" + KEY,
            seconds=2.3,
            parents=("split",),
        ),
        NodeView(
            "train_svm",
            "queued",
            "2nd",
            why="train changed ← split.py line 9",
            key="7710bc" + KEY,
            target="gpu-box",
            parents=("split",),
        ),
        NodeView("figures", "maybe", why="reused if forest comes out equal", parents=("train_forest",)),
        NodeView(
            "compare",
            "blocked",
            why="waits for train_logistic (failed)",
            parents=("train_forest", "train_logistic", "train_svm"),
        ),
    )
    edges = (
        EdgeView("data:penguins", "prepare", "there"),
        EdgeView("prepare", "split", "there", (("clean", "333 rows"),)),
        EdgeView("split", "train_forest", "there", (("train", "266 rows"),)),
        EdgeView("split", "train_logistic", "there", (("train", "266 rows"),)),
        EdgeView("split", "train_svm", "there", (("train", "266 rows"),)),
        EdgeView("train_forest", "figures", "pending", (("forest", ""),)),
        EdgeView("train_forest", "compare", "pending", (("forest", ""),)),
        EdgeView("train_logistic", "compare", "stopped", (("logistic", ""),)),
        EdgeView("train_svm", "compare", "pending", (("svm", ""),)),
    )
    data = (DataView("data:penguins", "penguins.csv", "344 rows · 17 KB"),)
    return Picture(
        "penguins", nodes, edges, data, (ParameterView("test_size", "0.20", ("split",)),), "14", "Running"
    )


def penguins_message(*, now: float | None = None, stop: bool = True) -> Json:
    """Seven steps of a run that goes on."""
    now = time.time() if now is None else now
    picture = penguins(now)
    run = RunCard("14", "Running", live=True, started=now - 21, left=9, settled=3)
    head = replace(
        head_card(picture, Standing(live=True), run=run),
        primary=ButtonCard("Retry failed", "run", {"force": []}, "1 failed"),
        stop=stop,
    )
    facts = {
        "train_forest": FOREST,
        "train_logistic": StepFacts(
            cell=CellFacts("c6", "cell 6", script="steps/train_logistic/train_logistic.py"),
            cause=("split", "train_logistic"),
            line=31,
        ),
    }
    return message(picture, facts, head)


def message(
    picture: Picture, facts: dict[str, StepFacts] | None = None, head: HeadCard | None = None
) -> Json:
    """A graph as it comes over the wire."""
    return plain(graph_message(picture, facts=facts or {}, head=head))


def wide(count: int, words: Sequence[str] = tuple(LOOKS), width: int = 8) -> Picture:
    """Many steps in ranks of ``width``, each fed by one or two of the rank before, the states in turn."""
    nodes, edges = [], []
    for place in range(count):
        rank, row = divmod(place, width)
        word = words[place % len(words)]
        parents = (
            sorted({(rank - 1) * width + row, (rank - 1) * width + (row * 3 + rank) % width}) if rank else []
        )
        names = tuple(f"step_{each:04d}" for each in parents)
        nodes.append(
            NodeView(
                f"step_{place:04d}",
                word,
                why="train.py line 12 changed" if LOOKS[word].planned else "",
                key=KEY if word in SETTLED else "",
                seconds=float(place % 90) if word in SETTLED else None,
                started=time.time() - 5 if word == "running" else None,
                estimate=20.0 if word == "running" else None,
                parents=names,
            )
        )
        status = {each.node_id: each.status for each in nodes}
        edges += [
            EdgeView(each, nodes[-1].node_id, edge_state(status[each], has_data=True), (("rows", ""),))
            for each in names
        ]
    return Picture(f"wide_{count}", tuple(nodes), tuple(edges))


def every_state() -> Picture:
    """One step of each state, side by side."""
    told = {
        "will reuse": ("", "same as run 12"),
        "will run": ("", "train.py line 12 changed"),
        "maybe": ("", "reused if clean comes out equal"),
        "blocked": ("", "waits for prep (failed)"),
        "new": ("", "never run"),
        "edited": ("", "cell 4 changed, not yet run"),
        "queued": ("2nd", "waits for a slot on gpu-box"),
        "running": ("62 %", "--lr 0.1 → 0.2"),
        "done": ("", "ran: clean changed"),
        "reused": ("", "from run 12 · yesterday 18:40"),
        "failed": ("line 31", "ValueError: X contains NaN"),
        "cancelled": ("", "stopped by you after 4 s"),
    }
    nodes = tuple(
        NodeView(
            word.replace(" ", "_"),
            word,
            detail,
            why=why,
            key="" if LOOKS[word].planned or word == "blocked" else KEY,
            seconds=12.0 if word in ("done", "reused", "failed", "cancelled") else None,
            started=time.time() - 12 if word == "running" else None,
            before={"will run": "failed", "maybe": "done"}.get(word, ""),
        )
        for word, (detail, why) in told.items()
    )
    return Picture("states", nodes)


def remote() -> Picture:
    """Steps on other machines: on their way there, there, and on their way back."""
    told = {
        "prepare": ("queued", "", "connects to gpu-box", "gpu-box"),
        "split": ("queued", "", "sending 12 of 40 MB, 3.1 s left", "gpu-box"),
        "environment": ("queued", "", "installs numpy, pandas", "gpu-box"),
        "train_forest": ("queued", "", "waits: Resources", "hpc"),
        "train_svm": ("running", "", "first run", "hpc · n2"),
        "train_logistic": (
            "running",
            "not connected",
            "connection lost; it goes on there",
            "gpu-box",
        ),
        "compare": ("running", "", "fetching 3 of 10 MB, 2.0 s left", "cluster · worker-1"),
        "figures": ("done", "", "ran: forest changed", "cluster · worker-1"),
        "report": ("blocked", "", "gpu-box: no route to 10.0.0.9, port 22", "gpu-box"),
    }
    return Picture(
        "remote",
        tuple(
            NodeView(
                name, word, detail, why=why, target=target, seconds=12.0 if word == "done" else None,
                started=time.time() - 12 if word == "running" else None, key=KEY if word != "blocked" else "",
            )
            for name, (word, detail, why, target) in told.items()
        ),
    )  # fmt: skip


def reused() -> Json:
    """Five steps of which nothing is to do."""
    names = ("prepare", "split", "train", "figures", "report")
    nodes = tuple(
        NodeView(each, "will reuse", why="same as run 12", key=KEY, seconds=38.4, parents=names[:place][-1:])
        for place, each in enumerate(names)
    )
    edges = tuple(
        EdgeView(each.parents[0], each.node_id, "there", (("rows", "333 rows"),)) for each in nodes[1:]
    )
    return message(Picture("penguins", nodes, edges))


def restarted() -> Json:
    """The graph that is remembered after the kernel was started again."""
    picture = penguins(time.time())
    buttons = (
        ButtonCard("Attach", "attach", {"run": "14"}, "Follow run 14"),
        ButtonCard("Register the 7 step cells", "run-cells", {"cells": ["c1", "c2"]}, "Run them again"),
    )
    bar = BarCard("Kernel restarted. Run 14 goes on (3 of 7).", "run", buttons)
    head = head_card(picture, Standing(), run=RunCard("14", "Running", live=True, settled=3), bar=bar)
    return message(picture, None, replace(head, mode="last", primary=ButtonCard("", ""), summary=bar.text))


def empty() -> Json:
    """A pipeline without steps."""
    sample = (
        "%%pipeline_step prepare.py --out {>clean.csv}\nimport argparse\n\n"
        'parser = argparse.ArgumentParser()\nparser.add_argument("--out")\nargs = parser.parse_args()\n'
        'open(args.out, "w").write("a,b\\n1,2\\n")'
    )
    head = head_card(Picture("penguins"))
    return message(Picture("penguins"), None, replace(head, mode="empty", sample=sample))


def broken() -> Json:
    """A pipeline that cannot be planned; the graph is the last that could."""
    problem = "Nothing makes {claen}. Step train (cell 5) wants it.\n  Did you mean {clean}, made by prep?"
    head = replace(head_card(wide(6, ("will run",), 2)), mode="broken", problems=(problem,))
    return message(wide(6, ("will run",), 2), None, head)


HOSTILE = (
    "<script>window.hurt=1</script>",
    '"><img src=x onerror="window.hurt=1">',
    "javascript:window.hurt=1",
    "long_" + "x" * 10_000,
    "gpj.\u202eexe",
    "🐧" * 200,
    "\x1b[31mred\x00",
    "نموذج_التدريب" * 9,
)


def hostile() -> Json:
    """Names, reasons, data and values that would like to be more than text."""
    nodes = tuple(
        NodeView(
            text,
            "failed" if place % 2 else "will run",
            text,
            text,
            key=text,
            target=text,
            parents=HOSTILE[:place][-1:],
        )
        for place, text in enumerate(HOSTILE)
    )
    edges = tuple(
        EdgeView(each.parents[0], each.node_id, "there", ((text, text),))
        for each, text in zip(nodes[1:], HOSTILE, strict=False)
    )
    data = (DataView("data:x", HOSTILE[0], HOSTILE[1]),)
    source = EdgeView("data:x", nodes[0].node_id, "there")
    facts = {
        each.node_id: StepFacts(
            cell=CellFacts(text, text, script=text),
            vitals=Vitals(None, text, text),
            inputs=(PortCard(text, text),),
            outputs=(PortCard(text, text),),
            parameters=(PortCard(text, text),),
        )
        for each, text in zip(nodes, HOSTILE, strict=True)
    }
    tags = (ParameterView(HOSTILE[0], HOSTILE[3], (nodes[0].node_id,)),)
    return message(Picture(HOSTILE[0], nodes, (source, *edges), data, tags), facts)
