"""Takes secrets out of a stream of bytes, also where a secret comes in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = b"***"
SHORTEST = 4
"""Characters of the shortest secret that is masked: shorter ones would turn every other word into stars."""

_OWN_FIELDS = {
    "record", "run", "time", "kind", "name", "value", "step", "description", "file", "tags", "properties", "removed",
    "details", "code",
}  # fmt: skip
_OWN_WORDS = {
    "metric", "image", "tag", "property", "file", "model", "complete", "fail", "step", "parent", "scalar", "list",
    "row", "table", "document",
}  # fmt: skip
"""What the runtime itself writes into the fields of a record; a secret may be such a word."""


class Masker:
    """Replaces secrets by ``***`` in what is fed to it.

    Values of fewer than four characters are not masked. Of a value with several lines every line is masked
    too, since a script may print them one by one; and both as Python and JSON write them between quotes.
    Secrets that overlap in the output become one mask.

    Args:
        secrets: their values.
        errors: how the output encodes what UTF-8 does not know, which a variable of any bytes may hold.

    Example:
        >>> masker = Masker(["s3cret"])
        >>> masker.feed(b"token s3c"), masker.feed(b"ret, done"), masker.flush()
        (b'token ', b'***, done', b'')
    """

    def __init__(self, secrets: Iterable[str], errors: str = "surrogateescape") -> None:
        lines = {text for secret in secrets for text in (secret, *map(str.strip, secret.splitlines()))}
        texts = {written for text in lines if len(text) >= SHORTEST for written in _as_written(text)}
        self._secrets = tuple(sorted(text.encode("utf-8", errors) for text in texts))
        self._held = b""
        self._masked = 0  # how much of what is held stands behind a mask that went out already

    def feed(self, data: bytes) -> bytes:
        """Take some output; what of all output so far can go out.

        Held back is only an end that could be the beginning of a secret: always shorter than the longest.
        """
        if not self._secrets:
            return data
        buffer = self._held + data
        return self._release(buffer, self._undecided(buffer))

    def flush(self) -> bytes:
        """What is held back, once no more output comes."""
        return self._release(self._held, len(self._held))

    def _undecided(self, buffer: bytes) -> int:
        """Where the first end begins that could be the beginning of a secret."""
        first = len(buffer)
        for secret in self._secrets:
            at = buffer.find(secret[:1], max(0, len(buffer) - len(secret) + 1))
            while 0 <= at < first:
                if secret.startswith(buffer[at:]):
                    first = at
                at = buffer.find(secret[:1], at + 1)
        return first

    def _release(self, buffer: bytes, end: int) -> bytes:
        """The buffer up to ``end`` with its secrets masked; the rest is held."""
        pieces = []
        at, reached = 0, self._masked
        for start, stop in self._spans(buffer):
            if start >= end:
                break
            if start or not self._masked:
                pieces += [buffer[at:start], MASK]
            reached = max(reached, stop)
            at = min(stop, end)
        pieces.append(buffer[at:end])
        self._held = buffer[end:]
        self._masked = max(0, reached - end)
        return b"".join(pieces)

    def _spans(self, buffer: bytes) -> list[tuple[int, int]]:
        """Stretches of the buffer to mask, in order, none overlapping another."""
        found = [(0, self._masked)] if self._masked else []
        for secret in self._secrets:
            at = buffer.find(secret)
            while at >= 0:
                found.append((at, at + len(secret)))
                at = buffer.find(secret, at + 1)
        spans: list[tuple[int, int]] = []
        for start, stop in sorted(found):
            if spans and start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
            else:
                spans.append((start, stop))
        return spans


def _as_written(text: str) -> Iterator[str]:
    """A text as it is, and as it stands between the quotes of Python's and JSON's literals."""
    yield text
    for write in (repr, ascii):
        quoted = write(text + '"')[1:-2]  # with both kinds of quotes in it, the single ones are escaped
        yield from (quoted, quoted.replace("\\'", "'"))
    quoted = repr(text.encode("utf-8", "surrogateescape") + b'"')[2:-2]
    yield from (quoted, quoted.replace("\\'", "'"))
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]


class TextMasker:
    """Replaces secrets by ``***`` in whole texts; see ``Masker``.

    Args:
        secrets: their values.

    Example:
        >>> TextMasker(["s3cret"]).text("https://me:s3cret@host")
        'https://me:***@host'
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = [secret for secret in secrets if len(secret) >= SHORTEST]
        # A text has each byte of a variable that is no UTF-8 as half of a surrogate pair.
        self._masker = Masker(known, "surrogatepass") if known else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._masker is None:
            return text
        data = text.encode("utf-8", "surrogatepass")
        return (self._masker.feed(data) + self._masker.flush()).decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """A JSON value without secrets in its texts, names of fields included.

        Example:
            >>> TextMasker(["s3cret"]).value({"name": "url", "value": ["https://me:s3cret@host", 1]})
            {'name': 'url', 'value': ['https://me:***@host', 1]}
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {self.value(name): self.value(each) for name, each in value.items()}
        return value

    def record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What a script logged, without secrets in what it gave; the runtime's own words stay.

        Example:
            >>> TextMasker(["name"]).record({"record": "tag", "name": "by name"})
            {'record': 'tag', 'name': 'by ***'}
        """
        return {
            field if field in _OWN_FIELDS else self.text(field): value
            if field in ("record", "run", "kind") and isinstance(value, str) and value in _OWN_WORDS
            else self.value(value)
            for field, value in record.items()
        }
