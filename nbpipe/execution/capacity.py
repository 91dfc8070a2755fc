"""What this machine has to share among steps: processors and GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path


def default_jobs() -> int:
    """Steps at once where nobody says a number: one a core, four at most."""
    return min(os.cpu_count() or 1, 4)


def count_gpus() -> int:
    """GPUs that this machine's driver shows, or that CUDA_VISIBLE_DEVICES names."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return len(_visible(os.environ))
    return len([path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit()])


def gpu_names(numbers: Iterable[int], environ: Mapping[str, str]) -> str:
    """What a step's CUDA_VISIBLE_DEVICES names: of the GPUs that the submitter may see, those it holds.

    Example:
        >>> gpu_names([0, 1], {"CUDA_VISIBLE_DEVICES": "2,3"}), gpu_names([1], {})
        ('2,3', '1')
    """
    visible = dict(enumerate(_visible(environ)))
    return ",".join(visible.get(number, str(number)) for number in numbers)


def _visible(environ: Mapping[str, str]) -> list[str]:
    """Devices that CUDA_VISIBLE_DEVICES names; CUDA looks no further than the first that is none."""
    devices = [device.strip() for device in environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return list(takewhile(lambda device: device not in ("", "-1"), devices))
