"""Says why an attempt failed, and what to do where the cause is known: one table, a row for each cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from nbpipe.execution import advice_on_code as code
from nbpipe.execution import advice_on_data as data
from nbpipe.execution import advice_on_exit as ending
from nbpipe.execution.failure import Advice, Failure, Raised, plain, read_traceback

__all__ = ["ADVICE", "Advice", "Failure", "advise"]

Row = Callable[[Failure], Advice | None]
"""Looks at a failure and answers only when it shows that one cause is at work."""

ADVICE: list[tuple[str, Row]] = [
    ("the process was lost", ending.lost),
    ("more memory than its limit", ending.memory_limit),
    ("killed", ending.killed),
    ("crashed in native code", ending.crashed),
    ("ended by a signal", ending.ended_by_signal),
    ("an output of the wrong kind", data.output_of_wrong_kind),
    ("an output written elsewhere", data.output_elsewhere),
    ("an output not written", data.output_not_written),
    ("arguments refused", ending.refused_arguments),
    ("a path told as plain text", data.literal_path),
    ("a file not given", data.missing_file),
    ("a folder opened as a file", data.folder_as_file),
    ("a file its input lacks", data.not_in_input),
    ("a file used as a folder", data.file_as_folder),
    ("a folder made twice", data.folder_made_in_advance),
    ("an input written to", data.input_is_read_only),
    ("a module in a folder", code.module_in_folder),
    ("a local module not taken along", code.local_module),
    ("a package not installed", code.missing_package),
    ("a name of another cell", code.name_of_another_cell),
    ("a line for notebooks only", code.notebook_syntax),
    ("code that does not parse", code.syntax),
    ("a question without a keyboard", code.no_keyboard),
    ("a full GPU", ending.gpu_memory),
]
"""The first row that answers is told, so a special case stands before the general one."""

_UNCAUGHT = 1  # what Python exits with when an exception ends the script
_WIDTH = 500  # characters of a message; a script may raise a whole table


def advise(failure: Failure) -> Advice:
    """Why an attempt failed and, where that is established, what to do.

    Where no row of the table matches, the message is the exception itself and the remedy is empty: a guess is never
    shown as a finding.

    Example:
        >>> advise(Failure("train", "train.py", exit_code=3)).message
        'train ended with exit code 3.'
    """
    raised = read_traceback(failure.stderr, failure.script) if failure.exit_code == _UNCAUGHT else None
    for each in _chain(raised):
        for _, row in ADVICE:
            advice = row(replace(failure, raised=each))
            if advice is not None:
                return _fit(advice)
    return _fit(_told_as_it_is(replace(failure, raised=raised)))


def _chain(raised: Raised | None) -> Iterator[Raised | None]:
    """An exception, then those it was raised from."""
    yield raised
    while raised is not None and raised.cause is not None:
        raised = raised.cause
        yield raised


def _told_as_it_is(failure: Failure) -> Advice:
    raised = failure.raised
    if raised is not None:
        return failure.advice(f"{raised.kind}: {raised.message}" if raised.message else raised.kind)
    said = [line.strip() for line in plain(failure.stderr).splitlines() if line.strip()]
    last = f": {said[-1]}" if said and failure.exit_code else "."
    return Advice(f"{failure.step} ended with exit code {failure.exit_code}{last}")


def _fit(advice: Advice) -> Advice:
    """One line of bounded length, and nothing that moves a cursor: what a script raises may hold anything."""
    message = _shown(advice.message)
    message = message if len(message) <= _WIDTH else message[: _WIDTH - 1] + "…"
    return Advice(message, advice.line, "\n".join(map(_shown, advice.remedy.split("\n"))))


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
