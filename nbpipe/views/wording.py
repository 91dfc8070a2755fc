"""The sentences of nbpipe: durations, sizes, reasons and summaries, in one voice for every view."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable, Mapping

from nbpipe.core.events import (
    Event,
    StepBlocked,
    StepCancelled,
    StepEvent,
    StepFailed,
    StepFinished,
    StepMoved,
    StepNoted,
    StepQueued,
    StepReused,
    StepStarted,
)
from nbpipe.core.reason import Reason
from nbpipe.views.text import visible

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def duration(seconds: float) -> str:
    """A length of time as people say it.

    Example:
        >>> duration(8.13), duration(12.4), duration(192), duration(7500), duration(0.01)
        ('8.1 s', '12 s', '3 m 12 s', '2 h 5 m', '<0.1 s')
    """
    if seconds < 0.05:
        return "<0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def size(count: int) -> str:
    """A number of bytes as people say it, in powers of 1,000.

    Example:
        >>> size(812), size(17_021), size(1_440_000)
        ('812 B', '17 KB', '1.4 MB')
    """
    if count < 1000:
        return f"{count} B"
    amount, unit = float(count), "B"
    for unit in ("KB", "MB", "GB", "TB"):  # noqa: B007 - the unit at which the loop stops is the answer
        amount /= 1000
        if amount < 999.5:
            break
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def when(then: float, now: float) -> str:
    """A time as seen from now, in the local time zone; for live views only.

    Args:
        then, now: seconds since the epoch.

    Returns:
        ``today 09:12``, ``yesterday 18:40``, ``3 May`` or ``3 May 2024``.
    """
    was, today, day_before = (time.localtime(each) for each in (then, now, now - 86400))
    clock = f"{was.tm_hour:02}:{was.tm_min:02}"
    if was[:3] == today[:3]:
        return f"today {clock}"
    if was[:3] == day_before[:3]:
        return f"yesterday {clock}"
    date = f"{was.tm_mday} {MONTHS[was.tm_mon - 1]}"
    return date if was.tm_year == today.tm_year else f"{date} {was.tm_year}"


def why_line(reasons: Iterable[Reason]) -> str:
    """The first reason in one line, its root cause behind an arrow, and how many more there are.

    Example:
        >>> why_line([Reason("upstream", text="train changed", root="split.py line 9"), Reason("code")])
        'train changed ← split.py line 9 +1'
    """
    told = [str(reason) for reason in reasons]
    if not told:
        return ""
    return f"{told[0]} +{len(told) - 1}" if len(told) > 1 else told[0]


def sentence(reason: Reason) -> str:
    """A reason as a sentence, for the long form of "why".

    Example:
        >>> sentence(Reason("failed", "12", "failed"))
        'It failed in run 12; only a finished result is reused.'
    """
    match reason.kind:
        case "never_run":
            return "It has never run."
        case "failed":
            return f"It {reason.before or 'failed'} in run {reason.name}; only a finished result is reused."
        case "forced":
            return "It is forced to run."
        case "reuse_off":
            return "Reuse is switched off for it (--no-reuse, or allow_reuse=False)."
        case "scheme":
            return (
                "This version of nbpipe counts ingredients otherwise than the one that made the last result."
            )
    told = reason.text if reason.text.endswith(".") else f"{reason.text}."
    return f"{told} The cause lies upstream: {reason.root}." if reason.root else told


def share(done: int, total: int) -> str:
    """How much of some bytes, with the unit once.

    Example:
        >>> share(12_000_000, 40_000_000), share(900, 40_000_000)
        ('12 of 40 MB', '900 B of 40 MB')
    """
    part, whole = size(done), size(total)
    return f"{part.partition(' ')[0] if part.split()[-1] == whole.split()[-1] else part} of {whole}"


def journey(event: StepMoved) -> str:
    """Where a step stands on its way to another machine and back.

    Example:
        >>> journey(
        ...     StepMoved(0.0, "train", "sending", "gpu-box", done=12_000_000, total=40_000_000, rate=9e6)
        ... )
        'sending 12 of 40 MB, 3.1 s left'
        >>> journey(StepMoved(0.0, "train", "queued", why="Resources"))
        'waits: Resources'
    """
    match event.phase:
        case "connecting":
            return f"connects to {event.where}" if event.where else "connects"
        case "queued":
            return f"waits: {event.why}" if event.why else "waits for a machine"
        case "sending" | "fetching":
            told = f"{event.phase} {share(event.done, event.total)}" if event.total else event.phase
            left = (event.total - event.done) / event.rate if event.rate > 0 else 0.0
            return f"{told}, {duration(left)} left" if left > 0 else told
        case "preparing":
            return event.why or "its folder is made"
        case "away":
            why = f" ({event.why})" if event.why else ""
            return f"connection lost; it goes on there{why}"
    return f"on {event.where}" if event.where else ""


def why_of(event: StepEvent) -> str:
    """What an event says about its step, in one line; empty for one that says nothing of why."""
    why = ""
    match event:
        case StepReused():
            why = _reused(event)
        case StepStarted():
            reasons = Reason.all_from_json(event.reasons)
            why = "first run" if reasons and reasons[0].kind == "never_run" else why_line(reasons)
        case StepQueued():
            why = f"waits for {event.waits_for}"
        case StepMoved():
            why = journey(event)
        case StepFailed():
            # A view shows name and line already.
            why = re.sub(rf"^{re.escape(_name(event))}(, line \d+)?: ", "", event.message)
        case StepCancelled():
            why = "stopped by you" if event.by == "you" else event.by
        case StepBlocked():
            why = f"waits for {event.because}"
    return why


def _name(event: StepEvent) -> str:
    """The step's name: its node without the number that tells apart two of one name."""
    return re.sub(r"#\d+$", "", event.node)


def _reused(event: StepReused) -> str:
    if event.accepted:
        return f"accepted from run {event.from_run}"
    origin = f"from run {event.from_run}" if event.from_run else f"shared in {event.shared_from}"
    return f"{origin} ({event.note})" if event.note else origin


def event_line(event: Event) -> str:
    """One line about an event, for a log that nobody watches live; empty where it is not worth one.

    Example:
        >>> event_line(StepFinished(0.0, "train", 1, {}, wall=8.1, cpu=7.9, peak_bytes=0))
        'v train: done in 8.1 s'
    """
    told = _told(event) if isinstance(event, StepEvent) else None
    return visible(f"{told[0]} {event.node}: {told[1]}") if told and isinstance(event, StepEvent) else ""


def _told(event: StepEvent) -> tuple[str, str] | None:
    """Glyph and words of an event."""
    why = why_of(event)
    told: tuple[str, str] | None = None
    match event:
        case StepStarted():
            again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            told = "*", f"running{again}{f': {why}' if why else ''}"
        case StepReused():
            told = "=", f"reused {why}, {duration(event.seconds)} saved"
        case StepQueued():
            told = ":", why
        case StepMoved() if event.phase != "running" and not event.done:  # how far it is by now is no news
            told = ":", why
        case StepFinished():
            told = "v", f"done in {duration(event.wall)}"
        case StepFailed():
            after = f" after {duration(event.wall)}" if event.wall else ""
            line = f" at line {event.line}" if event.line is not None else ""
            told = "x", f"failed{line}{after}: {why}{'; tries again' if event.will_retry else ''}"
        case StepCancelled():
            told = "o", f"cancelled: {why}"
        case StepBlocked():
            told = "-", f"blocked: {why}"
        case StepNoted():
            told = "!", event.text
    return told


def listed(counts: Mapping[str, int]) -> str:
    """How many of each, in words: ``3 will run, 2 reused``; ``will reuse`` and ``done`` as a sum says them.

    Example:
        >>> listed({"new": 1, "will run": 2, "will reuse": 2})
        '3 will run, 2 reused'
    """
    sums: dict[str, int] = {}
    for word, count in counts.items():
        said = {"new": "will run", "will reuse": "reused", "done": "ran", "maybe": "may run"}.get(word, word)
        sums[said] = sums.get(said, 0) + count
    return ", ".join(f"{count} {said}" for said, count in sums.items())


def nothing_to_do(count: int, saved: float) -> str:
    """What a plan or a run says that reuses all of its steps."""
    return f"Nothing to do: {count} of {count} reused, {duration(saved)} saved."


def how_to_force(step: str, command: str = "%pipeline_run") -> str:
    """How a step runs all the same, ready to paste.

    Args:
        step: its name.
        command: what starts a run, in the notebook or the terminal.
    """
    return f"To run one all the same:  {command} --force {shlex.quote(step)}"
