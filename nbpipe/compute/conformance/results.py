"""What a job leaves at the places of its results comes home as it is, and nothing else does."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from nbpipe.compute.base import Backend, Collected, Parcel, Placed
from nbpipe.compute.conformance.trial import Heard, Laws, Trial, needs_parcels


def tree(root: Path) -> dict[bytes, tuple[str, bytes]]:
    """Everything below a folder: its relative path -> its kind and permission bits, and its content or target."""
    top = os.fsencode(root)
    found: dict[bytes, tuple[str, bytes]] = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            kind, bits = stat.filemode(mode)[0], stat.filemode(mode)[1:]
            content = (
                b""
                if kind == "d"
                else os.readlink(path)
                if kind == "l"
                else Path(os.fsdecode(path)).read_bytes()
            )
            found[os.path.relpath(path, top)] = ("l" if kind == "l" else kind + bits, content)
    return found


class ResultLaws(Laws):
    """Laws of what is brought home."""

    def collected(
        self, trial: Trial, source: str, *results: str
    ) -> tuple[dict[bytes, tuple[str, bytes]], Collected, Heard]:
        """What came home of a script."""

        async def work(backend: Backend) -> tuple[dict[bytes, tuple[str, bytes]], Collected, Heard]:
            needs_parcels(backend)
            home = trial.folder / "home"
            job = await trial.job(
                backend, "import os\nos.umask(0o022)\n" + source, parcel=Parcel(results=results)
            )
            handle, heard = await trial.started(backend, job)
            assert (await handle.wait()).code == 0, heard.stderr
            collected = await handle.collect(home)
            await handle.forget({})
            return tree(home), collected, heard

        return trial.run(work)

    def test_files_folders_modes_and_links_come_home_as_they_are(self, trial: Trial) -> None:
        source = """
os.makedirs("out/model/empty")
open("out/model/a b", "w").write("text")
open("out/model/run", "w").write("#!")
os.chmod("out/model/run", 0o755)
os.chmod("out/model/empty", 0o700)
os.symlink("a b", "out/model/link")
os.symlink("/nowhere/at/all", "out/model/dangling")
os.symlink("empty", "out/model/to-folder")
"""
        found, collected, heard = self.collected(trial, source, "out/model")
        assert found == {
            b"out": ("drwx------", b""),
            b"out/model": ("drwxr-xr-x", b""),
            b"out/model/empty": ("drwx------", b""),
            b"out/model/a b": ("-rw-r--r--", b"text"),
            b"out/model/run": ("-rwxr-xr-x", b"#!"),
            b"out/model/link": ("l", b"a b"),
            b"out/model/dangling": ("l", b"/nowhere/at/all"),
            b"out/model/to-folder": ("l", b"empty"),
        }
        assert collected == Collected()
        fetched = heard.named("fetching")
        assert fetched[-1].done == fetched[-1].total == 6

    def test_names_may_be_odd(self, trial: Trial) -> None:
        source = r"""
for name in (b"\xff\xfe", "\u2603".encode(), b"line\nbreak", b" ", b"a\\b", b"-x", b"..."):
    open(os.path.join(b"out", name), "wb").write(name)
"""
        found, _, _ = self.collected(trial, "os.mkdir('out')\n" + source, "out")
        files = {path: entry[1] for path, entry in found.items() if path != b"out"}
        assert files == {b"out/" + content: content for content in files.values()}
        assert len(files) == 7

    def test_a_result_may_be_a_file_large_or_empty_or_not_there(self, trial: Trial) -> None:
        source = """
import random
open("large", "wb").write(random.Random(7).randbytes(7_000_001))
open("empty", "w").close()
"""
        found, _, _ = self.collected(trial, source, "large", "empty", "nowhere/at/all")
        assert set(found) == {b"large", b"empty"}
        assert len(found[b"large"][1]) == 7_000_001

    def test_what_is_no_result_stays_there_and_is_named(self, trial: Trial) -> None:
        source = """
os.mkdir("out")
os.mkdir("cache")
open("out/a", "w").write("a")
open("cache/b", "w").write("b")
open("c", "w").write("c")
"""
        found, collected, _ = self.collected(trial, source, "out")
        assert set(found) == {b"out", b"out/a"}
        assert sorted(collected.written) == ["c", "cache/b"]

    def test_many_small_files_come_home(self, trial: Trial) -> None:
        source = """
for n in range(300):
    os.makedirs("out/%d" % (n % 7), exist_ok=True)
    open("out/%d/%d" % (n % 7, n), "w").write(str(n))
"""
        found, _, _ = self.collected(trial, source, "out")
        assert {int(path.split(b"/")[2]): int(entry[1]) for path, entry in found.items() if entry[1]} == {
            n: n for n in range(300)
        }

    def test_results_can_be_collected_again_and_by_another_holder(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            parcel = Parcel(results=("out",))
            job = await trial.job(backend, "open('out', 'w').write('mine')", parcel=parcel)
            handle, _ = await trial.started(backend, job)
            await handle.wait()
            home = trial.folder / "home"
            await handle.collect(home)
            home.joinpath("out").write_text("something longer")
            await handle.collect(home)
            assert home.joinpath("out").read_text() == "mine"
            again = await backend.attach(job, Heard().sink)
            if again is not None:
                await again.wait()
                await again.collect(trial.folder / "other")
                assert trial.folder.joinpath("other/out").read_text() == "mine"

        trial.run(work)

    def test_results_that_are_kept_need_not_be_sent(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            data = secrets.token_bytes(100_000)
            parcel = trial.parcel({"in": data}, results=("out/copy",))
            source = "import os, shutil\nos.mkdir('out')\nopen('out/copy', 'wb').write(open('in', 'rb').read()[::-1])"
            job = await trial.job(backend, source, parcel=parcel)
            handle, _ = await trial.started(backend, job)
            assert (await handle.wait()).code == 0
            await handle.collect(trial.folder / "home")
            digest, path = trial.content(data[::-1])
            assert path.read_bytes() == trial.folder.joinpath("home/out/copy").read_bytes()
            await handle.forget({"out/copy": digest})
            path.write_bytes(bytes(len(data)))  # to send it would fail
            wanted = Parcel({"x": Placed(digest, link=True)}, objects={digest: path})
            job = await trial.job(backend, "print(len(open('x', 'rb').read()))", parcel=wanted)
            _, heard = await trial.finished(backend, job)
            assert heard.stdout == b"100000\n"

        trial.run(work)
