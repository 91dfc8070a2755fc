"""What is known of source files by content: syntax digest and imports, remembered so that nothing is parsed twice."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import decode_source
from pathlib import Path
from typing import Any, NamedTuple

from nbpipe.core.script import code_digest, imports_of
from nbpipe.errors import StoreError
from nbpipe.store.digests import FileDigests, digest_bytes
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

    @property
    def is_python(self) -> bool:
        """Whether it could be parsed; what else imports is not known, and a newer Python may still run it."""
        return self.syntax.startswith("ast:")


def _facts_of(text: bytes) -> SourceFacts:
    """Facts about bytes, decoded as Python does it: a line ``# coding: ...`` changes what a text means."""
    content = digest_bytes(text)
    try:
        source = decode_source(text)
        return SourceFacts(content, f"ast:{code_digest(source)}", tuple(sorted(imports_of(source))))
    except (SyntaxError, ValueError, LookupError, RecursionError):
        return SourceFacts(content, f"bytes:{content}", ())


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
            facts = _facts_of(path.read_bytes())
            content = (
                facts.content
            )  # the file may have changed since: facts are those of the bytes they came from
            known[content] = facts
            self._remember(facts)
        return known[content]

    @property
    def _path(self) -> Path:
        return self._state.registry / "sources.jsonl"

    def _remembered(self) -> dict[str, SourceFacts]:
        if self._known is None:
            self._known = {}
            with suppress(OSError):
                lines, _ = read_lines(self._path)
                for line in lines:
                    with suppress(TypeError, KeyError, ValueError, OverflowError):
                        imports = tuple((str(name), int(level)) for name, level in line["imports"])
                        facts = SourceFacts(line["content"], line["syntax"], imports)
                        if line["check"] == _check(facts):
                            self._known[facts.content] = facts
        return self._known

    def _remember(self, facts: SourceFacts) -> None:
        with suppress(OSError, StoreError):  # a workspace that cannot be written is read all the same
            self._state.ensure()
            append_line(self._path, _told(facts), anew=True)


def _told(facts: SourceFacts) -> dict[str, Any]:
    return {**facts._asdict(), "check": _check(facts)}


def _check(facts: SourceFacts) -> str:
    """What a line that a disk or a hand has changed does not answer to: a lost import would hide a module."""
    return digest_bytes(repr(tuple(facts)).encode("utf-8", "backslashreplace"))[:16]
