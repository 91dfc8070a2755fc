"""What this machine has to share among steps: processors and GPUs."""

from __future__ import annotations

import os
from pathlib import Path


def default_jobs() -> int:
    """Steps at once where nobody says a number: one a core, four at most."""
    return min(os.cpu_count() or 1, 4)


def count_gpus() -> int:
    """GPUs that this machine's driver shows, or that CUDA_VISIBLE_DEVICES names."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    return len([path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit()])
