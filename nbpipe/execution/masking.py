"""Takes secrets out of a stream of bytes, also where a secret comes in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MASK = b"***"
SHORTEST = 4
"""Characters of the shortest secret that is masked: shorter ones would turn every other word into stars."""


class Masker:
    """Replaces secrets by ``***`` in what is fed to it.

    Values of fewer than four characters are not masked. Of a value with several lines every line is masked
    too, since a script may print them one by one. Secrets that overlap in the output become one mask.

    Args:
        secrets: their values.

    Example:
        >>> masker = Masker(["s3cret"])
        >>> masker.feed(b"token s3c"), masker.feed(b"ret, done"), masker.flush()
        (b'token ', b'***, done', b'')
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        texts = {text for secret in secrets for text in (secret, *secret.splitlines())}
        encoded = {text.encode("utf-8", "surrogateescape") for text in texts if len(text) >= SHORTEST}
        self._secrets = tuple(sorted(encoded))
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


def masked(value: Any, secrets: Iterable[str]) -> Any:
    """A JSON value with the secrets in its texts masked, names of fields included.

    Example:
        >>> masked({"name": "url", "value": ["https://me:s3cret@host", 1]}, ["s3cret"])
        {'name': 'url', 'value': ['https://me:***@host', 1]}
    """
    known = [secret for secret in secrets if len(secret) >= SHORTEST]
    if not known:
        return value
    if isinstance(value, str):
        masker = Masker(known)
        data = value.encode("utf-8", "surrogatepass")
        return (masker.feed(data) + masker.flush()).decode("utf-8", "surrogatepass")
    if isinstance(value, list):
        return [masked(each, known) for each in value]
    if isinstance(value, dict):
        return {masked(name, known): masked(each, known) for name, each in value.items()}
    return value
