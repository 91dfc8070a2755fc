"""The settings of a workspace: what ``nbpipe.toml`` says, and Azure ML v1's ``config.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError

SETTINGS_FILE = "nbpipe.toml"
"""Settings of a workspace: ``[reuse] code = "syntax" | "bytes"``, ``[run] jobs = N, gpus = N, log_limit = BYTES``,
``[store] shared = "NAME or URL"``."""

CONFIG_KEYS = ("subscription_id", "resource_group", "workspace_name")
"""Keys of Azure ML v1's ``config.json``."""

_KNOWN = {"reuse": {"code"}, "run": {"jobs", "gpus", "log_limit"}, "store": {"shared"}}
_BOUNDS = {"jobs": (1, 10_000), "gpus": (0, 10_000), "log_limit": (4096, 2**50)}
"""The least and the most that each number may be; a log's head and tail need some room."""


@dataclass(frozen=True)
class Settings:
    """What ``nbpipe.toml`` says.

    Attributes:
        code_by_bytes: ``reuse.code = "bytes"``: comments and formatting count too.
        jobs: steps at once; None for one a core, four at most.
        gpus: GPUs that steps may hold; None for those the driver shows.
        log_limit: bytes of log kept a step.
        shared: name of a datastore, or path or URL of a folder, where results are shared; empty for nowhere.
    """

    code_by_bytes: bool = False
    jobs: int | None = None
    gpus: int | None = None
    log_limit: int = 2**30
    shared: str = ""

    @staticmethod
    def read(path: Path) -> Settings:
        """The settings of a file; the defaults where there is none.

        Raises:
            UsageError: it is no TOML, or has a setting or value nobody knows.
        """
        if not path.is_file():
            return Settings()
        import tomllib

        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path.name} cannot be read: {error}") from None
        _check_names(path.name, data)
        code = data.get("reuse", {}).get("code", "syntax")
        if code not in ("syntax", "bytes"):
            raise UsageError(f"{path.name} sets reuse.code to {code!r}.", remedy='It is "syntax" or "bytes".')
        numbers = data.get("run", {})
        for name, value in numbers.items():
            least, most = _BOUNDS[name]
            if type(value) is not int or not least <= value <= most:
                fact = f"{path.name} sets run.{name} to {value!r}."
                raise UsageError(fact, remedy=f"It is a whole number from {least:,} to {most:,}.")
        shared = data.get("store", {}).get("shared", "")
        if not isinstance(shared, str):
            fact = f"{path.name} sets store.shared to {shared!r}."
            raise UsageError(fact, remedy="It is the name of a datastore, a path or a URL.")
        return Settings(code_by_bytes=code == "bytes", shared=shared, **numbers)


def _check_names(file: str, data: Mapping[str, Any]) -> None:
    for section, values in data.items():
        inside = values if isinstance(values, dict) and (values or section in _KNOWN) else {"": None}
        unknown = [f"{section}.{name}".rstrip(".") for name in inside if name not in _KNOWN.get(section, ())]
        if unknown:
            listed = ", ".join(f"{part}.{name}" for part, names in _KNOWN.items() for name in sorted(names))
            raise UsageError(f"{file} sets {', '.join(unknown)}.", remedy=f"Settings: {listed}")


def config_in(folder: Path) -> dict[str, str] | None:
    """A v1 config in a folder or its ``.azureml``, or None."""
    return read_config(folder / "config.json") or read_config(folder / ".azureml" / "config.json")


def read_config(path: Path) -> dict[str, str] | None:
    """A v1 config, or None where the file is none or has not the three keys."""
    with suppress(OSError, ValueError, RecursionError):
        data = json.loads(path.read_text("utf-8")) if path.is_file() else None
        if isinstance(data, dict) and all(isinstance(data.get(key), str) for key in CONFIG_KEYS):
            return data
    return None
