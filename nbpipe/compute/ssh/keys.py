"""The keys a user can show to a machine: files, and what ssh-agent holds, in the order in which ssh tries them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import field
from pathlib import Path

import asyncssh

from nbpipe.core.record import dataclass

_USUAL = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")
_MOST = 6  # a server of OpenSSH hangs up after so many


@dataclass
class Keys:
    """What can be shown.

    Attributes:
        pairs: the keys, the likeliest first.
        names: how each is called, for a person.
        unusable: sentences about keys that there are but that cannot be used.
    """

    pairs: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)

    def add(self, pair: asyncssh.SSHKeyPair, name: str) -> None:
        """Take one more key, once, as long as a server would still look at it."""
        if len(self.pairs) < _MOST and all(pair.public_data != known.public_data for known in self.pairs):
            self.pairs.append(pair)
            self.names.append(name)


@asynccontextmanager
async def keys_of(files: Iterable[Path], agent: str, *, named: bool, only: bool) -> AsyncIterator[Keys]:
    """The keys in these files and in ssh-agent, which signs while the context is open.

    Args:
        files: private keys; none for the usual ones are given by `usual_files`.
        agent: socket of ssh-agent, or empty.
        named: the user named the files, so that one which cannot be used is worth a sentence.
        only: of what ssh-agent holds, only keys that belong to one of the files.
    """
    keys = Keys()
    held: list[asyncssh.SSHKeyPair] = []
    client: asyncssh.SSHAgentClient | None = None
    try:
        if agent:
            try:
                client = await asyncssh.connect_agent(agent)
                held = list(await client.get_keys())
            except (OSError, ValueError):
                keys.unusable.append("ssh-agent does not answer (SSH_AUTH_SOCK)")
        by_data = {pair.public_data: pair for pair in held}
        for file in files:
            await asyncio.to_thread(_take, file, by_data, keys, named)
        if not only:
            for pair in held:
                keys.add(pair, f"{_comment(pair)} of ssh-agent")
        yield keys
    finally:
        if client is not None:
            client.close()
            await client.wait_closed()


def usual_files(home: Path) -> list[Path]:
    """Private keys where ssh looks when nobody named one."""
    return [home / ".ssh" / name for name in _USUAL if (home / ".ssh" / name).is_file()]


def _take(file: Path, held: dict[bytes, asyncssh.SSHKeyPair], keys: Keys, named: bool) -> None:
    public = _public(file)
    if public is not None and public.public_data in held:
        keys.add(held[public.public_data], f"{file} of ssh-agent")
        return
    try:
        for pair in asyncssh.load_keypairs([str(file)]):
            keys.add(pair, str(file))
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if "encrypt" in str(error):
            keys.unusable.append(f"{file} has a passphrase; for it to be used run:  ssh-add {file}")
        else:
            keys.unusable.append(f"{file} is no private key that can be read: {error}")
    except OSError as error:
        if named:
            keys.unusable.append(f"{file} cannot be read: {error.strerror}")


def _public(file: Path) -> asyncssh.SSHKey | None:
    """The public half of a key, which a file of OpenSSH and its .pub have in clear."""
    for path in (file, file.with_name(file.name + ".pub")):
        try:
            return asyncssh.read_public_key(str(path))
        except (OSError, asyncssh.KeyImportError):
            continue
    return None


def _comment(pair: asyncssh.SSHKeyPair) -> str:
    return pair.get_comment() or pair.get_algorithm()
