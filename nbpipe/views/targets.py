"""How compute targets look: one line each, ready or not, with the remedy where one is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from nbpipe.core.compute import ComputeTarget, TargetStatus
from nbpipe.views.text import cell_len, pad_cells, visible
from nbpipe.views.wording import size

_AT_ONCE = 16  # targets that are looked at at the same time


def look_at(targets: Iterable[ComputeTarget]) -> list[tuple[ComputeTarget, TargetStatus]]:
    """Every target with what came of a look at it; all are looked at at once, since each may take seconds.

    Example:
        >>> look_at([])
        []
    """
    chosen = list(targets)
    with ThreadPoolExecutor(_AT_ONCE, "nbpipe-target") as threads:
        return list(zip(chosen, threads.map(lambda each: each.get_status(), chosen), strict=True))


def target_lines(seen: Iterable[tuple[ComputeTarget, TargetStatus]]) -> list[str]:
    """What stands in a terminal or below a cell.

    Example:
        >>> box = ComputeTarget(None, "gpu-box", "ssh")
        >>> target_lines([(box, TargetStatus(True, "ada", "3.11.7", 16, 2, 64 * 10**9, slots=2))])
        ['v gpu-box  ssh  ready · ada · 16 cores, 2 GPUs, 64 GB · Python 3.11.7 · 2 slots']
        >>> away = TargetStatus(False, problem="gpu-box does not answer.", remedy="Is it switched on?")
        >>> target_lines([(box, away)])
        ['x gpu-box  ssh  gpu-box does not answer.', '    Is it switched on?']
    """
    rows = list(seen)
    named = max((cell_len(visible(target.name)) for target, _ in rows), default=0)
    typed = max((cell_len(visible(target.type)) for target, _ in rows), default=0)
    lines = []
    for target, status in rows:
        name, kind = pad_cells(visible(target.name), named), pad_cells(visible(target.type), typed)
        told = " · ".join(_parts(status)) if status.ready else visible(status.problem)
        lines.append(f"{'v' if status.ready else 'x'} {name}  {kind}  {told}")
        if not status.ready:
            lines += [f"    {visible(line)}" for line in status.remedy.splitlines()]
    return lines


def _parts(status: TargetStatus) -> Iterator[str]:
    yield "ready"
    if status.machine:
        yield visible(status.machine)
    has = [_count(status.cpus, "core")] if status.cpus else []
    has += [_count(status.gpus, "GPU")] if status.gpus else []
    has += [size(status.memory)] if status.memory else []
    has += [f"{size(status.disk)} free"] if status.disk is not None else []
    if has:
        yield ", ".join(has)
    if status.python:
        yield f"Python {visible(status.python)}"
    yield _count(status.slots, "slot")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
