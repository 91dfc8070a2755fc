"""Steps that mean harm, or do it by mistake: the run tells, nothing of them is left, and the next run is right."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from nbpipe.core.events import StepNoted
from nbpipe.execution.logs import Position, StepLog
from nbpipe.loading.graph_file import save_graph
from nbpipe.run import PipelineRun
from nbpipe.store.digests import digest_file
from nbpipe.workspace import Workspace
from tests.hardening import locked_up
from tests.projects import Project, project, story, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner
__all__ = ["project"]

MEGABYTE = 2**20
Following = Callable[[str], "subprocess.Popen[bytes]"]
READ_ALL = """\
import os
import sys

found = []
for folder, folders, files in os.walk(os.fsencode(sys.argv[1])):
    found += [os.path.relpath(os.path.join(folder, name), os.fsencode(sys.argv[1])) for name in folders + files]
open(sys.argv[2], "wb").write(b"\\0".join(sorted(found)))
"""
"""Lists all that is in a folder."""


@pytest.fixture
def following(project: Project) -> Iterator[Following]:
    """Starts ``nbpipe logs -f STEP``, whose output nobody keeps."""
    started: list[subprocess.Popen[bytes]] = []

    def start(step: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "nbpipe.cli.main", "logs", "-f", step]
        started.append(subprocess.Popen(command, cwd=project.root, stdout=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def runner_of(run: PipelineRun) -> psutil.Process:
    """The runner of a live run."""
    started = eventually(lambda: run.state.started)
    return psutil.Process(started.pid)


def bytes_under(folder: Path) -> int:
    """Bytes on the disk of all that lies below a folder."""
    total = 0
    for inner, _, names in os.walk(folder):  # which bears that things go meanwhile
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(inner, name).lstat().st_blocks * 512
    return total


# Much.


def flood(project: Project, following: Following, size: int, limit: int) -> None:
    """Print `size` bytes at full speed; runner, reader and disk stay bounded, and everything can be asked meanwhile."""
    project.write("nbpipe.toml", f"[run]\nlog_limit = {limit}\n")
    script = f"""\
        import os
        line = b"x" * 99 + b"\\n"
        block = line * 10_000
        for _ in range({size} // len(block)):
            os.write(1, block)
        os.write(1, b"the end\\n")
        """
    run = project.submit(project.cell("loud", script))
    runner = runner_of(run)
    base = runner.memory_info().rss
    folder = run.folder.attempt(0, "loud", 1)
    follower = following("loud")
    reader = psutil.Process(follower.pid)
    peaks = {"runner": 0, "reader": 0, "disk": 0}
    log, position = StepLog(folder), Position()
    while run.live:
        with contextlib.suppress(psutil.Error):
            peaks["runner"] = max(peaks["runner"], runner.memory_info().rss - base)
            peaks["reader"] = max(peaks["reader"], reader.memory_info().rss)
        peaks["disk"] = max(peaks["disk"], bytes_under(folder))
        pieces, position = log.read(position, limit=MEGABYTE)
        assert sum(len(data) for _, data in pieces) <= MEGABYTE
        assert run.step("loud").status in ("waiting", "queued", "running", "done")
    assert follower.wait(60) == 0
    assert run.status == "Finished", run.runner_error()
    assert peaks["runner"] < 60 * MEGABYTE, peaks
    assert peaks["reader"] < 150 * MEGABYTE, peaks
    assert peaks["disk"] < 1.3 * limit + MEGABYTE, peaks
    told = log.tail("stdout", 100)
    assert told.endswith(b"the end\n")
    assert log.size() <= limit + 1000


def test_300_megabytes_of_log_at_full_speed_leave_memory_and_disk_bounded(project, following):
    flood(project, following, 300 * 10**6, 40 * 10**6)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_10_gigabytes_of_log_at_full_speed_leave_memory_and_disk_bounded(project, following):
    flood(project, following, 10**10, 2**30)


def test_a_step_that_never_stops_printing_can_be_stopped(project):
    project.write("nbpipe.toml", "[run]\nlog_limit = 1000000\n")
    run = project.submit(project.cell("loud", "import os\nwhile True: os.write(1, b'x' * 65536)"))
    eventually(lambda: run.step("loud").log.size() > 100_000)
    run.cancel()
    assert run.wait_for_completion(show_output=False, timeout_seconds=60, raise_on_error=False) == "Canceled"
    assert run.step("loud").log.size() < 1_001_000


def many_files(project: Project, count: int) -> None:
    """An output of `count` files is kept whole, read by the next step and reused."""
    script = f"""\
        import os, sys
        for number in range({count}):
            if number % 1000 == 0:
                folder = f"{{sys.argv[1]}}/{{number // 1000}}"
                os.mkdir(folder)
            with open(f"{{folder}}/{{number}}", "w") as file:
                file.write(str(number))
        """
    many = project.cell("many", script, "{>many/}")
    count_them = (
        "import os, sys\nopen(sys.argv[2], 'w').write(str(sum(len(f) for _, _, f in os.walk(sys.argv[1]))))"
    )
    counted = project.cell("counted", count_them, "{many} {>counted.txt}")
    for expected in ("done", "reused"):
        run = project.submit(many, counted)
        run.wait_for_completion(show_output=False, timeout_seconds=1000, raise_on_error=False)
        assert words(run) == {"many": expected, "counted": expected}, story(run)
    assert project.text(run, "counted", "counted") == str(count)
    objects = project.workspace.objects
    assert objects.manifest(run.step("many").get_output("many").digest).file_count == count


def test_20000_output_files_are_kept(project):
    many_files(project, 20_000)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_million_output_files_are_kept(project):
    many_files(project, 1_000_000)


def sparse(project: Project, size: int) -> None:
    """A file of holes is kept, copied for a step that downloads it, and takes no room anywhere."""
    make = project.cell(
        "make", f"import sys\nwith open(sys.argv[1], 'wb') as f:\n    f.truncate({size})", "{>big.bin}"
    )
    run = project.submit(make)
    run.wait_for_completion(show_output=False, timeout_seconds=600, raise_on_error=False)
    assert words(run) == {"make": "done"}, story(run)
    output = run.step("make").get_output("big")
    assert (output.size, output.path.stat().st_blocks) == (size, 0)
    target = project.root / "copy.bin"
    project.workspace.objects.materialize(output.digest, target)
    assert (target.stat().st_size, target.stat().st_blocks) == (size, 0)
    assert words(project.run(make)) == {"make": "reused"}


def test_a_sparse_file_of_a_gigabyte_takes_no_room(project):
    sparse(project, 10**9)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sparse_file_of_50_gigabytes_takes_no_room(project):
    sparse(project, 50 * 10**9)


def test_a_hole_counts_as_the_zeros_it_reads_as(tmp_path):
    holes, zeros = tmp_path / "holes", tmp_path / "zeros"
    with holes.open("wb") as file:
        file.seek(5 * MEGABYTE + 7)
        file.write(b"in the middle")
        file.truncate(11 * MEGABYTE + 1)
    zeros.write_bytes(holes.read_bytes())
    assert holes.stat().st_blocks < zeros.stat().st_blocks
    assert digest_file(holes) == digest_file(zeros)


# Odd.


NAMES = [
    b"new\nline", b"\xff\xfe not utf-8", b"-rf", b" ", b"..dots", b"...", b"\x1b[2Jclear", b"a" * 255, "é".encode(),
    "e\u0301".encode(), b"back\\slash", b"<script>", b"'; drop", b"NUL", b"~", b"*", b"\x01\x7f",
]  # fmt: skip


def test_names_of_any_bytes_are_kept_as_they_are(project):
    script = (
        f"import os, sys\nfolder = os.fsencode(sys.argv[1])\nfor name in {NAMES!r}:\n"
        "    open(os.path.join(folder, name), 'wb').write(name)"
    )
    make = project.cell("make", script, "{>odd/}")
    read = project.cell("read", READ_ALL, "{odd} {>names.bin}")
    for expected in ("done", "reused"):
        run = project.run(make, read)
        assert words(run) == {"make": expected, "read": expected}, story(run)
    seen = run.step("read").get_output("names").path.read_bytes().split(b"\0")
    assert sorted(seen) == sorted(NAMES)
    run._repr_mimebundle_()


SPECIAL: dict[str, tuple[str, str]] = {
    "pipe": ("os.mkfifo(path)", "is a pipe"),
    "socket": (
        "import socket; os.chdir(os.path.dirname(path)); socket.socket(socket.AF_UNIX).bind(os.path.basename(path))",
        "is a socket",
    ),
    "device": ("os.mknod(path, 0o20666, os.makedev(1, 5))", "is a device"),
}


def needs_device(what: str, folder: Path) -> None:
    """Skip where devices cannot be made: only root can."""
    if what == "device":
        try:
            os.mknod(folder / "device", 0o20600, os.makedev(1, 5))
        except PermissionError:
            pytest.skip("devices are made by root only")


@pytest.mark.parametrize("what", SPECIAL)
@pytest.mark.parametrize("line", ["{>out/}", "{>out}"])
def test_pipes_sockets_and_devices_are_no_output_and_nobody_waits_for_them(project, tmp_path, what, line):
    needs_device(what, tmp_path)
    make, message = SPECIAL[what]
    path = 'sys.argv[1] + "/inner"' if line == "{>out/}" else "sys.argv[1]"
    step = project.cell("odd", f"import os, sys\npath = {path}\n{make}", line)
    run = project.run(step)
    assert words(run) == {"odd": "failed"}
    assert message in story(run)[0][2] or "is not a file" in story(run)[0][2]
    assert not (run.folder.attempt(0, "odd", 1) / "work").exists()


def test_what_cannot_be_kept_in_outputs_fails_no_step_and_is_told(project):
    script = (
        "import os, sys\nos.mkfifo('outputs/pipe')\nopen('outputs/note.txt', 'w').write('x')\n"
        "open(sys.argv[1], 'w')"
    )
    run = project.run(project.cell("odd", script, "{>out.txt}"))
    assert words(run) == {"odd": "done"}
    assert run.step("odd").files is None
    notes = [event.text for event in run.events()[0] if isinstance(event, StepNoted)]
    assert len(notes) == 1
    assert notes[0].startswith("./outputs was not kept: outputs/pipe is a pipe")


LINKS = {
    "itself": "os.symlink('self', path + '/self')",
    "each other": "os.symlink('b', path + '/a'); os.symlink('a', path + '/b')",
    "up": "os.mkdir(path + '/d'); os.symlink('..', path + '/d/up')",
    "nowhere": "os.symlink('not there', path + '/lost')",
}


@pytest.mark.parametrize("kind", LINKS)
def test_links_that_lead_in_circles_stay_links_and_nobody_walks_in_circles(project, kind):
    make = project.cell("make", f"import os, sys\npath = sys.argv[1]\n{LINKS[kind]}", "{>links/}")
    read = project.cell("read", READ_ALL, "{links} {>names.bin}")
    for expected in ("done", "reused"):
        run = project.run(make, read)
        assert words(run) == {"make": expected, "read": expected}, story(run)


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "../../../../../../etc/passwd"])
def test_links_out_of_an_output_are_refused(project, target):
    make = project.cell("make", f"import os, sys\nos.symlink({target!r}, sys.argv[1] + '/out')", "{>links/}")
    whole = project.cell("whole", f"import os, sys\nos.symlink({target!r}, sys.argv[1])", "{>link}")
    run = project.run(make, whole, continue_on_step_failure=True)
    told = {node: why for node, _, why in story(run)}
    assert words(run) == {"make": "failed", "whole": "failed"}
    assert f"links out of its folder to {target}" in told["make"]
    assert "link is a link to" in told["whole"]


def test_setuid_setgid_and_sticky_bits_and_what_others_may_are_dropped(project):
    script = """\
        import os, sys
        for mode in (0o4777, 0o2755, 0o6666, 0o1644, 0o000, 0o111):
            path = f"{sys.argv[1]}/{mode:o}"
            open(path, "w").write("x")
            os.chmod(path, mode)
        os.mkdir(sys.argv[1] + "/folder")
        os.chmod(sys.argv[1] + "/folder", 0o3777)
        """
    run = project.run(project.cell("odd", script, "{>odd/}"))
    assert words(run) == {"odd": "done"}, story(run)
    folder = run.step("odd").get_output("odd").path
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    runs = {"4777": 0o555, "2755": 0o555, "6666": 0o444, "1644": 0o444, "0": 0o444, "111": 0o555}
    assert modes == {**runs, "folder": 0o700}


def test_what_a_step_locks_before_us_is_told_and_cleared_away(project, tmp_path):
    """As anybody, whom permissions bind."""
    script = """\
        import os, sys
        os.mkdir(sys.argv[1] + "/shut")
        open(sys.argv[1] + "/shut/file", "w").write("x")
        os.chmod(sys.argv[1] + "/shut", 0)
        os.makedirs("deep/er")
        os.chmod("deep/er", 0)
        os.chmod("deep", 0)
        """
    pipeline = project.pipeline(project.cell("odd", script, "{>odd/}"))
    save_graph(project.workspace.graph_of(pipeline), project.root, project.root / "graph.json")
    words_ = [*locked_up.as_anybody(), sys.executable, "-m", "nbpipe.cli.main", "run", "graph.json"]
    done = subprocess.run(words_, capture_output=True, text=True, cwd=project.root, timeout=100, check=False)
    assert done.returncode == 1
    assert "cannot be read: Permission denied" in done.stdout + done.stderr
    assert not list((project.root / ".nbpipe/runs/1/steps").glob("*/*/work"))


# Mean.


KILL = """\
import os, psutil, signal, sys, time
open(sys.argv[2], "w").write(str(os.getpid()))
wanted = {words!r}
for process in psutil.Process().parents():
    if wanted in " ".join(process.cmdline()):
        process.send_signal(signal.SIGKILL)
        break
time.sleep(1000)
"""


@pytest.mark.parametrize("number", ["SIGKILL", "SIGSTOP"])
def test_a_step_that_kills_its_guard_is_lost_alone(project, number):
    script = f"import os, signal\nif os.path.exists('{project.root}/once'): raise SystemExit\n"
    script += (
        f"open('{project.root}/once', 'w')\nos.kill(os.getppid(), signal.{number})\nos.kill(os.getpid(), 9)"
    )
    if number == "SIGSTOP":
        script = script.replace("os.kill(os.getpid(), 9)", "import time; time.sleep(1000)")
    other = project.cell("other", "print(1)")
    step = project.cell("mean", script, timeout=2.0 if number == "SIGSTOP" else None)
    run = project.run(step, other, continue_on_step_failure=True)
    assert words(run)["other"] == "done"
    assert words(run)["mean"] in ("failed", "cancelled")
    assert words(project.run(step, other)) == {"mean": "done", "other": "reused"}


@pytest.mark.parametrize(
    ("who", "interrupted"), [("nbpipe/runtime/__main__.py", False), ("execution.runner", True)]
)
def test_a_step_that_kills_those_above_it_ends_with_them_and_the_next_run_is_right(project, who, interrupted):
    pid_file = project.root / "pid"
    mean = project.cell("mean", KILL.format(words=who), "{>out.txt}", arguments=[str(pid_file)])
    run = project.submit(mean)
    pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text()))
    eventually(lambda: not run.live)
    eventually(lambda: not psutil.pid_exists(pid))
    assert run.status == "Failed"
    assert run.interrupted is interrupted
    project.write("steps/mean/mean.py", "import sys\nopen(sys.argv[1], 'w').write('good')")
    again = project.run(mean)
    assert project.text(again, "mean", "out") == "good"


def alive(marker: str) -> list[int]:
    """Processes with a word in their command line or environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if (
                process.status() != psutil.STATUS_ZOMBIE
                and process.environ().get("NBPIPE_TEST_MARK") == marker
            ):
                found.append(process.pid)
    return found


DAEMON = """\
import os, sys, time

def become_daemon():
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    for fd in range(256):
        try:
            os.close(fd)
        except OSError:
            pass
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)

for _ in range(5):
    become_daemon()
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('here', flush=True)
time.sleep(1000)
"""


def marked(project: Project, script: str, **options: object) -> tuple[str, object]:
    """A step whose processes can be found wherever they went."""
    mark = f"{project.root}"
    return mark, project.cell("mean", script, environment_variables={"NBPIPE_TEST_MARK": mark}, **options)


def test_daemons_end_with_their_step(project):
    mark, step = marked(project, DAEMON)
    run = project.run(step)
    assert words(run) == {"mean": "done"}, story(run)
    assert alive(mark) == []


def test_a_storm_of_processes_ends_with_its_step(project):
    script = "import os, time\nfirst = os.getpid()\nfor _ in range(6):\n    os.fork()\n"
    script += "if os.getpid() != first:\n    time.sleep(1000)\n"
    mark, step = marked(project, script)
    assert words(project.run(step)) == {"mean": "done"}
    assert alive(mark) == []


def test_a_step_that_ignores_sigterm_is_ended_all_the_same(project):
    mark, step = marked(project, STUBBORN)
    run = project.submit(step)
    eventually(lambda: run.step("mean").get_stdout_log() == "here\n")
    run.cancel()
    assert run.wait_for_completion(show_output=False, timeout_seconds=60, raise_on_error=False) == "Canceled"
    assert alive(mark) == []


def test_a_step_that_eats_memory_is_ended_at_its_limit_and_its_tree_with_it(project):
    script = """\
        import os, time
        if os.fork() == 0:
            time.sleep(1000)
        kept = []
        while True:
            kept.append(bytearray(os.urandom(1 << 20)) * 8)
        """
    mark, step = marked(project, script, memory=200 * MEGABYTE)
    run = project.run(step)
    assert words(run) == {"mean": "failed"}
    assert run.step("mean").failure.cause == "memory"
    assert alive(mark) == []


SPOOL = "s = os.environ['NBPIPE_SPOOL']; os.makedirs(s, exist_ok=True); "
NONSENSE = [
    b'{"record": "metric", "run": "step"}', b"[]", b"\xff", b'{"record": [], "run": {}}', b"[" * 100_000,
    b'{"record": "tag", "run": "step"}', b'{"record": "metric", "run": "step", "name": {}, "value": NaN}',
    b'{"record": "metric", "run": "step", "name": "x"}',
    b'{"record": "metric", "run": "step", "name": "t", "kind": "table", "value": {"a": 1}}',
    b'{"record": "metric", "run": "step", "name": "t", "kind": "table", "value": {"a": [2]}}', b"unfinished",
]  # fmt: skip
"""What a script may write where only the runtime should."""
VANDALS: dict[str, str] = {
    "its spool is a pipe": SPOOL + "os.mkfifo(s + '/spool.jsonl')",
    "its spool is a link": SPOOL + "os.symlink('/etc/passwd', s + '/spool.jsonl')",
    "its spool is nonsense": SPOOL + "shutil.copy(sys.argv[2], s + '/spool.jsonl')",
    "its spool is a file": "os.path.exists(os.environ['NBPIPE_SPOOL']) or open(os.environ['NBPIPE_SPOOL'], 'w')",
    "its folder is gone": "shutil.rmtree(os.getcwd())",
    "its folder is shut": "os.chmod(os.getcwd(), 0)",
    "outputs is a link": "os.rmdir('outputs'); os.symlink('/etc', 'outputs')",
    "outputs is a file": "os.rmdir('outputs'); open('outputs', 'w')",
    "logs lead in circles": "os.symlink('.', 'logs/again'); os.mkfifo('logs/pipe')",
    "its log is a pipe": "f = '../../stdout.log'; os.path.exists(f) and os.unlink(f); os.mkfifo(f); print('x')",
    "its log is a folder": "f = '../../stdout.log'; os.path.exists(f) and os.unlink(f); os.mkdir(f); print('x')",
}


@pytest.mark.parametrize("deed", VANDALS)
def test_a_step_that_spoils_its_own_folders_spoils_no_more(project, deed):
    nonsense = project.write("nonsense", b"\n".join(NONSENSE))
    script = f"import os, shutil, sys\nopen(sys.argv[1], 'w').write('good')\n{VANDALS[deed]}\n"
    step = project.cell("mean", script, "{>out.txt}", arguments=[str(nonsense)])
    before = sorted(Path("/etc").iterdir())
    run = project.run(step)
    assert run.state.finished, run.runner_error()
    assert words(run)["mean"] in ("done", "failed"), story(run)
    assert sorted(Path("/etc").iterdir()) == before
    assert "passwd" not in run.folder.events.read_text()
    run._repr_mimebundle_()
    after = project.run(
        project.cell("good", "import sys\nopen(sys.argv[1], 'w').write('fine')", "{>fine.txt}")
    )
    assert project.text(after, "good", "fine") == "fine"


# The disk is full.


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB; needs the right to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip(f"no disk can be mounted: {done.stderr.strip()}")
    yield folder
    os.chdir(tmp_path)
    eventually(
        lambda: subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0
    )


FILL = """\
import sys
with open(sys.argv[1], "wb") as file:
    try:
        while True:
            file.write(bytes(1 << 16))
            file.flush()
    except OSError as error:
        {then}
"""


@pytest.mark.parametrize("then", ["raise", "print(error)", "file.truncate(1 << 16)"])
def test_a_full_disk_fails_the_step_and_with_room_again_the_next_run_is_right(
    small_disk, monkeypatch, then: str
):
    monkeypatch.chdir(small_disk)
    project = Project(small_disk)
    first = project.cell("first", "import sys\nopen(sys.argv[1], 'w').write('kept')", "{>first.txt}")
    assert words(project.run(first)) == {"first": "done"}
    full = project.cell("full", FILL.format(then=then), "{>big.bin}")
    run = project.run(first, full)
    eventually(lambda: not run.live)
    told = " ".join([run.runner_error(), *(why for _, _, why in story(run)), run.status])
    if then.startswith("file"):
        assert words(run)["full"] == "done", told
    else:
        assert run.status == "Failed"
        assert "No space left on device" in told
    shutil.rmtree(small_disk / "steps")
    project.stop_all()
    first = Project(small_disk).cell(
        "first", "import sys\nopen(sys.argv[1], 'w').write('kept')", "{>first.txt}"
    )
    again = Project(small_disk).run(first)
    assert words(again) == {"first": "reused"}, told
    assert project.text(again, "first", "first") == "kept"
    assert Workspace(small_disk).collector().survey(10) is not None
    project.stop_all()
