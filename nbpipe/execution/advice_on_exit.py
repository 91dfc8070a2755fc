"""Advice where the way a process ended says why: memory, signals, a command line its parser refuses."""

from __future__ import annotations

import re
import signal

from nbpipe.execution.failure import Advice, Failure, crash_line, plain

_CRASHES = {
    "SIGSEGV": "a segmentation fault",
    "SIGBUS": "a bus error",
    "SIGABRT": "an abort",
    "SIGFPE": "an arithmetic fault",
    "SIGILL": "an illegal instruction",
}
_USAGE = 2  # what argparse and click exit with
_REFUSED = re.compile(r"(?:\S.*?: error|Error): (.+)")
_UNKNOWN = re.compile(r"(?:unrecognized arguments:|[Nn]o such option:?) '?([^\s']+)")
_REQUIRED = re.compile(r"(?:the following arguments are required:|Missing option) '?([^\s',/]+)")


def lost(failure: Failure) -> Advice | None:
    """A process of whose end nothing is known."""
    return Advice(f"{failure.step}: {failure.lost}") if failure.lost else None


def memory_limit(failure: Failure) -> Advice | None:
    """A step that used more memory than it was given."""
    if not failure.out_of_memory:
        return None
    if failure.memory_limit is None:
        return Advice(f"{failure.step} was ended: it used more memory than it may.")
    more = _size(2 * failure.memory_limit).replace(" ", "").removesuffix("iB")
    fact = f"{failure.step} was ended: it used more than its {_size(failure.memory_limit)} of memory."
    return Advice(fact, None, f"Give it more:  --memory {more}")


def _size(count: int) -> str:
    """Bytes as ``2 GiB``, ``1.5 GiB``, ``300 MiB``."""
    power, name = next(
        (each for each in ((30, "GiB"), (20, "MiB"), (10, "KiB")) if count >> each[0]), (0, "B")
    )
    return f"{count / 2**power:.4g} {name}"


def killed(failure: Failure) -> Advice | None:
    """A step that somebody else than nbpipe killed."""
    if _signal_name(failure) != "SIGKILL":
        return None
    if failure.oom_kills:
        fact = f"{failure.step} was killed by the system, which had run out of memory."
        return Advice(fact, None, "Run fewer steps at once:  --jobs 1")
    fact = f"{failure.step} was killed (SIGKILL), not by nbpipe."
    return Advice(fact, None, "If the machine had run out of memory, run fewer steps at once:  --jobs 1")


def crashed(failure: Failure) -> Advice | None:
    """A crash in native code."""
    name = _signal_name(failure)
    if name not in _CRASHES:
        return None
    fact = f"crashed in native code: {_CRASHES[name]} ({name})."
    line = crash_line(failure.stderr, failure.script)
    if line is not None:
        return Advice(f"{failure.step}, line {line}: {fact}", line)
    remedy = "To see at which line, begin the script with:  import faulthandler; faulthandler.enable()"
    return Advice(f"{failure.step} {fact}", None, remedy)


def ended_by_signal(failure: Failure) -> Advice | None:
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


def refused_arguments(failure: Failure) -> Advice | None:
    """A command line that the script's own parser (argparse, click) does not take."""
    said = [line for line in plain(failure.stderr).splitlines() if line.strip()]
    refused = _REFUSED.fullmatch(said[-1].strip()) if said else None
    if (
        failure.exit_code != _USAGE
        or refused is None
        or not any(line.lower().startswith("usage:") for line in said)
    ):
        return None
    words = " ".join((failure.script, *failure.words))
    remedy = f"It was started as:  {words}"
    if unknown := _UNKNOWN.match(refused[1]):
        remedy += f"\nTake {unknown[1]} away, or let {failure.script} know it."
    elif required := _REQUIRED.match(refused[1]):
        remedy += f"\nAdd {required[1]}."
    return Advice(f"{failure.step}: its arguments are refused: {refused[1]}", None, remedy)


def gpu_memory(failure: Failure) -> Advice | None:
    """A GPU without room for what the script wants on it."""
    said = failure.said("OutOfMemoryError", "RuntimeError") or ""
    if not said.startswith("CUDA out of memory"):
        return None
    room = re.search(r"Tried to allocate ([\d.]+ [KMG]iB)", said)
    fact = f"the GPU is out of memory{f', {room[1]} wanted' if room else ''}."
    return failure.advice(fact, "Smaller batches need less. To keep other steps off the GPU:  --gpus 1")
