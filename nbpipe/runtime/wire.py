"""What a backend and a guard say: a request before the step, letters during it, a report after it."""

from __future__ import annotations

READY = b"R"  # from a zygote: it can fork
TERMINATE = b"T"  # to a guard: SIGTERM to every process of the step
KILL = b"K"  # to a guard: SIGKILL to every process of the step

HEAD = 8  # bytes of the length in front of a request


class Request:
    """What a step's process is to become.

    Everything is bytes, as the system has it, so that a name in any encoding survives interpreters that
    decode differently.

    Attributes:
        script: path of the script, relative to `cwd` or absolute.
        argv: its arguments, without the script.
        cwd: the folder it starts in.
        env: its whole environment.
        memory: bytes its process tree may have resident, 0 for no limit.
    """

    __slots__ = ("argv", "cwd", "env", "memory", "script")

    def __init__(
        self, script: bytes, argv: list[bytes], cwd: bytes, env: dict[bytes, bytes], memory: int = 0
    ) -> None:
        self.script = script
        self.argv = argv
        self.cwd = cwd
        self.env = env
        self.memory = memory

    def to_bytes(self) -> bytes:
        """The request as it crosses a stream: its length, then its fields between NUL bytes, which none can
        hold.

        Raises:
            ValueError: a field holds a NUL byte.

        Example:
            >>> request = Request(b"train.py", [b"--lr", b"0.1"], b"/", {b"LANG": b"C"})
            >>> Request.from_bytes(request.to_bytes()[HEAD:]).argv
            [b'--lr', b'0.1']
        """
        variables = [name + b"=" + value for name, value in self.env.items()]
        fields = [
            self.script,
            self.cwd,
            b"%d" % self.memory,
            b"%d" % len(self.argv),
            *self.argv,
            *variables,
        ]
        body = b"\0".join(fields)
        if body.count(b"\0") != len(fields) - 1:
            raise ValueError("embedded null byte")
        return len(body).to_bytes(HEAD, "big") + body

    @classmethod
    def from_bytes(cls, body: bytes) -> Request:
        """The request whose fields are `body` (without the length in front)."""
        script, cwd, memory, count, *rest = body.split(b"\0")
        argv, variables = rest[: int(count)], rest[int(count) :]
        env = {name: value for name, _, value in (variable.partition(b"=") for variable in variables)}
        return cls(script, argv, cwd, env, int(memory))


class Report:
    """How a step's process ended.

    Attributes:
        status: its exit code, or the negative number of the signal that ended it.
        wall: seconds from its start until it ended.
        user, system: seconds of CPU of all its processes that were waited for.
        peak: bytes resident at most, of its largest process or, where that was seen, of all together.
        ending: what else is known: "" (nothing), "memory" (ended at its limit) or "lost" (its guard was
            killed, so that none of the figures is known).
    """

    __slots__ = ("ending", "peak", "status", "system", "user", "wall")

    def __init__(
        self, status: int, wall: float, user: float, system: float, peak: int, ending: str = ""
    ) -> None:
        self.status = status
        self.wall = wall
        self.user = user
        self.system = system
        self.peak = peak
        self.ending = ending

    def to_bytes(self) -> bytes:
        r"""The report as one line.

        Example:
            >>> Report(-9, 1.5, 0.25, 0.125, 4096, "memory").to_bytes()
            b'-9 1.500000 0.250000 0.125000 4096 memory\n'
        """
        figures = f"{self.status} {self.wall:.6f} {self.user:.6f} {self.system:.6f} {self.peak}"
        return f"{figures} {self.ending}\n".encode("ascii")

    @classmethod
    def from_bytes(cls, line: bytes) -> Report | None:
        """The report in `line`; None when the line is not whole."""
        if not line.endswith(b"\n"):
            return None
        status, wall, user, system, peak, ending = line.decode("ascii").rstrip("\n").split(" ")
        return cls(int(status), float(wall), float(user), float(system), int(peak), ending)


LOST = Report(0, 0.0, 0.0, 0.0, 0, "lost")
