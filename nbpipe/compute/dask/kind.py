"""What a Dask target can be told, and how its backend is opened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from nbpipe.compute.base import Backend
from nbpipe.compute.registered import BackendKind, Setting

_ADDRESS = re.compile(r"(?:tcp|tls|ws|wss|ucx)://[^/\s:@]+:\d{1,5}|(?:tcp|tls)://\[[0-9a-fA-F:]+\]:\d{1,5}")


def _wrong_address(value: str) -> str | None:
    if value.startswith("inproc:"):
        return "is inside one process, where no run reaches it: make the cluster with processes=True"
    return (
        None
        if _ADDRESS.fullmatch(value)
        else f"is like tcp://host:8786 or tls://host:8786, not {value!r:.80}"
    )


class DaskKind(BackendKind):
    """Targets of type ``dask``."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "address": Setting(str, "of the scheduler", required=True, wrong=_wrong_address),
        "tls_ca_file": Setting(str, "a file, or the certificate of the authority itself"),
        "tls_client_cert": Setting(str, "a file, or the certificate itself"),
        "tls_client_key": Setting(str, "a file, or the key itself"),
        "require_encryption": Setting(bool, "refuse what is not encrypted"),
        "memory_resource": Setting(str, "the Dask resource of workers that counts bytes of memory"),
        "direct": Setting(
            bool, "workers are spoken with directly, or through the scheduler; left out: as it goes"
        ),
        "python": Setting(str, "interpreter of steps, on the workers"),
    }
    slots: ClassVar[int] = 16
    gives_gpus: ClassVar[bool] = True

    def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """What is wrong with settings together."""
        encrypted = settings["address"].startswith(("tls", "wss"))
        if encrypted and not settings["tls_ca_file"]:
            return ["tls_ca_file is missing: nobody can be trusted without it."]
        return []

    def open(self, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Backend:
        """The cluster of a scheduler; see `BackendKind.open`."""
        from nbpipe.compute.dask.backend import DaskBackend  # brings distributed, which takes long to import

        words = ("tls_ca_file", "tls_client_cert", "tls_client_key", "require_encryption")
        tls = {word: settings[word] for word in words if settings.get(word) is not None}
        memory, direct = settings.get("memory_resource"), settings.get("direct")
        return DaskBackend(name, settings["address"], tls, memory=memory, direct=direct)


KIND = DaskKind()
