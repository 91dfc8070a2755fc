"""What is known of source files by content: syntax digest and imports, remembered so that nothing is parsed twice."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nbpipe.core.script import code_digest, imports_of
from nbpipe.errors import StoreError
from nbpipe.store.digests import FileDigests
from nbpipe.store.files import append_line, read_lines
from nbpipe.store.layout import StateFolder


class SourceFacts(NamedTuple):
    """What a source file is and imports.

    Attributes:
        content: digest of its bytes.
        syntax: digest of its syntax tree, or of its bytes where it is no Python.
        imports: ``(dotted name, relative level)`` of every import.
    """

    content: str
    syntax: str
    imports: tuple[tuple[str, int], ...]


class Sources:
    """Facts about source files, kept by the digest of their bytes in ``registry/sources.jsonl``.

    Args:
        state: the workspace's state folder.
        digests: digests of files.
    """

    def __init__(self, state: StateFolder, digests: FileDigests) -> None:
        self._state = state
        self._digests = digests
        self._known: dict[str, SourceFacts] | None = None

    def facts(self, path: Path) -> SourceFacts:
        """What is known of a file, read anew only when its content is new."""
        content = self._digests.digest(path)
        known = self._remembered()
        if content not in known:
            known[content] = self._read(path, content)
            self._remember(known[content])
        return known[content]

    def _read(self, path: Path, content: str) -> SourceFacts:
        text = path.read_bytes()
        try:
            source = text.decode("utf-8-sig")
            return SourceFacts(content, f"ast:{code_digest(source)}", tuple(sorted(imports_of(source))))
        except (SyntaxError, ValueError, RecursionError):
            return SourceFacts(content, f"bytes:{content}", ())

    @property
    def _path(self) -> Path:
        return self._state.registry / "sources.jsonl"

    def _remembered(self) -> dict[str, SourceFacts]:
        if self._known is None:
            self._known = {}
            with suppress(OSError):
                lines, _ = read_lines(self._path)
                for line in lines:
                    with suppress(TypeError, KeyError, ValueError):
                        imports = tuple((str(name), int(level)) for name, level in line["imports"])
                        self._known[line["content"]] = SourceFacts(line["content"], line["syntax"], imports)
        return self._known

    def _remember(self, facts: SourceFacts) -> None:
        with suppress(OSError, StoreError):  # a workspace that cannot be written is read all the same
            self._state.ensure()
            append_line(self._path, facts._asdict())
