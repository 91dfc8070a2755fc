"""What a SLURM target can be told, and how its backend is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nbpipe.compute.base import Backend
from nbpipe.compute.registered import BackendKind, Setting
from nbpipe.compute.slurm.backend import SlurmBackend


def _wrong_partition(value: str) -> str | None:
    plain = value.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return None if plain and not value.startswith("-") else f"is the name of a partition, not {value!r:.80}"


def _wrong_options(value: list[Any]) -> str | None:
    wrong = [word for word in value if not isinstance(word, str) or not word.startswith("--") or "\0" in word]
    return f"are whole words of sbatch, such as --time=2:00:00, not {wrong[0]!r:.80}" if wrong else None


def _wrong_launcher(value: list[Any]) -> str | None:
    right = all(isinstance(word, str) and word and "\0" not in word for word in value)
    return (
        None if right and value else f"are the words of a program, such as srun --ntasks=4, not {value!r:.80}"
    )


class SlurmKind(BackendKind):
    """Targets of type ``slurm``; the queue gives out machines, so many steps may wait in it at once."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "partition": Setting(str, "where jobs go; nothing for the cluster's default", wrong=_wrong_partition),
        "options": Setting(list, "more words for sbatch", wrong=_wrong_options),
        "launcher": Setting(list, "what starts a step on several machines", wrong=_wrong_launcher),
    }
    slots: ClassVar[int] = 64
    shares_files: ClassVar[bool] = True
    takes_nodes: ClassVar[bool] = True
    gives_gpus: ClassVar[bool] = True

    def open(self, name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Backend:
        """The queue of the cluster that SLURM's programs find; see `BackendKind.open`."""
        options, launcher = tuple(settings["options"] or ()), tuple(settings["launcher"] or ())
        partition = settings["partition"] or ""
        return SlurmBackend(name, partition=partition, options=options, launcher=launcher, environ=environ)


KIND = SlurmKind()
