"""A keeper writes down all that comes of its step, and leaves nothing alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nbpipe import runtime
from nbpipe.runtime import keeper
from nbpipe.runtime.wire import Report, Request
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="guards are Linux's")
ENTRY = str(Path(runtime.__file__).with_name("__main__.py"))


class Kept:
    """A script under a keeper, in a folder."""

    def __init__(self, folder: Path, source: str, *argv: str, launcher: tuple[str, ...] = ()) -> None:
        self.folder = folder
        (folder / "script.py").write_text(textwrap.dedent(source))
        request = Request(b"script.py", [os.fsencode(word) for word in argv], os.fsencode(folder), {})
        (folder / "request").write_bytes(request.to_bytes())
        self.process = subprocess.Popen(
            [sys.executable, ENTRY, "--keep", str(folder), *launcher],
            env={**os.environ, "TOKEN": "s3cr3t"}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def report(self) -> Report | None:
        path = self.folder / "report"
        return Report.from_bytes(path.read_bytes()) if path.exists() else None

    def printed(self, name: str = "stdout") -> bytes:
        pieces = self.folder.glob(f"{name}.*")
        return b"".join(path.read_bytes() for path in sorted(pieces, key=lambda path: int(path.suffix[1:])))

    def end(self) -> Report:
        assert self.process.wait(60) == 0
        assert self.report is not None
        return self.report


def test_output_and_exit_are_written_down(tmp_path: Path) -> None:
    kept = Kept(
        tmp_path,
        "import os, sys; print(sys.argv[1], os.environ['TOKEN'] == 's3cr3t'); sys.stderr.write('e'); sys.exit(4)",
        "ü",
    )
    assert kept.end().status == 4
    assert (kept.printed(), kept.printed("stderr")) == ("ü True\n".encode(), b"e")
    written = [path for path in tmp_path.iterdir() if path.name != "script.py"]
    assert not any(b"s3cr3t" in path.read_bytes() for path in written)
    assert {path.stat().st_mode & 0o077 for path in written if path.name != "request"} == {0}


def test_a_long_log_is_written_in_pieces_and_whole(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "for number in range(400_000): print(f'{number:059d}')")
    assert kept.end().status == 0
    assert len(list(tmp_path.glob("stdout.*"))) == 24_000_000 // keeper.PIECE + 1
    assert kept.printed() == b"".join(b"%059d\n" % number for number in range(400_000))


def test_a_launcher_starts_the_script(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "import sys; print(sys.argv[1:])", "a b", launcher=("env", "X=1"))
    assert kept.end().status == 0
    assert kept.printed() == b"['a b']\n"


@pytest.mark.parametrize(("number", "status"), [(keeper.SOFT, -15), (signal.SIGTERM, -15), (keeper.HARD, -9)])
def test_a_signal_ends_the_tree_and_is_reported(tmp_path: Path, number: int, status: int) -> None:
    kept = Kept(
        tmp_path,
        """
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)"])
        print(child.pid, flush=True)
        time.sleep(600)
        """,
    )
    child = int(eventually(lambda: kept.printed().endswith(b"\n") and kept.printed()))
    kept.process.send_signal(number)
    assert kept.end().status == status
    assert not Path(f"/proc/{child}").exists()


def test_a_keeper_that_is_killed_leaves_no_step(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    step = int(eventually(lambda: kept.printed().endswith(b"\n") and kept.printed()))
    kept.process.kill()
    kept.process.wait()
    eventually(lambda: not Path(f"/proc/{step}").exists())
    assert kept.report is None


def test_a_script_that_kills_its_guard_is_lost_and_ended(tmp_path: Path) -> None:
    kept = Kept(
        tmp_path, "import os, time; print(os.getpid(), flush=True); os.kill(os.getppid(), 9); time.sleep(600)"
    )
    assert kept.end().ending == "lost"
    assert not Path(f"/proc/{int(kept.printed())}").exists()
