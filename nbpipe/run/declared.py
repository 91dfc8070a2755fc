"""What ``submit`` gives while a notebook or script is only read for the pipeline it declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class DeclaredRun:
    """Stands for a run that was not started: whatever is asked of it answers quietly.

    Code after a ``submit`` may ask anything of its run (wait for it, list its steps, read an output); none of that must
    fail, print or start something while only the declaration is wanted.

    Args:
        pipeline_name: name of the pipeline that was declared.
    """

    id = ""
    status = "NotStarted"

    def __init__(self, pipeline_name: str = "") -> None:
        self.pipeline_name = pipeline_name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return DeclaredRun(self.pipeline_name)

    def __call__(self, *args: Any, **options: Any) -> DeclaredRun:
        """What any other method answers."""
        return DeclaredRun(self.pipeline_name)

    def __getitem__(self, key: Any) -> DeclaredRun:
        return DeclaredRun(self.pipeline_name)

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def get_status(self) -> str:
        """``NotStarted``."""
        return self.status

    def wait_for_completion(self, *args: Any, **options: Any) -> str:
        """Return at once."""
        return self.status

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": ""}

    def __repr__(self) -> str:
        return ""
