"""A local step is what `python script.py` would be: what it is given, what it prints, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nbpipe.compute.base import Job
from nbpipe.compute.local import LocalBackend
from nbpipe.errors import EnvironmentProbeError, NbpipeError, UsageError
from tests.compute.conftest import Scripts
from tests.waiting import eventually

ARGUMENTS = ("--lr", "0.1", "", "two words", 'a"b', "ünï\u2603", "-x", "--", "line\nbreak")


def plainly(scripts: Scripts, source: str, *argv: str) -> subprocess.CompletedProcess[bytes]:
    """The same script as plain Python runs it."""
    job = scripts.job(source, *argv)
    return subprocess.run(
        [job.python, job.script, *argv], cwd=job.cwd, env=dict(job.env), capture_output=True, check=False
    )


def test_a_step_sees_its_arguments_environment_and_folder(anyhow: Scripts):
    source = """
        import json, os, sys
        print(json.dumps([sys.argv, os.environ["PLAIN"], os.environ["ODD"], os.getcwd(), sys.stdin.read()]))
    """
    job = anyhow.job(source, *ARGUMENTS)
    env = {**job.env, "PLAIN": "1 = 2", "ODD": "ünï\u2603\n"}
    ran = anyhow.run(source, *ARGUMENTS, env=env)
    assert json.loads(ran.stdout) == [
        ["script.py", *ARGUMENTS],
        env["PLAIN"],
        env["ODD"],
        str(anyhow.folder),
        "",
    ]


def test_a_step_has_exactly_the_environment_it_is_given(anyhow: Scripts):
    ran = anyhow.run(
        "import os, json; print(json.dumps(dict(os.environ)))", env={"PATH": "/bin", "LANG": "C.UTF-8"}
    )
    # The C locale makes Python set LC_CTYPE for itself, whoever starts it.
    assert {**json.loads(ran.stdout), "LC_CTYPE": ""} == {"PATH": "/bin", "LANG": "C.UTF-8", "LC_CTYPE": ""}


def test_bytes_that_are_no_text_survive(scripts: Scripts):
    odd = os.fsdecode(b"\xff\xfe")
    source = "import os, sys; os.write(1, os.fsencode(sys.argv[1]) + os.environb[b'ODD'] + bytes(range(256)))"
    job = scripts.job(source, odd)
    ran = scripts.run(source, odd, env={**job.env, "ODD": odd})
    assert ran.stdout == b"\xff\xfe\xff\xfe" + bytes(range(256))


SHAPES = {
    "main": "print(__name__, __package__, __spec__, __doc__, sorted(globals()), type(__loader__).__name__)",
    "file": "import sys, os; print(__file__, sys.argv, sys.path[0], sys.flags, sys.executable)",
    "modules": "import sys, threading; print(threading.active_count(), 'nbpipe' in sys.modules)",
    "signals": "import signal; print([signal.getsignal(n) for n in (1, 2, 10, 13, 15, 17, 25)])",
    "streams": "import sys; print([(s.encoding, s.errors, s.line_buffering, s.isatty()) for s in "
    "(sys.stdin, sys.stdout, sys.stderr)])",
    "descriptors": "import os; print(sorted(os.listdir('/proc/self/fd')))",
    "gc": "import gc; print(gc.isenabled(), gc.get_threshold())",
    "annotated": "x: int = 3\nprint(__annotations__)",
    "uncaught": "def f():\n    1 / 0\n\ntry:\n    f()\nexcept Exception as e:\n    raise KeyError from e",
    "syntax": "print(1)\nif True print(2)",
    "exit text": "import sys; sys.exit('gone wrong')",
    "exit 3": "raise SystemExit(3)",
    "exit none": "import sys; print('x'); sys.exit()",
    "exit 256": "import sys; sys.exit(257)",
    "os exit": "import os; os._exit(7)",
    "interrupt": "raise KeyboardInterrupt",
    "abort": "import os; os.abort()",
    "segmentation": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "term": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "hook": "import sys; sys.excepthook = lambda *a: print('mine', a[0].__name__, a[2].tb_lineno)\n1 / 0",
    "bad hook": "import sys\ndef hook(*a):\n    raise ValueError('hook')\nsys.excepthook = hook\nprint('x')",
    "atexit": "import atexit; atexit.register(print, 'bye'); print('hello')",
    "atexit after error": "import atexit; atexit.register(print, 'bye'); 1 / 0",
    "finalizer": "class A:\n    def __del__(self):\n        print('del')\na = A()\nprint('end')",
    "threads": "import threading, time\ndef f():\n    time.sleep(0.2); print('thread')\n"
    "threading.Thread(target=f).start(); print('main')",
    "thread error": "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()",
    "warning": "import warnings; warnings.warn('careful', stacklevel=1)",
    "no output": "",
    "unencodable": "print('\\ud800')",
    "exec": "import os, sys\nprint(4, flush=True)\nos.execv(sys.executable, ['python', '-c', 'print(5)'])",
    "closed": "import os, sys; os.close(1); sys.stderr.write('still')",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_prints_and_ends_as_plain_python_does(anyhow: Scripts, shape: str):
    plain = plainly(anyhow, SHAPES[shape], "a", "b")
    ran = anyhow.run(SHAPES[shape], "a", "b")
    ended = ran.exit.code if ran.exit.code is not None else -(ran.exit.signal or 0)
    assert (ran.stdout.decode(), ran.stderr.decode(), ended) == (
        plain.stdout.decode(),
        plain.stderr.decode(),
        plain.returncode,
    )


def test_a_missing_script_is_said_as_python_says_it(anyhow: Scripts):
    job = anyhow.job("", script="nowhere.py")
    ran = anyhow.run_job(job)
    plain = subprocess.run(
        [job.python, "nowhere.py"], cwd=job.cwd, env=dict(job.env), capture_output=True, check=False
    )
    assert ran.exit.code == plain.returncode == 2
    assert ran.stderr == plain.stderr


def test_modules_beside_the_script_and_in_the_working_copy_are_found(anyhow: Scripts):
    folder = anyhow.folder
    (folder / "code").mkdir()
    (folder / "code" / "beside.py").write_text("a = 1")
    (folder / "taken.py").write_text("b = 2")
    (folder / "code" / "script.py").write_text("import beside, taken; print(beside.a, taken.b)")
    assert anyhow.run_job(anyhow.job("", script="code/script.py")).lines == ["1 2"]


@pytest.mark.parametrize("name", ["select", "signal", "types", "json", "resource", "struct", "enum"])
def test_a_module_of_the_users_may_have_any_name(anyhow: Scripts, name: str):
    (anyhow.folder / f"{name}.py").write_text("mine = True")
    if plainly(anyhow, f"import {name}; print({name}.mine)").stdout == b"True\n":
        assert anyhow.run(f"import {name}; print({name}.mine)").lines == ["True"]


def test_multiprocessing_works_either_way(anyhow: Scripts):
    ran = anyhow.run("""
        import multiprocessing, sys

        def square(x):
            return x * x

        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(method, pool.map(square, [1, 2, 3]))
    """)
    assert (ran.lines, ran.stderr) == (["fork [1, 4, 9]", "spawn [1, 4, 9]"], b"")


def test_objects_of_the_script_pickle(anyhow: Scripts):
    ran = anyhow.run("""
        import pickle
        class Model:
            pass
        print(type(pickle.loads(pickle.dumps(Model()))) is Model, Model.__module__)
    """)
    assert ran.lines == ["True __main__"]


def test_forked_processes_print_each_line_once(anyhow: Scripts):
    ran = anyhow.run("""
        import os, sys
        print("before")
        for n in range(5):
            pid = os.fork()
            if pid == 0:
                print("child", n)
                sys.exit()
            os.waitpid(pid, 0)
        print("after")
    """)
    assert ran.lines == ["before", *[f"child {n}" for n in range(5)], "after"]


def test_forking_from_threads_that_print_does_not_hang(anyhow: Scripts):
    ran = anyhow.run("""
        import os, threading
        def work():
            for n in range(20):
                print("x" * 50)
                pid = os.fork()
                if pid == 0:
                    os._exit(0)
                os.waitpid(pid, 0)
        threads = [threading.Thread(target=work) for _ in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        print("end")
    """)
    assert ran.exit.code == 0
    assert ran.lines[-1] == "end"


def test_output_keeps_its_order_and_is_whole(anyhow: Scripts):
    ran = anyhow.run("""
        import sys, time
        for n in range(30000):
            print(n, "x" * (n % 200))
            if n % 3000 == 0:
                time.sleep(0.03)
        print("error", file=sys.stderr)
    """)
    assert [int(line.split()[0]) for line in ran.lines] == list(range(30000))
    assert ran.stderr == b"error\n"


def test_output_arrives_while_the_step_runs(anyhow: Scripts):
    async def go() -> None:
        seen = bytearray()
        arrived = asyncio.Event()

        def sink(_stream: str, data: bytes) -> None:
            seen.extend(data)
            arrived.set()

        backend = LocalBackend(forked=anyhow.forked)
        job = anyhow.job("print('alive')\nimport time\ntime.sleep(600)")
        handle = await backend.start(job, sink)
        await asyncio.wait_for(arrived.wait(), 60)
        assert bytes(seen) == b"alive\n"
        await handle.cancel(0)
        await backend.aclose()

    asyncio.run(go())


def test_a_step_that_prints_faster_than_it_is_read_waits(anyhow: Scripts):
    ran = anyhow.run("import sys\nfor _ in range(200): sys.stdout.buffer.write(b'x' * 100_000)")
    assert len(ran.stdout) == 20_000_000


def test_a_sink_that_fails_ends_the_step_and_says_so(anyhow: Scripts):
    async def go() -> None:
        def sink(_stream: str, _data: bytes) -> None:
            raise OSError("no space left")

        backend = LocalBackend(forked=anyhow.forked)
        handle = await backend.start(anyhow.job("while True: print('x' * 100)"), sink)
        with pytest.raises(OSError, match="no space left"):
            await asyncio.wait_for(handle.wait(), 60)
        await backend.aclose()

    asyncio.run(go())


def test_many_steps_run_at_once_and_keep_apart(anyhow: Scripts):
    async def go() -> None:
        backend = LocalBackend(forked=anyhow.forked)
        job = anyhow.job("import sys; print(sys.argv[1] * 1000)")
        outputs: dict[str, bytes] = {}

        async def one(name: str) -> None:
            def sink(_stream: str, data: bytes) -> None:
                outputs[name] = outputs.get(name, b"") + data

            one_job = Job(name, job.python, job.script, (name,), job.cwd, job.env)
            assert (await (await backend.start(one_job, sink)).wait()).code == 0

        names = [f"n{i}" for i in range(12)]
        await asyncio.gather(*map(one, names))
        assert outputs == {name: (name * 1000 + "\n").encode() for name in names}
        await backend.aclose()

    asyncio.run(go())


def test_variables_read_at_the_start_of_an_interpreter_count(anyhow: Scripts):
    job = anyhow.job(
        "import sys, time; print(sys.flags.hash_randomization, hash('x'), sys.flags.dev_mode, time.tzname[0])"
    )

    def with_variables(**variables: str) -> list[str]:
        return anyhow.run_job(replace(job, env={**job.env, **variables})).lines

    one, two, again = (with_variables(PYTHONHASHSEED=seed) for seed in "121")
    assert one == again != two
    assert with_variables(PYTHONDEVMODE="1", TZ="XYZ-3")[0].endswith("True XYZ")


def test_a_relative_python_path_means_the_folder_of_the_step(anyhow: Scripts):
    (anyhow.folder / "lib").mkdir()
    (anyhow.folder / "lib" / "shared.py").write_text("x = 5")
    job = anyhow.job("")
    assert anyhow.run("import shared; print(shared.x)", env={**job.env, "PYTHONPATH": "lib"}).lines == ["5"]


def test_the_figures_are_those_of_the_step(scripts: Scripts):
    ballast = bytearray(os.urandom(1)) * (300 << 20)
    small = scripts.run("pass").exit
    assert len(ballast) > small.peak_bytes * 5, "the memory of who starts a step must not count as the step's"
    big = scripts.run("x = b'x' * (200 << 20)\nfor _ in range(3_000_000): pass").exit
    assert 200 << 20 < big.peak_bytes < 300 << 20
    assert 0 < big.cpu < big.wall * 4


def test_memory_of_several_processes_is_seen_together(scripts: Scripts):
    ran = scripts.run("""
        import os, time
        children = []
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                x = os.urandom(1) * (60 << 20)
                time.sleep(600)
            children.append(pid)
        time.sleep(1.5)
        [os.kill(pid, 9) for pid in children]
        [os.wait() for pid in children]
    """)
    assert ran.exit.peak_bytes > 150 << 20


def test_a_step_over_its_memory_is_ended_and_named(anyhow: Scripts):
    source = """
        import time
        x = bytearray(300 << 20)
        for i in range(0, len(x), 4096):
            x[i] = 1
        time.sleep(600)
    """
    ran = anyhow.run(source, memory=150 << 20)
    assert ran.exit.out_of_memory
    assert ran.exit.signal in (signal.SIGKILL, signal.SIGTERM)
    assert not anyhow.run("x = bytearray(50 << 20)", memory=150 << 20).exit.out_of_memory


def test_memory_shared_by_forked_workers_counts_once(scripts: Scripts):
    source = """
        import os, time
        x = os.urandom(1) * (100 << 20)
        children = [os.fork() for _ in range(1)]
        if children[0] == 0:
            time.sleep(0.8); os._exit(0)
        others = []
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                time.sleep(0.8); os._exit(0)
        for _ in range(4):
            os.wait()
    """
    ran = scripts.run(source, memory=250 << 20)
    assert (ran.exit.code, ran.exit.out_of_memory) == (0, False)


def test_an_interpreter_that_is_not_there_is_said(anyhow: Scripts):
    with pytest.raises(EnvironmentProbeError, match="No interpreter /nowhere/python"):
        anyhow.run_job(anyhow.job("", python="/nowhere/python"))


def test_a_program_that_is_no_interpreter_is_said(scripts: Scripts):
    with pytest.raises(EnvironmentProbeError, match="does not start"):
        scripts.run_job(scripts.job("", python="/bin/false"))


def test_a_name_is_looked_up_on_the_steps_own_path(anyhow: Scripts):
    name = Path(sys.executable).name
    env = {**os.environ, "PATH": str(Path(sys.executable).parent)}
    assert anyhow.run("print(1)", python=name, env=env).lines == ["1"]
    with pytest.raises(EnvironmentProbeError):
        anyhow.run("print(1)", python=name, env={**env, "PATH": "/nowhere"})


def test_what_no_process_takes_is_refused(anyhow: Scripts):
    for argument in ("a\0b", "\ud800"):
        with pytest.raises(UsageError, match="cannot be given the argument"):
            anyhow.run("", argument)
    with pytest.raises(UsageError, match="cannot be given the variable"):
        anyhow.run("", env={"A=B": "c"})
    with pytest.raises(UsageError) as error:
        anyhow.run("", env={"TOKEN": "secret\0"})
    assert "secret" not in str(error.value)
    with pytest.raises(UsageError, match="No folder"):
        anyhow.run("", cwd=anyhow.folder / "nowhere")


def test_a_request_larger_than_a_socket_holds_arrives(scripts: Scripts):
    arguments = [str(n) * 1000 for n in range(300)]
    job = scripts.job("import sys, os; print(len(sys.argv), sum(map(len, sys.argv)), len(os.environ['BIG']))")
    ran = scripts.run_job(
        Job("big", job.python, job.script, tuple(arguments), job.cwd, {**job.env, "BIG": "y" * 1_000_000})
    )
    assert ran.lines == [f"301 {sum(map(len, arguments)) + len('script.py')} 1000000"]


def test_the_machine_says_what_it_has():
    async def go() -> None:
        backend = LocalBackend()
        capacity = await backend.probe()
        assert capacity.cpus >= 1
        assert capacity.memory > 1 << 20
        await backend.aclose()

    asyncio.run(go())


def test_what_cannot_start_leaves_no_process_behind(scripts: Scripts, alive):
    marker = scripts.folder / "pid"
    fake = scripts.folder / "fake"
    fake.write_text(f"#!/bin/sh\necho $$ > {marker}\nexit 3\n")
    fake.chmod(0o755)
    with pytest.raises(NbpipeError):
        scripts.run_job(scripts.job("", python=str(fake)))
    pid = int(marker.read_text())
    eventually(lambda: not alive(pid))
