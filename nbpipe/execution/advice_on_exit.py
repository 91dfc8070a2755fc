"""Advice where the way a process ended says why: memory, signals, a command line its parser refuses."""

from __future__ import annotations

import re
import signal

from nbpipe.execution.failure import Advice, Failure, Raised, crash_line, plain

_CRASHES = {"SIGSEGV": "a segmentation fault", "SIGBUS": "a bus error", "SIGABRT": "an abort", "SIGFPE": "an arithmetic fault",
            "SIGILL": "an illegal instruction"}  # fmt: skip
_USAGE = 2
_REFUSED = re.compile(r"(?:\S.*?: error|Error): (.+)")


def lost(failure: Failure, raised: Raised | None) -> Advice | None:
    """A process of whose end nothing is known."""
    return Advice(f"{failure.step}: {failure.lost}") if failure.lost else None


def memory_limit(failure: Failure, raised: Raised | None) -> Advice | None:
    """A step that used more memory than it was given."""
    if not failure.out_of_memory:
        return None
    if failure.memory_limit is None:
        return Advice(f"{failure.step} was ended: it used more memory than it may.")
    limit = failure.memory_limit
    fact = f"{failure.step} was ended: it used more than its {_size(limit)} of memory."
    return Advice(
        fact, None, f"Give it more:  --memory {_size(2 * limit).replace(' ', '').removesuffix('iB')}"
    )


def _size(count: int) -> str:
    """Bytes as ``2 GiB``, ``1.5 GiB``, ``300 MiB``."""
    unit, name = next(
        ((2**n, name) for n, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")) if count >= 2**n), (1, "B")
    )
    return f"{count / unit:.4g} {name}"


def killed(failure: Failure, raised: Raised | None) -> Advice | None:
    """A step that somebody else than nbpipe killed."""
    if _signal_name(failure) != "SIGKILL":
        return None
    if failure.oom_kills:
        fact = f"{failure.step} was killed by the system, which had run out of memory."
        return Advice(fact, None, "Run fewer steps at once:  --jobs 1")
    fact = f"{failure.step} was killed (SIGKILL), not by nbpipe."
    return Advice(fact, None, "If the machine had run out of memory, run fewer steps at once:  --jobs 1")


def crashed(failure: Failure, raised: Raised | None) -> Advice | None:
    """A crash in native code."""
    name = _signal_name(failure)
    if name not in _CRASHES:
        return None
    line = crash_line(failure.stderr, failure.script)
    if line is not None:
        return Advice(
            f"{failure.step}, line {line}: crashed in native code: {_CRASHES[name]} ({name}).", line
        )
    fact = f"{failure.step} crashed in native code: {_CRASHES[name]} ({name})."
    return Advice(
        fact, None, "To see at which line, begin the script with:  import faulthandler; faulthandler.enable()"
    )


def ended_by_signal(failure: Failure, raised: Raised | None) -> Advice | None:
    """Any other signal."""
    name = _signal_name(failure)
    return Advice(f"{failure.step} was ended by {name}, not by nbpipe.") if name else None


def _signal_name(failure: Failure) -> str:
    if failure.signal is None:
        return ""
    try:
        return signal.Signals(failure.signal).name
    except ValueError:
        return f"signal {failure.signal}"


def refused_arguments(failure: Failure, raised: Raised | None) -> Advice | None:
    """A command line that the script's own parser (argparse, click) does not take."""
    said = [line for line in plain(failure.stderr).splitlines() if line.strip()]
    refused = _REFUSED.fullmatch(said[-1].strip()) if said else None
    if failure.exit_code != _USAGE or refused is None or not any(_is_usage(line) for line in said[:-1]):
        return None
    fact = f"{failure.step}: its arguments are refused: {refused[1]}"
    unknown = re.match(r"unrecognized arguments: (-\S+)|[Nn]o such option:? '?(-[\w-]+)", refused[1])
    required = re.match(
        r"the following arguments are required: (\S+?)(?:/\S+)?(?:,.*)?$|Missing option '(-\S+?)'", refused[1]
    )
    line = "Its line reads" if failure.is_cell else "Its arguments are"
    words = " ".join([failure.script, *failure.words]) if failure.is_cell else " ".join(failure.words)
    if unknown:
        option = unknown[1] or unknown[2]
        return Advice(fact, None, f"{line}:  {words}\nTake {option} away, or let {failure.script} know it.")
    if required:
        option = required[1] or required[2]
        return Advice(fact, None, f"{line}:  {words}\nAdd  {option}")
    return Advice(fact, None, f"{line}:  {words}")


def _is_usage(line: str) -> bool:
    return line.lower().startswith("usage:")


def gpu_memory(failure: Failure, raised: Raised | None) -> Advice | None:
    """A GPU without room for what the script wants on it."""
    if raised is None or not raised.message.startswith("CUDA out of memory"):
        return None
    room = re.search(r"Tried to allocate ([\d.]+ [KMG]iB)", raised.message)
    wanted = f", {room[1]} wanted" if room else ""
    fact = f"{raised.where(failure)}: the GPU is out of memory{wanted}."
    return Advice(
        fact, raised.script_line, "Smaller batches need less. To keep other steps off the GPU:  --gpus 1"
    )
