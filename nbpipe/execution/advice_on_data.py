"""Advice where a step and its data do not meet: files it was not given, inputs misused, outputs not written."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from nbpipe.execution.failure import Advice, Failure
from nbpipe.execution.nearby import as_seen, there

_PLAIN = re.compile(r"[\w.-]+/[^{}\s\"'*?\[\]|<>;&`$\\]*")
# ... directory: 'data.csv', ... local file 'data.csv', ... (os error 2): data.csv
_NAMED = re.compile(r"""(?:: |file )('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|\(os error 2\): (.+)$""")
_DENIED = re.compile(r"\[Errno (?:13|30)\]|\[WinError 5\]")
_SHOWN = 5  # names of files, where a folder holds many


def literal_path(failure: Failure) -> Advice | None:
    """A path on the command line as plain text: the script gets the words and no file."""
    missed = _missed(failure)
    option = _option_of(failure.words, missed.wanted) if missed else None
    if missed is None or option is None:
        return None
    remedy = "On the command line it is text, so nothing is brought along. As an input it is:"
    given = _given(failure, option, missed.path)
    return failure.advice(f"no {missed.kind} {missed.wanted}.", f"{remedy}  {given}")


def missing_file(failure: Failure) -> Advice | None:
    """A file that the script opens by a path as seen from the notebook."""
    missed = _missed(failure)
    if missed is None:
        return None
    if not failure.is_cell and missed.place == "beside the notebook":
        remedy = "It lies in the step's folder, but an ignore file leaves it out. Add to that:"
        return failure.advice(f"no {missed.kind} {missed.wanted}.", f"{remedy}  !{missed.wanted}")
    given = _given(failure, _new_option(failure, missed.wanted), missed.path)
    remedy = f"A step runs in its own folder and sees what it is given. The {missed.kind} lies {missed.place}; pass it:"
    return failure.advice(f"no {missed.kind} {missed.wanted}.", f"{remedy}  {given}")


class _Missed(NamedTuple):
    """A path that a script looked for, and where it is: ``beside the notebook`` or ``in the workspace``."""

    wanted: str
    path: Path
    place: str
    kind: str


def _missed(failure: Failure) -> _Missed | None:
    said = failure.said("FileNotFoundError")
    if said is None or failure.raised is None:
        return None
    wanted = _path_in(said).replace("\\", "/").removeprefix(failure.raised.root or "\0")
    if not wanted or PurePosixPath(wanted).is_absolute() or Path(wanted).is_absolute():
        return None
    wanted = str(PurePosixPath(wanted))
    if wanted in failure.taken_along:  # it is there, so the script looked from another folder
        return None
    for folder, place in (
        (failure.notebook_folder, "beside the notebook"),
        (failure.workspace, "in the workspace"),
    ):
        if there(folder / wanted):
            return _Missed(wanted, folder / wanted, place, "folder" if (folder / wanted).is_dir() else "file")
    return None


def _path_in(message: str) -> str:
    """The path that an OSError's text names, or an empty string."""
    named = _NAMED.search(message)
    if named is None:
        return ""
    if named[2]:
        return named[2]
    try:
        return str(ast.literal_eval(named[1]))
    except (SyntaxError, ValueError):
        return ""


def _option_of(words: Sequence[str], wanted: str) -> str | None:
    """The option in front of a literal word, empty for one without; None where no word is this path."""
    before = ""
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name.startswith("-") and str(PurePosixPath(value)) == wanted:
            return name
        if str(PurePosixPath(word)) == wanted:
            return before
        before = word if word.startswith("-") else ""
    return None


def _new_option(failure: Failure, wanted: str) -> str:
    """An option that the command line does not have yet."""
    taken = {word.partition("=")[0] for word in failure.words}
    stem = re.sub(r"\W+", "-", PurePosixPath(wanted).stem).strip("-").lower()
    return next(
        (f"--{name}" for name in ("data", stem, "input") if name and f"--{name}" not in taken), "--more"
    )


def _given(failure: Failure, option: str, path: Path) -> str:
    """How a file is passed as an input: on a magic line, or in the arguments of a step object."""
    if not failure.is_cell:
        name = json.dumps(as_seen(path, failure.workspace), ensure_ascii=False)
        call = f"Dataset.File.from_files({name}).as_mount()"
        return f'arguments=["{option}", {call}]' if option else f"arguments=[{call}]"
    seen = as_seen(path, failure.notebook_folder)
    braced = f"{{{seen}}}" if _PLAIN.fullmatch(seen) else f"{{./{seen}}}"
    word = braced if re.fullmatch(r"[\w./{}-]+", braced) else f'"{braced}"'
    return f"{option} {word}".strip()


class _Port(NamedTuple):
    """An input or output, the path a script was given for it, and the one that an exception names."""

    name: str
    path: Path
    is_output: bool
    named: Path

    @property
    def exactly(self) -> bool:
        return self.named == self.path

    @property
    def braces(self) -> str:
        return f"{{{self.name}}}"


def _port_in(failure: Failure, *kinds: str) -> _Port | None:
    """The input or output whose path an exception of these classes names, itself or something in it."""
    named = _path_in(failure.said(*kinds) or "").rstrip("/\\")
    ports = [(name, path, False) for name, path in failure.inputs.items()]
    ports += [(name, path, True) for name, (path, _) in failure.outputs.items()]
    for name, path, is_output in ports:
        if named and path and (named == path or named.startswith((path + "/", path + os.sep))):
            return _Port(name, Path(path), is_output, Path(named))
    return None


def folder_as_file(failure: Failure) -> Advice | None:
    """An input or output that is a folder, opened as a file."""
    port = _port_in(failure, "IsADirectoryError", "PermissionError")  # the second is what Windows says
    if port is None or not port.exactly or not port.path.is_dir():
        return None
    if port.is_output:
        remedy = f"Write a file into it. If a file is meant:  {{>{port.name}}}"
        return failure.advice(f"{port.braces} is a folder, made in advance.", remedy)
    return failure.advice(f"{port.braces} is a folder.", f"{_held(port.path)} Open a file in it.")


def not_in_input(failure: Failure) -> Advice | None:
    """A file that is not in the folder that a step was given."""
    port = _port_in(failure, "FileNotFoundError")
    if port is None or port.is_output or port.exactly or not port.path.is_dir():
        return None
    return failure.advice(f"{port.braces} holds no {as_seen(port.named, port.path)}.", _held(port.path))


def _held(folder: Path) -> str:
    names = sorted(entry.name for entry in folder.iterdir())
    return f"It holds {_listed(names)}." if names else "It is empty."


def file_as_folder(failure: Failure) -> Advice | None:
    """An input or output that is a file, used as a folder."""
    port = _port_in(failure, "NotADirectoryError", "FileNotFoundError")
    if port is None or port.path.is_dir():
        return None
    if port.is_output and not port.exactly:
        return failure.advice(f"{port.braces} is no folder.", f"If a folder is meant:  {{>{port.name}/}}")
    if port.is_output or not port.path.is_file():
        return None
    return failure.advice(f"{port.braces} is a file.", "Open its path as it is given.")


def folder_made_in_advance(failure: Failure) -> Advice | None:
    """A folder output that the script makes again."""
    port = _port_in(failure, "FileExistsError")
    if port is None or not (port.is_output and port.exactly and port.path.is_dir()):
        return None
    remedy = "Leave it as it is, or:  os.makedirs(path, exist_ok=True)"
    return failure.advice(f"{port.braces} is a folder, made in advance.", remedy)


def input_is_read_only(failure: Failure) -> Advice | None:
    """An input that the script writes to."""
    port = _port_in(failure, "PermissionError") or _port_in(failure, "OSError")
    read_only = re.match(
        r"\[Errno (13|30)\]|\[WinError 5\]", failure.said("PermissionError", "OSError") or ""
    )
    if port is None or port.is_output or not read_only or not os.access(port.path, os.R_OK):
        return None
    copy = 'copy it first:  shutil.copy(path, ".")' if port.path.is_file() else "copy what changes."
    if not failure.is_cell:
        copy = "pass a copy:  .as_download()"
    remedy = f"Other steps and later runs read it too. Write to an output, or {copy}"
    return failure.advice(f"{port.braces} is an input and read-only.", remedy)


def output_of_wrong_kind(failure: Failure) -> Advice | None:
    """An output that is a folder where a file was declared, or the other way round."""
    name, path, _ = _missing_output(failure)
    if not name or not there(path):
        return None
    made, told, form = ("folder", "file", "/") if path.is_dir() else ("file", "folder", "")
    fact = f"{failure.step} ended well but made {{{name}}} a {made}; it is declared as a {told}."
    return Advice(fact, None, f"If a {made} is meant:  {{>{name}{form}}}")


def output_elsewhere(failure: Failure) -> Advice | None:
    """An output written under its own name, but into the step's folder."""
    name, path, option = _missing_output(failure)
    elsewhere = next((each for each in failure.written if PurePosixPath(each).name == path.name), None)
    if not name or elsewhere is None:
        return None
    remedy = (
        f"It wrote {elsewhere} in its own folder, which goes when the step ends. Write to the path it is told"
    )
    return Advice(f"{failure.step} ended well but wrote no {{{name}}}.", None, f"{remedy}{_by(option)}.")


def output_not_written(failure: Failure) -> Advice | None:
    """An output that is not there, and what was written instead."""
    name, path, option = _missing_output(failure)
    if not name:
        return None
    told = f"It was told to write .../{path.name}{_by(option)}."
    if not any("{>" + name in word for word in failure.words):
        told = f"No argument tells it the path; it is in the variable AZUREML_DATAREFERENCE_{name}."
    did = f"Files it did write: {_listed(failure.written)}." if failure.written else "It wrote no other file."
    return Advice(f"{failure.step} ended well but wrote no {{{name}}}.", None, f"{told} {did}")


def _missing_output(failure: Failure) -> tuple[str, Path, str]:
    """Name, path and option of the output at fault; an empty name where there is none."""
    name = failure.missing_output or ""
    path, option = failure.outputs.get(name, ("", ""))
    return name if path else "", Path(path), option


def _by(option: str) -> str:
    return f" (argument {option})" if option else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
