"""Secrets that a script shows in every way it has: none is in the state, on a screen or in a list of processes."""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nbpipe.execution.logs import LogWriter
from nbpipe.loading.graph_file import save_graph
from nbpipe.notebook.session import Session
from nbpipe.run import PipelineRun
from nbpipe.runtime.masking import SHORTEST
from nbpipe.workspace import Workspace
from tests.hardening import lived_in
from tests.projects import Project, words
from tests.waiting import eventually

pytestmark = pytest.mark.runner

PLANTED = {
    "PLANTED_PLAIN": "tr0ub4dor&3",
    "PLANTED_LONGER": "tr0ub4dor&3-and-more",  # which the one above begins
    "PLANTED_LINES": "-----BEGIN KEY-----\nMIIEvQxKq9\r\nZm9vYmFyCg\n-----END KEY-----\n",
    "PLANTED_QUOTES": """it's "q\\uoted" 'n' all""",
    "PLANTED_UNICODE": "pässwörd-密码-🔑",
    "PLANTED_CONTROL": "tab\there\x1b[0mthere",
    "PLANTED_BYTES": os.fsdecode(b"raw-\xff\xfe-\x80-bytes"),
    "PLANTED_MARKUP": "<b>&amp;s3cret</b>",
    "PLANTED_SHORT": "9Qz¤",
}
"""Variables that the steps declare as secrets."""
UNDECLARED = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIbPxRfiCYEXAMPLEKEY",
    "DATABASE_URL": "postgres://me:hunter2hunter2@db/x",
}
"""Variables that only lie about in the environment of who submits."""

KNOWN = """\
import os, sys
names = sorted(name for name in os.environ if name.startswith("PLANTED_"))
secrets = [os.environ[name] for name in names]
raw = [os.environb[name.encode()] for name in names]
plain = [secret for secret in secrets if secret.isprintable()]
"""
SAY = f"""\
{KNOWN}
import json, logging, subprocess, threading, time, traceback, warnings
import nbpipe

# As it is, twice without a gap, and as Python and JSON write it; on both streams.
for secret, data in zip(secrets, raw):
    for stream in (sys.stdout, sys.stderr):
        os.write(stream.fileno(), b"<" + data + b">" + data + data + b"\\n")
        print(repr(secret), ascii(secret), [secret], {{"password": secret}}, data, file=stream, flush=True)
        print(json.dumps(secret), json.dumps({{"a": [secret]}}), file=stream, flush=True)
        told = json.dumps({{secret: secret}}, ensure_ascii=False, indent=1).encode("utf-8", "surrogateescape")
        os.write(stream.fileno(), told + b"\\n")

# In pieces: byte by byte, over the flushes of a buffered stream, over other output, over the blocks of a pipe.
for data in raw:
    for number in range(len(data)):
        os.write(1, data[number : number + 1])
        os.write(2, data[number : number + 1])
    for half in (data[:3], data[3:], b"\\n"):
        sys.stdout.buffer.write(half)
        sys.stdout.buffer.flush()
        os.write(2, b"meanwhile\\n")
        time.sleep(0.002)
    for size in (4096, 65536):
        sys.stdout.buffer.write(b"x" * (size - 2) + data + b"y" * (size - len(data) + 1) + data)
        sys.stdout.buffer.flush()

# By others: a child, a thread, a logger, a warning, a traceback that is caught.
child = "import os\\nfor name in " + repr(names) + ": os.write(2, os.environb[name.encode()] + b'\\\\n')"
subprocess.run([sys.executable, "-S", "-c", child], check=True)
for secret in secrets:
    thread = threading.Thread(target=lambda: sys.stderr.write(secret + "\\n"))
    thread.start()
    thread.join()
    logging.warning("the password is %s", secret)
    warnings.warn(secret)
    try:
        raise KeyError(secret)
    except KeyError:
        traceback.print_exc()

# To the run: as name and as value of whatever there is.
run = nbpipe.Run.get_context()
for name, secret in zip(names, secrets):
    run.log(name, secret, description=secret)
    run.log(secret, 1)
    run.log_list(secret + " list", [secret, secret])
    run.log_row(secret + " row", **{{secret: secret}})
    run.log_table(secret + " table", {{secret: [secret]}})
    run.log_confusion_matrix(name + " document", {{"deep": [{{secret: {{"deeper": secret}}}}]}})
    run.parent.log(secret, secret)
    for one in (run, run.parent):
        one.tag(secret, secret)
        one.tag(name, secret)
    run.add_properties({{secret: secret}})
if len(sys.argv) > 1:
    os.makedirs(sys.argv[1])
    open(sys.argv[1] + "/" + plain[0], "w").write(plain[0])
    open("outputs/" + plain[0], "w").write(plain[0])
"""
"""Shows every secret wherever a script can; the last two places are its own files."""

ENDINGS = {
    "value": "raise ValueError(' and '.join(plain))",
    "quoted": "raise KeyError(os.environ['PLANTED_QUOTES'])",
    "lines": "raise ValueError(os.environ['PLANTED_LINES'])",
    "bytes": "raise ValueError(os.environ['PLANTED_BYTES'])",
    "cause": "raise RuntimeError(plain[0]) from KeyError(plain[1])",
    "assertion": "assert not secrets, secrets",
    "exit": "sys.exit(os.environ['PLANTED_UNICODE'])",
    "code": "print(plain[1], file=sys.stderr, flush=True)\nos._exit(3)",
    "file": "open(os.environ['PLANTED_PLAIN'])",
    "package": "__import__(os.environ['PLANTED_PLAIN'])",
    "refused": "import argparse\nargparse.ArgumentParser().parse_args(['--' + os.environ['PLANTED_PLAIN']])",
    "failing": "import nbpipe\nnbpipe.Run.get_context().fail(os.environ['PLANTED_LONGER'], plain[0])\nmake()",
    "elsewhere": "open('a-' + os.environ['PLANTED_PLAIN'], 'w').write('elsewhere')",
    "link": "os.mkdir(sys.argv[1])\nos.symlink('/' + plain[0], sys.argv[1] + '/' + os.environ['PLANTED_PLAIN'])",
    "pipe": "os.mkdir(sys.argv[1])\nos.mkfifo(sys.argv[1] + '/' + os.environ['PLANTED_PLAIN'])",
    "kept": "os.mkfifo('outputs/' + os.environ['PLANTED_PLAIN'])\nmake()",
}
"""How the script of a step ends, each time with a secret in what is told of it."""
MAKE = "def make(): open(sys.argv[1], 'w').write('made')\n"


@dataclass
class Told:
    """All that could be seen.

    Attributes:
        root: the workspace.
        runs: runs by what they are.
        screens: what was printed or shown, by what showed it.
        commands: the command lines of all processes that were seen.
    """

    root: Path
    runs: dict[str, PipelineRun] = field(default_factory=dict)
    screens: dict[str, str] = field(default_factory=dict)
    commands: set[bytes] = field(default_factory=set)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Runs that fail, are retried, finish and are reused, and every view of them."""
    root = tmp_path_factory.mktemp("secrets") / "work"
    root.mkdir()
    seen = Told(root)
    with pytest.MonkeyPatch.context() as patch, watched(seen.commands), lived_in.no_hang(120):
        patch.chdir(root)
        for name, value in (PLANTED | UNDECLARED).items():
            patch.setenv(name, value)
        carry_out(seen)
        look(seen)
        Project(root).stop_all()
    return seen


def carry_out(seen: Told) -> None:
    """Run pipelines of both kinds; the first time everything fails that can."""
    project = Project(seen.root)
    secret = {"secret_variables": list(PLANTED)}
    steps = [
        project.cell(
            f"bad{number}", f"{KNOWN}{MAKE}{text}\n", f"{{>out{number}}}", retries=number % 2, **secret
        )
        for number, text in enumerate(ENDINGS.values())
    ]
    said = project.folder_step("say", SAY, "{>said}", inherited_variables=["HOME"], **secret)
    with caught(seen, "the object API's run"):
        seen.runs["failed"] = project.submit(said, *steps, continue_on_step_failure=True)
        seen.runs["failed"].wait_for_completion(timeout_seconds=60, raise_on_error=False)
    with caught(seen, "the same again"):
        seen.runs["reused"] = project.submit(said)
        seen.runs["reused"].wait_for_completion(timeout_seconds=60)
    by_magics(seen)


def by_magics(seen: Told) -> None:
    """Run what a notebook's cells declare, from the terminal, twice."""
    session = Session(seen.root, {})
    options = " ".join(f"--secret {name}" for name in PLANTED)
    cells = {"talk.py {>talk}": SAY, "break.py {talk}": KNOWN + ENDINGS["value"]}
    for number, (line, body) in enumerate(cells.items()):
        session.begin_cell(f"%%step {options} {line}\n{body}", f"id{number}", f"cell {number}")
        session.declare(f"{options} {line}", body, "step")
    pipeline = session.pipeline()
    session.save(pipeline.name)
    save_graph(session.workspace.graph_of(pipeline), seen.root, seen.root / "graph.json")
    for verb in (("run", "graph.json", "--json"), ("run", "graph.json", "--summary", "summary.md")):
        seen.screens[" ".join(verb)] = lived_in.type_words(*verb)[1]
    seen.screens["the summary"] = (seen.root / "summary.md").read_text()
    seen.runs["by magics"] = Workspace(seen.root).runs()[0]
    session.workspace.digests.close()


@contextlib.contextmanager
def caught(seen: Told, what: str) -> Iterator[None]:
    """Keep what is printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        yield
    seen.screens[what] = out.getvalue()


@contextlib.contextmanager
def watched(commands: set[bytes]) -> Iterator[None]:
    """Note the command line of every process of this machine."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    commands.add((process / "cmdline").read_bytes())

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def look(seen: Told) -> None:
    """Show all that can be shown of the runs."""
    verbs = [
        ("runs",), ("runs", "--json"), ("doctor",), ("doctor", "--json"), ("plan", "graph.json"), ("gc",),
        ("plan", "graph.json", "--json"), ("explain", "break", "--receipt"), ("explain", "talk", "--json"),
        ("explain", "talk", "graph.json", "--receipt"), ("graph", "graph.json", "--json"), ("graph", "graph.json"),
        ("logs", "break"), ("logs", "talk", "--json"), ("logs", "say", "--run", "2"),
    ]  # fmt: skip
    for verb in verbs:
        seen.screens[" ".join(verb)] = lived_in.type_words(*verb)[1]
    for what, run in seen.runs.items():
        for kind, text in run._repr_mimebundle_().items():
            seen.screens[f"{what}: {kind}"] = text
        seen.screens[f"{what}: dot"] = run.dot
        seen.screens[f"{what}: all else"] = "\n".join(map(str, asked(run)))


def asked(run: PipelineRun) -> Iterator[Any]:
    """What the API answers of a run."""
    yield run, run.tags, run.get_metrics(), run.get_metrics(recursive=True), run.runner_error(), run.plan_json
    if run.status == "Failed":
        yield run.failure()
    for step in run.get_steps():
        yield step, step.tags, step.properties, step.get_metrics(), step.failure, step.reasons, step.explain()
        yield step.get_stdout_log(), step.get_stderr_log()


def spellings(secret: str) -> set[str]:
    """A secret and its lines, as they are and as Python and JSON write them."""
    texts = {text for text in (secret, *secret.splitlines()) if len(text) >= SHORTEST}
    return texts | {
        spelled(text)[1:-1]
        for text in texts
        for spelled in (repr, ascii, json.dumps, lambda text: json.dumps(text, ensure_ascii=False))
    }


NEEDLES = {name: spellings(secret) for name, secret in (PLANTED | UNDECLARED).items()}


def leaks(data: bytes) -> set[str]:
    """Names of the secrets in some bytes, in the texts of their JSON, and behind HTML's escapes."""
    whole = data.decode("utf-8", "surrogateescape")
    seen = [whole, html.unescape(whole)]
    for line in {whole, *whole.splitlines()}:
        with contextlib.suppress(ValueError):
            seen += texts(json.loads(line))
    return {
        name
        for name, needles in NEEDLES.items()
        if any(needle in text for needle in needles for text in seen)
    }


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def state_files(root: Path) -> Iterator[Path]:
    """All under the state folder but what scripts wrote themselves: trees, and the names of what is in them."""
    for path in sorted((root / ".nbpipe").rglob("*")):
        inside = any(part.endswith(".tree") for part in path.parts)
        names_it = path.suffix == ".stamp" or path.with_name(f"{path.name}.tree").exists()
        if not inside and not names_it:
            yield path


def test_the_scene_is_what_it_is_meant_to_be(told):
    failed = words(told.runs["failed"])
    assert failed == {"say": "done"} | {f"bad{number}": "failed" for number in range(len(ENDINGS) - 1)} | {
        f"bad{len(ENDINGS) - 1}": "done"
    }
    assert words(told.runs["reused"]) == {"say": "reused"}
    assert words(told.runs["by magics"]) == {"talk": "reused", "break": "failed"}
    seen = b"\n".join(told.commands)
    assert b"nbpipe.execution.runner" in seen
    assert b"nbpipe/runtime/__main__.py" in seen


def test_no_secret_is_in_any_state_file(told):
    found = {
        str(path.relative_to(told.root)): leaks(
            os.fsencode(path.name) + (path.read_bytes() if path.is_file() else b"")
        )
        for path in state_files(told.root)
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_no_secret_is_on_any_screen(told):
    found = {what: leaks(text.encode("utf-8", "surrogateescape")) for what, text in told.screens.items()}
    assert {what: names for what, names in found.items() if names} == {}


def test_no_secret_is_in_any_list_of_processes(told):
    assert {command for command in told.commands if leaks(command.replace(b"\0", b"\n"))} == set()


# In a workspace of a test's own.


@pytest.fixture
def own(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose submitter has the secrets."""
    for name, value in (PLANTED | UNDECLARED).items():
        monkeypatch.setenv(name, value)
    return project


def assert_clean(root: Path, *but: str) -> None:
    """No secret is in the state, files of some names excepted."""
    files = [path for path in state_files(root) if path.is_file() and path.name not in but]
    assert {str(path): names for path in files if (names := leaks(path.read_bytes()))} == {}


@pytest.mark.parametrize("before", range(2020, 2060, 3))
def test_a_secret_where_a_long_log_is_cut_is_masked(tmp_path, before):
    """The head of a log of 4096 bytes ends at 2048, its last parts begin and end at multiples of 1024 behind."""
    secrets = [PLANTED["PLANTED_PLAIN"], PLANTED["PLANTED_LONGER"]]
    writer = LogWriter(tmp_path, limit=4096, secrets=secrets)
    for number in range(9):
        writer.write("stdout", b"x" * before + secrets[number % 2].encode() + b"y" * (1024 - number))
    writer.close()
    assert leaks(b"".join(path.read_bytes() for path in tmp_path.iterdir())) == set()


def test_a_runner_that_is_killed_leaves_no_secret(own):
    script = f"{SAY}print('said', flush=True)\ntime.sleep(600)\n"
    run = own.submit(own.cell("say", script, "{>said}", secret_variables=list(PLANTED)))
    eventually(lambda: run.step("say").get_stdout_log().endswith("said\n"))
    os.kill(run.state.started.pid, signal.SIGKILL)
    eventually(lambda: run.interrupted)
    assert list((own.root / ".nbpipe").rglob("spool.jsonl"))
    own_files = {path.name for path in (own.root / ".nbpipe").rglob("work/out/**/*")}
    assert_clean(own.root, *own_files)


def test_secrets_that_are_ordinary_words_break_nothing(project, monkeypatch):
    steps = []
    for word in ("record", "metric", "step", "name", "step_failed", "null", "true"):
        monkeypatch.setenv(f"WORD_{word}", word)
        script = f"import os, nbpipe\nword = os.environ['WORD_{word}']\n"
        script += "nbpipe.Run.get_context().log('my ' + word, word)\n"
        for name, text in ((f"good {word}", "print([word])\n"), (f"bad {word}", "raise ValueError(word)\n")):
            steps.append(project.cell(name, script + text, secret_variables=[f"WORD_{word}"]))
    run = project.run(*steps, continue_on_step_failure=True)
    for step in run.get_steps():
        assert step.get_metrics() == {"my ***": "***"}
        if step.name.startswith("good"):
            assert (step.status, step.get_stdout_log()) == ("done", "['***']\n")
        else:
            assert step.failure.message.endswith("ValueError: ***")


def test_what_is_no_secret_is_not_masked(own):
    """A variable that nobody declared belongs to the script, which prints it if it wants to."""
    run = own.run(own.cell("say", "import os\nprint(os.environ['DATABASE_URL'])\n"))
    assert run.step("say").get_stdout_log() == UNDECLARED["DATABASE_URL"] + "\n"
