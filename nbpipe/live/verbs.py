"""What views may ask: each verb with its arguments, which are checked, and the lane that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, Protocol

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.record import dataclass
from nbpipe.errors import UnknownName, UsageError
from nbpipe.live.answers import ANSWERERS, LOG_ANSWERERS
from nbpipe.live.board import Board
from nbpipe.live.grouping import Collapse
from nbpipe.live.source import Source
from nbpipe.live.views import View, Views
from nbpipe.run import PipelineRun
from nbpipe.views.answers import CellText, ParamsAnswer, RunAnswer

LANES: Mapping[str, int] = {"quick": 1, "doing": 1, "reading": 3}
"""Lane -> its threads: what is quick never waits for a run that is being started, or for a preview that takes long."""


class Desk(Protocol):
    """What verbs ask of the desk."""

    source: Source
    views: Views

    def board(self, pipeline: str = "", run: str = "") -> Board:
        """The board of a pipeline, or of one run."""

    def of(self, view: View) -> Board:
        """The board that a view shows, else the one that is meant by default."""

    def attach(self, view: View, run: str) -> None:
        """Show a run in place of a remembered graph."""

    def started(self, run: Any) -> None:
        """A run was started."""

    def changed(self) -> None:
        """Steps or variables may be others now."""


@dataclass(frozen=True)
class Arg:
    """An argument: its type, and its value where none is given; one without is required."""

    kind: Any
    default: Any = ...


@dataclass(frozen=True)
class LiveVerb:
    """A verb.

    Attributes:
        act: carries it out.
        args: name -> what it has to be.
        lane: where.
    """

    act: Callable[[Desk, View, Mapping[str, Any]], Any]
    args: Mapping[str, Arg] = field(default_factory=dict)
    lane: str = "quick"


@dataclass(frozen=True)
class Asked:
    """A request that has the form of one.

    Attributes:
        id, view, verb, args: as in ``views.protocol.Request``.
    """

    id: str
    view: str
    verb: str
    args: Mapping[str, Any]

    @staticmethod
    def read(message: Any) -> Asked | None:
        """The request in a message; None for what cannot even be answered."""
        if not isinstance(message, Mapping) or message.get("type") != "request":
            return None
        name, view, verb, args = (message.get(key) for key in ("id", "view", "verb", "args"))
        if not isinstance(name, str) or not isinstance(view, str) or not isinstance(verb, str):
            return None
        return Asked(name, view, verb, args if isinstance(args, Mapping) else {})

    @property
    def lane(self) -> str:
        """Where it is carried out."""
        return VERBS[self.verb].lane if self.verb in VERBS else "quick"


def answer(desk: Desk, view: View, asked: Asked) -> Any:
    """Do what a view asks; what it is answered with.

    Raises:
        UnknownName: there is no such verb.
        UsageError: an argument is missing, or of another kind.
        NbpipeError: it cannot be done.
    """
    verb = VERBS.get(asked.verb)
    if verb is None:
        raise UnknownName(f"No verb {asked.verb}.", remedy=f"Verbs: {', '.join(VERBS)}")
    return verb.act(desk, view, checked(asked.verb, verb.args, asked.args))


def checked(verb: str, wanted: Mapping[str, Arg], given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a verb takes them; those that it does not know are left out.

    Raises:
        UsageError: one is missing, or of another kind.

    Example:
        >>> checked("stop", {"step": Arg(str, "")}, {"other": 1})
        {'step': ''}
    """
    found = {}
    for name, arg in wanted.items():
        value = given.get(name, arg.default)
        if value is ...:
            raise UsageError(f"{verb} wants {name}.")
        if not _is(value, arg.kind):
            raise UsageError(f"{verb}: {name} is no {_KINDS[arg.kind]}.")
        found[name] = value
    return found


_KINDS = {
    str: "text",
    int: "number",
    bool: "truth value",
    list: "list of texts",
    dict: "table",
    object: "value",
}


def _is(value: Any, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


# What views do to themselves.


def _subscribe(desk: Desk, view: View, args: Mapping[str, Any]) -> None:
    kinds: tuple[Collapse, ...] = ("settled", "none")
    collapse: Collapse = next((each for each in kinds if each == args["collapse"]), "")
    board = desk.board(args["pipeline"], args["run"])
    view.subscribe(board, collapse, frozenset(args["open"]), default=not args["pipeline"] and not args["run"])


def _unsubscribe(desk: Desk, view: View, _: Mapping[str, Any]) -> None:
    desk.views.drop(view)


def _visible(_: Desk, view: View, args: Mapping[str, Any]) -> None:
    view.visible = args["visible"]


# What they do to pipelines and runs.


def _pipeline(desk: Desk, view: View) -> Pipeline:
    board = desk.of(view)
    found = desk.source.pipeline(board.pipeline)
    if found is None:
        raise UsageError("No steps yet.", remedy="Register the step cells, or write one.")
    return found


def _run(desk: Desk, view: View, args: Mapping[str, Any]) -> RunAnswer:
    with desk.source.lock:
        run = desk.source.submit(_pipeline(desk, view), force=args["force"], steps=args["only"])
    desk.started(run)
    return RunAnswer(run.id)


def _run_of(desk: Desk, view: View) -> PipelineRun:
    run = desk.of(view).run
    if run is None or run.finished is not None or run.interrupted:
        raise UsageError("No run goes on.")
    return run


def _stop(desk: Desk, view: View, args: Mapping[str, Any]) -> None:
    _run_of(desk, view).cancel(args["step"] or None)


def _force(desk: Desk, view: View, args: Mapping[str, Any]) -> None:
    _run_of(desk, view).force(args["step"])


def _accept(desk: Desk, view: View, args: Mapping[str, Any]) -> None:
    with desk.source.lock:
        desk.source.workspace.accept(_pipeline(desk, view), args["step"])
    desk.changed()


def _restore(desk: Desk, _: View, __: Mapping[str, Any]) -> CellText:
    with desk.source.lock:
        notes = desk.source.restore()
    desk.changed()
    return CellText("", notes=tuple(notes))


def _attach(desk: Desk, view: View, args: Mapping[str, Any]) -> None:
    desk.attach(view, args["run"])


def _params(desk: Desk, view: View, _: Mapping[str, Any]) -> ParamsAnswer:
    with desk.source.lock:
        return ParamsAnswer(tuple(desk.source.params(desk.of(view).pipeline)))


def _set_params(desk: Desk, view: View, args: Mapping[str, Any]) -> None:
    with desk.source.lock:
        for name, value in args["values"].items():
            desk.source.set_value(desk.of(view).pipeline, str(name), value)
    desk.changed()


def _extract(desk: Desk, _: View, args: Mapping[str, Any]) -> CellText:
    with desk.source.lock:
        return desk.source.extract(args["cell"], args["answers"], args["name"])


# What they ask about a board, and about the log that they follow.


def _asking(verb: str) -> Callable[[Desk, View, Mapping[str, Any]], Any]:
    """What answers a question about a board."""
    return lambda desk, view, args: ANSWERERS[verb](desk.of(view), args)


def _asking_log(verb: str) -> Callable[[Desk, View, Mapping[str, Any]], Any]:
    """What answers a question about the log of a view."""
    return lambda desk, view, args: LOG_ANSWERERS[verb](view.log, desk.of(view), args)


_STEP = {"step": Arg(str)}
_IN_RUN = _STEP | {"run": Arg(str, "")}
_QUESTIONS: Mapping[str, Mapping[str, Arg]] = {
    "why": _IN_RUN,
    "compare": _IN_RUN | {"other": Arg(str, "")},
    "data": _IN_RUN,
    "preview": _IN_RUN
    | {
        "name": Arg(str),
        "role": Arg(str, ""),
        "path": Arg(str, ""),
        "first": Arg(int, 0),
        "count": Arg(int, 50),
    },
    "metrics": _IN_RUN,
    "history": _STEP,
    "script": _IN_RUN,
    "runs": {},
}
_LOG_QUESTIONS: Mapping[str, Mapping[str, Arg]] = {
    "log_open": _IN_RUN | {"attempt": Arg(int, 0)},
    "log_close": {},
    "log_page": {"first": Arg(int), "count": Arg(int)},
    "log_find": {"text": Arg(str), "first": Arg(int, 1)},
    "log_chunk": {"offset": Arg(int, 0), "size": Arg(int)},
}


def _verbs() -> Iterator[tuple[str, LiveVerb]]:
    yield (
        "subscribe",
        LiveVerb(
            _subscribe,
            {
                "pipeline": Arg(str, ""),
                "run": Arg(str, ""),
                "hosted": Arg(str, "cell"),
                "collapse": Arg(str, ""),
                "open": Arg(list, ()),
            },
        ),
    )
    yield "unsubscribe", LiveVerb(_unsubscribe)
    yield "visible", LiveVerb(_visible, {"visible": Arg(bool)})
    yield "run", LiveVerb(_run, {"force": Arg(list, ()), "only": Arg(list, ())}, "doing")
    yield "stop", LiveVerb(_stop, {"step": Arg(str, "")})
    yield "force", LiveVerb(_force, _STEP)
    yield "accept", LiveVerb(_accept, _STEP, "doing")
    yield "restore", LiveVerb(_restore, {}, "doing")
    yield "attach", LiveVerb(_attach, {"run": Arg(str)})
    yield "params", LiveVerb(_params, {}, "reading")
    yield "set_params", LiveVerb(_set_params, {"values": Arg(dict)}, "doing")
    yield (
        "extract",
        LiveVerb(_extract, {"cell": Arg(str), "answers": Arg(dict, {}), "name": Arg(str, "")}, "doing"),
    )
    for verb, args in _QUESTIONS.items():
        yield verb, LiveVerb(_asking(verb), args, "reading")
    for verb, args in _LOG_QUESTIONS.items():
        yield verb, LiveVerb(_asking_log(verb), args, "reading")


VERBS: Mapping[str, LiveVerb] = dict(_verbs())
"""Every verb by its name."""
