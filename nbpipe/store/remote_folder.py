"""A folder of a datastore: files made whole and only once, read by stretches, known by what tells their version."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters at least: C:/ is a drive

Sent = Callable[[int], None]
"""Hears how many more bytes have gone out."""


class Seen(NamedTuple):
    """What a datastore tells of a file without handing it over.

    Attributes:
        size: bytes.
        tag: what changes with its content: an ETag, a version or a date; empty where it tells nothing.
    """

    size: int
    tag: str


class RemoteFolder(ABC):
    """A folder on a disk that several machines share, or behind a URL.

    Names are relative, with `/` between their parts. Threads may share one.

    Attributes:
        url: where it is, without credentials.
    """

    url: str

    @abstractmethod
    def create(self, name: str, source: Path | bytes, sent: Sent) -> bool:
        """Put a file there unless one has its name; True when this call made it.

        Of many that create one name at once exactly one wins, and nobody sees a part of the file.

        Args:
            name: the file.
            source: its content, or where that lies.
            sent: told of bytes as they go out.

        Raises:
            Unreachable: the datastore does not answer, or not now.
            StoreError: it does not take it.
        """

    @abstractmethod
    def replace(self, name: str, source: Path | bytes, sent: Sent) -> None:
        """Put a file there in place of what has its name; raises as `create`."""

    @abstractmethod
    def read(self, name: str, start: int, end: int) -> bytes:
        """Bytes of a file from `start` up to `end`, or fewer; none where the file ends before.

        Raises:
            FileNotFoundError: there is no such file.
            Unreachable, StoreError: as `create`.
        """

    @abstractmethod
    def look(self, name: str) -> Seen | None:
        """What is told of a file; None where there is none. The name may be empty: the URL itself is a file then."""

    @abstractmethod
    def find(self, folder: str) -> dict[str, Seen]:
        """Every file below a folder, by its name from here; none where there is no such folder."""


class SentSoFar:
    """Tells how many more bytes went out, from how many did in all.

    Args:
        sent: hears of them.
    """

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._done = 0

    def reach(self, value: int) -> None:
        """Hear how many bytes went out in all; fewer than before when they have to go once more."""
        more, self._done = value - self._done, value
        if more:
            self._sent(more)


def is_url(text: str) -> bool:
    """Whether a text is a URL, and no path.

    Example:
        >>> is_url("s3://lab/raw.csv"), is_url("C://data"), is_url("data/raw.csv")
        (True, False, False)
    """
    return bool(_URL.match(text))


def without_credentials(url: str) -> str:
    """A URL as it may be shown and written: with no password and no signature in it.

    Example:
        >>> without_credentials("ssh://ann:secret@box/data?sig=abc")
        'ssh://ann@box/data'
        >>> without_credentials("abfs://raw@lab.dfs.core.windows.net/2024")
        'abfs://raw@lab.dfs.core.windows.net/2024'
    """
    if not is_url(url):
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{user.partition(':')[0]}{at}{host}", parts.path, "", ""))
