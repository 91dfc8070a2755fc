"""The settings of a workspace: what ``nbpipe.toml`` says."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from nbpipe.errors import UsageError

SETTINGS_FILE = "nbpipe.toml"
"""Settings of a workspace: ``[reuse] code = "syntax" | "bytes"``, ``[run] jobs = N, gpus = N, log_limit = BYTES``."""


@dataclass(frozen=True)
class Settings:
    """What ``nbpipe.toml`` says.

    Attributes:
        code_by_bytes: ``reuse.code = "bytes"``: comments and formatting count too.
        jobs: steps at once; None for one a core, four at most.
        gpus: GPUs that steps may hold; None for those the driver shows.
        log_limit: bytes of log kept a step.
    """

    code_by_bytes: bool = False
    jobs: int | None = None
    gpus: int | None = None
    log_limit: int = 2**30

    @staticmethod
    def read(path: Path) -> Settings:
        """The settings of a file; the defaults where there is none.

        Raises:
            UsageError: it is no TOML, or has a setting or value nobody knows.
        """
        if not path.is_file():
            return Settings()
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path.name} cannot be read: {error}") from None
        known = {"reuse": {"code"}, "run": {"jobs", "gpus", "log_limit"}}
        for section, values in data.items():
            unknown = [f"{section}.{name}" for name in values if name not in known.get(section, set())]
            if section not in known or unknown:
                listed = ", ".join(
                    f"{part}.{name}" for part, names in known.items() for name in sorted(names)
                )
                raise UsageError(
                    f"{path.name} sets {', '.join(unknown) or section}.", remedy=f"Settings: {listed}"
                )
        code = data.get("reuse", {}).get("code", "syntax")
        if code not in ("syntax", "bytes"):
            raise UsageError(f"{path.name} sets reuse.code to {code!r}.", remedy='It is "syntax" or "bytes".')
        return Settings(code_by_bytes=code == "bytes", **data.get("run", {}))
