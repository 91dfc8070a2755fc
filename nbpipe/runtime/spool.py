"""Where a step leaves what it logs, tags and uploads, until its runner commits it: one folder a try."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable
from typing import IO, Any, Union

from nbpipe.errors import UsageError
from nbpipe.runtime.masking import TextMasker

Record = dict[str, Any]
Source = Union[str, "os.PathLike[str]", IO[bytes], IO[str]]

_LINES = "spool.jsonl"
_FILES = "files"


class Spool:
    """The spool folder of one try of a step.

    `spool.jsonl` holds one JSON object a line, in the order they came; `files/` holds what was uploaded,
    under its own names. A record is one write to a file opened for appending, so any number of processes and
    threads of a step may log at once and no line is torn.

    Args:
        folder: it exists, or is made on the first write.
        secrets: values to mask in the lines; they never come to the disk.

    Example:
        >>> spool = Spool("spool")
        >>> spool.append("metric", kind="scalar", name="accuracy", value=0.93, run="step")
        >>> spool.records()[0]["value"]
        0.93
    """

    def __init__(self, folder: str, secrets: Iterable[str] = ()) -> None:
        self._folder = folder
        self._masker = TextMasker(secrets)

    def append(self, record: str, **fields: Any) -> None:
        """Add a record: "metric", "image", "tag", "property", "file", "model", "complete" or "fail", with its
        fields.

        Raises:
            OSError: the folder cannot be written.
        """
        entry = self._masker.record({"record": record, "time": time.time(), **fields})
        data = json.dumps(entry, ensure_ascii=True).encode("ascii") + b"\n"
        os.makedirs(self._folder, 0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        fd = os.open(os.path.join(self._folder, _LINES), flags, 0o600)
        try:
            written = os.write(fd, data)
        finally:
            os.close(fd)
        if written < len(data):
            raise OSError(f"only {written} of {len(data)} bytes of a record were written: is the disk full?")

    def records(self) -> list[Record]:
        """Every record so far, in order; a line that is not whole (of a killed process) is passed over."""
        try:
            with open(os.path.join(self._folder, _LINES), encoding="utf-8", errors="replace") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:
            return []
        records = []
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and "record" in record:
                records.append(record)
        return records

    def keep(self, name: str, source: Source) -> str:
        """Copy a file, or what is left of an open one, into the spool; a second file of one name replaces the
        first.

        Returns:
            The name as it is kept.

        Raises:
            UsageError: the name leads out of the folder, or the source is no file.
        """
        name = artifact_name(name)
        target = self.path(name)
        os.makedirs(self._folder, 0o700, exist_ok=True)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        part = os.path.join(self._folder, f"part-{os.getpid()}-{time.monotonic_ns()}")
        with open(part, "wb") as copy:
            _pour(source, copy)
        os.replace(part, target)
        return name

    def path(self, name: str) -> str:
        """Where the file of that name lies."""
        return os.path.join(self._folder, _FILES, *name.split("/"))

    def names(self) -> list[str]:
        """The names of the files, sorted."""
        root = os.path.join(self._folder, _FILES)
        return sorted(
            os.path.relpath(os.path.join(folder, file), root).replace(os.sep, "/")
            for folder, _, files in os.walk(root)
            for file in files
        )


class MemorySpool(Spool):
    """What a script leaves when it runs outside any step: it can be read back, and is dropped at the end."""

    def __init__(self) -> None:
        super().__init__("")
        self._records: list[Record] = []
        self._names: set[str] = set()

    def append(self, record: str, **fields: Any) -> None:
        """See `Spool.append`."""
        self._records.append(json.loads(json.dumps({"record": record, "time": time.time(), **fields})))

    def records(self) -> list[Record]:
        """See `Spool.records`."""
        return list(self._records)

    def keep(self, name: str, source: Source) -> str:
        """Check a file and remember its name."""
        name = artifact_name(name)
        with open(os.devnull, "wb") as nowhere:
            _pour(source, nowhere)
        self._names.add(name)
        return name

    def names(self) -> list[str]:
        """See `Spool.names`."""
        return sorted(self._names)


def artifact_name(name: str) -> str:
    r"""A file's name inside a run: relative, parts between slashes.

    Raises:
        UsageError: it is empty, absolute or leads out of its folder.

    Example:
        >>> artifact_name("./outputs\\model.pkl")
        'outputs/model.pkl'
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"A file of a run needs a name; it was given {name!r}.")
    parts = [part for part in name.replace("\\", "/").split("/") if part != "."]
    absolute = bool(parts) and (not parts[0] or parts[0][1:2] == ":")
    if absolute or not parts or ".." in parts or "" in parts or "\0" in name:
        raise UsageError(
            f"{name!r} cannot name a file of a run: the name is relative and stays in the run's folder.",
            remedy="Like this:  outputs/model.pkl",
        )
    return "/".join(parts)


def _pour(source: Source, target: IO[bytes]) -> None:
    if isinstance(source, (str, os.PathLike)):
        if not os.path.isfile(source):
            folder = os.path.isdir(source)
            raise UsageError(
                f"{os.fspath(source)} is a folder." if folder else f"No file {os.fspath(source)}.",
                place=f"It was looked for from {os.getcwd()}.",
                remedy="For a whole folder:  run.upload_folder(name, path)" if folder else None,
            )
        with open(source, "rb") as file:
            shutil.copyfileobj(file, target, 1 << 20)
        return
    while True:
        chunk = source.read(1 << 20)
        if not chunk:
            return
        target.write(chunk.encode("utf-8") if isinstance(chunk, str) else chunk)
