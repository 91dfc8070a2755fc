"""A job is what `python script.py` would be there: what it is given, what it prints, how it ends."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal

import pytest

from nbpipe.compute.base import Backend, Job
from nbpipe.compute.conformance.trial import Laws, Trial
from nbpipe.errors import EnvironmentProbeError, NbpipeError

_ARGUMENTS = ("--lr", "0.1", "", "two words", 'a"b', "ünï\u2603", "-x", "--", "line\nbreak", "\udcff")


class ProcessLaws(Laws):
    """Laws of one process."""

    def test_the_target_says_what_it_has(self, trial: Trial) -> None:
        capacity = trial.run(lambda backend: backend.probe())
        assert capacity.cpus >= 1
        assert capacity.memory > 1 << 20
        assert capacity.machine
        assert capacity.python.split(".")[0] == "3"

    def test_a_short_script_is_run_outside_any_job(self, trial: Trial) -> None:
        async def work(backend: Backend) -> str:
            return await trial.printed(backend, "import os; print(os.environ['A'] * 2)", A="\u2603")

        assert trial.run(work) == "\u2603\u2603\n"

    @pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false"])
    def test_an_interpreter_that_does_not_answer_is_said(self, trial: Trial, python: str) -> None:
        script = trial.folder / "hello.py"
        script.write_text("print('hello')")
        with pytest.raises(EnvironmentProbeError):
            trial.run(lambda backend: backend.run_script(python, script, {}))

    def test_a_job_sees_its_arguments_folder_and_variables(self, trial: Trial) -> None:
        _, heard = trial.ran(
            """
            import json, os, sys
            sys.stdout.write(json.dumps([sys.argv[1:], os.environ["ODD"], os.getcwd(), sys.stdin.read()]))
            open("here", "x").close()
            """,
            *_ARGUMENTS,
            env={"ODD": "a = b\n\u2603", "PYTHONUTF8": "1"},
        )
        argv, odd, folder, stdin = json.loads(heard.stdout)
        assert (argv, odd, stdin) == (list(_ARGUMENTS), "a = b\n\u2603", "")
        assert folder

    def test_variables_are_the_whole_environment_or_are_laid_over_that_of_the_machine(
        self, trial: Trial
    ) -> None:
        async def work(backend: Backend) -> tuple[bool, set[str], str]:
            source = "import os, json; print(json.dumps(dict(os.environ)))"
            job = await trial.job(backend, source, env={"HOME": "/mine", "LANG": "C.UTF-8"})
            _, heard = await trial.finished(backend, job)
            env = json.loads(heard.stdout)
            return backend.shares_files, set(env) - {"LC_CTYPE"}, env["HOME"]

        shared, names, home = trial.run(work)
        assert home == "/mine"
        assert names == {"HOME", "LANG"} if shared else {"HOME", "LANG", "PATH"} <= names

    def test_output_comes_whole_and_in_order(self, trial: Trial) -> None:
        ended, heard = trial.ran("""
            import sys, time
            for n in range(20000):
                print(n, "x" * (n % 200))
                if n % 4000 == 0:
                    time.sleep(0.03)
                    print(n, file=sys.stderr)
            sys.stdout.flush()
            sys.stdout.buffer.write(bytes(range(256)))
        """)
        assert ended.code == 0
        text, _, rest = heard.stdout.rpartition(b"\n" + bytes(range(10)))
        assert [int(line.split()[0]) for line in text.splitlines()] == list(range(20000))
        assert rest == bytes(range(10, 256))
        assert heard.stderr.split() == [b"0", b"4000", b"8000", b"12000", b"16000"]

    def test_output_comes_while_the_job_runs(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            source = "import time\nprint('alive')\ntime.sleep(600)"
            handle, heard = await trial.started(backend, await trial.job(backend, source))
            assert await heard.line("alive") == ""
            await handle.cancel(0)

        trial.run(work)

    def test_fifty_megabytes_of_output_are_whole(self, trial: Trial) -> None:
        ended, heard = trial.ran("""
            import hashlib, sys
            total = hashlib.sha256()
            for n in range(50):
                block = bytes([n]) * (1 << 20)
                total.update(block)
                sys.stdout.buffer.write(block)
            sys.stderr.write(total.hexdigest())
        """)
        assert (ended.code, len(heard.stdout)) == (0, 50 << 20)
        assert hashlib.sha256(heard.stdout).hexdigest() == heard.stderr.decode()

    @pytest.mark.parametrize(
        ("source", "code", "number"),
        [
            ("pass", 0, None),
            ("raise SystemExit(3)", 3, None),
            ("import os; os._exit(200)", 200, None),
            ("1 / 0", 1, None),
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", None, signal.SIGKILL),
            ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", None, signal.SIGSEGV),
        ],
    )
    def test_how_a_job_ends_is_told(
        self, trial: Trial, source: str, code: int | None, number: int | None
    ) -> None:
        ended, _ = trial.ran(source)
        assert (ended.code, ended.signal, ended.lost) == (code, number, "")

    def test_the_words_of_an_error_come_before_the_end(self, trial: Trial) -> None:
        ended, heard = trial.ran("print('first')\nraise KeyError('species')")
        assert (ended.code, heard.stdout) == (1, b"first\n")
        assert heard.stderr.endswith(b"KeyError: 'species'\n")

    def test_figures_of_a_job_are_told(self, trial: Trial) -> None:
        ended, _ = trial.ran(
            "import time\nx = b'x' * (60 << 20)\nfor _ in range(500_000): pass\ntime.sleep(0.3)"
        )
        assert ended.wall > 0.3
        assert ended.peak_bytes > 60 << 20

    def test_a_job_over_its_memory_is_ended_and_named(self, trial: Trial) -> None:
        source = "import time\nx = b'x' * (300 << 20)\ntime.sleep(600)"
        ended, _ = trial.ran(source, memory=150 << 20)
        assert ended.out_of_memory

    def test_an_interpreter_that_is_not_there_starts_nothing(self, trial: Trial) -> None:
        with pytest.raises(NbpipeError, match="/nowhere/python"):
            trial.ran("", python="/nowhere/python")

    def test_what_no_process_takes_is_refused_and_secrets_are_not_told(self, trial: Trial) -> None:
        with pytest.raises(NbpipeError):
            trial.ran("", "a\0b")
        with pytest.raises(NbpipeError) as error:
            trial.ran("", env={"TOKEN": "hush-hush\0"})
        assert "hush-hush" not in str(error.value)

    def test_a_secret_stands_on_no_command_line(self, trial: Trial) -> None:
        ended, heard = trial.ran(
            """
            import glob, os
            secret = os.environb[b"TOKEN"]
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                try:
                    if secret in open(path, "rb").read():
                        print(path)
                except OSError:
                    pass
            print("looked at", len(secret))
            """,
            env={"TOKEN": "hush-" * 5},
        )
        assert (ended.code, heard.lines) == (0, ["looked at 25"])

    def test_many_jobs_run_at_once_and_keep_apart(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            source = "import sys; print(sys.argv[1] * 1000)"
            jobs: list[Job] = [await trial.job(backend, source, f"n{n}") for n in range(12)]
            outcomes = await asyncio.gather(*(trial.finished(backend, job) for job in jobs))
            for job, (ended, heard) in zip(jobs, outcomes, strict=True):
                assert (ended.code, heard.stdout.decode()) == (0, job.argv[0] * 1000 + "\n")

        trial.run(work)

    def test_a_sink_that_fails_ends_the_job_and_reaches_who_waits(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            pids = asyncio.get_running_loop().create_future()

            def sink(_stream: str, data: bytes) -> None:
                if not pids.done():
                    pids.set_result(data.split()[0].decode())
                raise OSError("no space left")

            source = "import os\nwhile True: print(os.getpid(), 'x' * 100, flush=True)"
            handle = await backend.start(await trial.job(backend, source), sink)
            with pytest.raises(OSError, match="no space left"):
                await handle.wait()
            assert await trial.alive(backend, [await pids]) == []

        trial.run(work)
