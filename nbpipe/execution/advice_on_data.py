"""Advice where a step and its data do not meet: files it was not given, inputs misused, outputs not written."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from nbpipe.execution.failure import Advice, Failure, Raised
from nbpipe.execution.nearby import as_seen, there

_PLAIN = re.compile(r"[\w.-]+/[^{}\s\"'*?\[\]|<>;&`$\\]*")
_SHOWN = 5  # names of files, where a folder holds many


def literal_path(failure: Failure, raised: Raised | None) -> Advice | None:
    """A path on the command line as plain text: the script gets the words and no file."""
    missed = _missed(failure, raised)
    if raised is None or missed is None:
        return None
    option = _option_of(failure.words, missed.wanted)
    if option is None:
        return None
    fact = f"{raised.where(failure)}: no {missed.kind} {missed.wanted}."
    remedy = "On the command line it is text, so nothing is brought along. As an input it is:"
    return Advice(fact, raised.script_line, f"{remedy}  {_given(failure, option, missed.path)}")


def missing_file(failure: Failure, raised: Raised | None) -> Advice | None:
    """A file that the script opens by a path as seen from the notebook."""
    missed = _missed(failure, raised)
    if raised is None or missed is None:
        return None
    fact = f"{raised.where(failure)}: no {missed.kind} {missed.wanted}."
    if not failure.is_cell and missed.place == "beside the notebook":
        remedy = f"It lies in the step's folder, but an ignore file leaves it out. Add to .amlignore:  !{missed.wanted}"
        return Advice(fact, raised.script_line, remedy)
    remedy = (
        "A step runs in its own folder and sees what it is given. "
        f"The {missed.kind} lies {missed.place}; pass it:  {_given(failure, _new_option(failure, missed.wanted), missed.path)}"
    )
    return Advice(fact, raised.script_line, remedy)


class _Missed(NamedTuple):
    """A path that a script looked for, and where it is: ``beside the notebook`` or ``in the workspace``."""

    wanted: str
    path: Path
    place: str
    kind: str


def _missed(failure: Failure, raised: Raised | None) -> _Missed | None:
    if raised is None or raised.name != "FileNotFoundError":
        return None
    wanted = _path_in(raised.message).replace("\\", "/").removeprefix(raised.root or "\0")
    if not wanted or PurePosixPath(wanted).is_absolute() or Path(wanted).is_absolute():
        return None
    wanted = str(PurePosixPath(wanted))
    for folder, place in (
        (failure.notebook_folder, "beside the notebook"),
        (failure.workspace, "in the workspace"),
    ):
        if there(folder / wanted):
            return _Missed(wanted, folder / wanted, place, "folder" if (folder / wanted).is_dir() else "file")
    return None


def _path_in(message: str) -> str:
    """The path that an OSError's text names, or an empty string."""
    named = re.search(r"""(?:: |file )('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", message)
    if named:
        try:
            return str(ast.literal_eval(named[1]))
        except (SyntaxError, ValueError):
            return ""
    bare = re.search(r"\(os error 2\): (.+)$", message)
    return bare[1] if bare else ""


def _option_of(words: object, wanted: str) -> str | None:
    """The option in front of a literal word, empty for one without; None where no word is this path."""
    before = ""
    for word in words if isinstance(words, (list, tuple)) else ():
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
        call = f'Dataset.File.from_files("{as_seen(path, failure.workspace)}").as_mount()'
        return f'arguments=["{option}", {call}]' if option else f"arguments=[{call}]"
    seen = as_seen(path, failure.notebook_folder)
    braced = f"{{{seen}}}" if _PLAIN.fullmatch(seen) else f"{{./{seen}}}"
    word = braced if re.fullmatch(r"[\w./{}-]+", braced) else f'"{braced}"'
    return f"{option} {word}".strip()


class _Port(NamedTuple):
    """An input or output, and the path a script was given for it."""

    name: str
    path: Path
    is_output: bool
    exactly: bool

    @property
    def braces(self) -> str:
        return f"{{{self.name}}}"


def _port_in(failure: Failure, raised: Raised) -> _Port | None:
    """The input or output whose path an error names, itself or something in it."""
    named = _path_in(raised.message)
    ports = [(name, path, False) for name, path in failure.inputs.items()]
    ports += [(name, path, True) for name, (path, _) in failure.outputs.items()]
    for name, path, is_output in ports:
        if named and path and (named.rstrip("/\\") == path or named.startswith((path + "/", path + os.sep))):
            return _Port(name, Path(path), is_output, named.rstrip("/\\") == path)
    return None


def folder_as_file(failure: Failure, raised: Raised | None) -> Advice | None:
    """An input or output that is a folder, opened as a file."""
    if raised is None or raised.name not in ("IsADirectoryError", "PermissionError"):
        return None
    port = _port_in(failure, raised)
    if port is None or not port.exactly or not port.path.is_dir():
        return None
    if port.is_output:
        fact = f"{raised.where(failure)}: {port.braces} is a folder, made in advance."
        remedy = f"Write a file into it. If a file is meant:  {{>{port.name}}}"
        return Advice(fact, raised.script_line, remedy)
    names = sorted(entry.name for entry in port.path.iterdir())
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    held = f"It holds {', '.join(names[:_SHOWN])}{more}. Open a file in it." if names else "It is empty."
    return Advice(f"{raised.where(failure)}: {port.braces} is a folder.", raised.script_line, held)


def file_as_folder(failure: Failure, raised: Raised | None) -> Advice | None:
    """An input or output that is a file, used as a folder."""
    if raised is None or raised.name not in ("NotADirectoryError", "FileNotFoundError"):
        return None
    port = _port_in(failure, raised)
    if port is None or port.path.is_dir():
        return None
    where = raised.where(failure)
    if port.is_output and not port.exactly:
        fact, remedy = f"{where}: {port.braces} is no folder.", f"If a folder is meant:  {{>{port.name}/}}"
        return Advice(fact, raised.script_line, remedy)
    if port.is_output or not port.path.is_file():
        return None
    return Advice(f"{where}: {port.braces} is a file.", raised.script_line, "Open its path as it is given.")


def folder_made_in_advance(failure: Failure, raised: Raised | None) -> Advice | None:
    """A folder output that the script makes again."""
    port = _port_in(failure, raised) if raised and raised.name == "FileExistsError" else None
    if raised is None or port is None or not (port.is_output and port.exactly and port.path.is_dir()):
        return None
    fact = f"{raised.where(failure)}: {port.braces} is a folder, made in advance."
    return Advice(fact, raised.script_line, "Leave it as it is, or:  os.makedirs(path, exist_ok=True)")


def input_is_read_only(failure: Failure, raised: Raised | None) -> Advice | None:
    """An input that the script writes to."""
    if raised is None or not re.search(r"PermissionError|\[Errno 30\]", f"{raised.kind}: {raised.message}"):
        return None
    port = _port_in(failure, raised)
    if port is None or port.is_output or not os.access(port.path, os.R_OK):
        return None
    copying = 'copy it first:  shutil.copy(path, ".")' if port.path.is_file() else "copy what changes."
    remedy = f"Other steps and later runs read it too. Write to an output, or {copying}"
    if not failure.is_cell:
        remedy = "Other steps and later runs read it too. Write to an output, or pass a copy:  .as_download()"
    return Advice(
        f"{raised.where(failure)}: {port.braces} is an input and read-only.", raised.script_line, remedy
    )


def output_of_wrong_kind(failure: Failure, raised: Raised | None) -> Advice | None:
    """An output that is a folder where a file was declared, or the other way round."""
    name = failure.missing_output
    path = Path(failure.outputs[name][0]) if name in failure.outputs else None
    if name is None or path is None or not there(path):
        return None
    made, told, form = ("folder", "file", "/") if path.is_dir() else ("file", "folder", "")
    fact = f"{failure.step} ended well but made {{{name}}} a {made}; it is declared as a {told}."
    return Advice(fact, None, f"If a {made} is meant:  {{>{name}{form}}}")


def output_elsewhere(failure: Failure, raised: Raised | None) -> Advice | None:
    """An output written under its own name, but into the step's folder."""
    name = failure.missing_output
    if name is None or name not in failure.outputs:
        return None
    path, argument = failure.outputs[name]
    elsewhere = next((each for each in failure.written if PurePosixPath(each).name == Path(path).name), None)
    if elsewhere is None:
        return None
    remedy = (
        f"It wrote {elsewhere} in its own folder, which goes when the step ends. Write to the path it is told"
    )
    return Advice(_not_written(failure, name), None, f"{remedy}{_by(argument)}.")


def output_not_written(failure: Failure, raised: Raised | None) -> Advice | None:
    """An output that is not there, and what was written instead."""
    name = failure.missing_output
    if name is None or name not in failure.outputs:
        return None
    path, argument = failure.outputs[name]
    told = f"It was told to write .../{Path(path).name}{_by(argument)}."
    if not any("{>" + name in word for word in failure.words):
        told = f"No argument tells it the path; it is in the variable AZUREML_DATAREFERENCE_{name}."
    names = ", ".join(failure.written[:_SHOWN])
    more = f" and {len(failure.written) - _SHOWN} more" if len(failure.written) > _SHOWN else ""
    did = f"Files it did write: {names}{more}." if names else "It wrote no other file."
    return Advice(_not_written(failure, name), None, f"{told} {did}")


def _not_written(failure: Failure, name: str) -> str:
    return f"{failure.step} ended well but wrote no {{{name}}}."


def _by(argument: str) -> str:
    return f" (argument {argument})" if argument else ""
