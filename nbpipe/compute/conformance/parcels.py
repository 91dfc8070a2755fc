"""A parcel is laid out as it says, and of its content only what is missing travels."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from dataclasses import replace

import pytest

from nbpipe.compute.base import Backend, Collected, Job, Parcel, Placed
from nbpipe.compute.conformance.trial import Laws, Trial, needs_parcels
from nbpipe.errors import NbpipeError

_LOOK_AROUND = """
import json, os, stat, sys
found = {}
for folder, names, files in os.walk("."):
    for name in names + files:
        path = os.path.join(folder, name)
        found[path[2:]] = (
            ["link", os.readlink(path)] if os.path.islink(path) and os.readlink(path)[0] != "/"
            else ["folder", sorted(os.listdir(path))] if os.path.isdir(path)
            else [oct(stat.S_IMODE(os.stat(path).st_mode)), open(path, "rb").read().decode("latin-1")]
        )
sys.stdout.write(json.dumps(found))
"""


class ParcelLaws(Laws):
    """Laws of what a job finds in its folder."""

    def test_a_parcel_is_laid_out_as_it_says(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            parcel = trial.parcel({"in/a b\u2603": b"own", "deep/er/x": b"", "\udcff": b"odd"})
            run = trial.parcel({"run.sh": b"#!/bin/sh\n"}, mode=0o700)
            linked = trial.parcel({"linked": b"kept"}, link=True)
            whole = Parcel(
                files={**parcel.files, **run.files, **linked.files},
                objects={**parcel.objects, **run.objects, **linked.objects},
                folders=("out/empty",),
                links={"in/again": "a b\u2603"},
            )
            job = await trial.job(backend, _LOOK_AROUND, parcel=whole)
            _, heard = await trial.finished(backend, job)
            found = json.loads(heard.stdout)
            assert found.pop("script.py")[0] == "0o600"
            assert found.pop("linked")[1] == "kept"
            assert {path: entry for path, entry in found.items() if entry[0] != "folder"} == {
                "in/a b\u2603": ["0o600", "own"],
                "in/again": ["link", "a b\u2603"],
                "deep/er/x": ["0o600", ""],
                "\udcff": ["0o600", "odd"],
                "run.sh": ["0o700", "#!/bin/sh\n"],
            }
            assert found["out/empty"] == ["folder", []]

        trial.run(work)

    def test_the_place_stands_for_the_jobs_folder(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            source = """
                import json, os, sys
                print(json.dumps([sys.argv, os.environ["AT"], os.getcwd(), os.path.realpath(__file__)]))
            """
            job = await trial.job(backend, source, parcel=Parcel(folders=("work",)))
            job = replace(
                job,
                argv=(f"--out={job.place}/out", job.place),
                cwd=job.cwd / "work",
                script=f"{job.place}/script.py",
                env={"AT": f"{job.place}:{job.place}/x"},
            )
            ended, heard = await trial.finished(backend, job)
            assert ended.code == 0, heard.stderr
            argv, at, cwd, script = json.loads(heard.stdout)
            folder = argv[2]
            assert argv == [f"{folder}/script.py", f"--out={folder}/out", folder]
            assert (at, os.path.basename(cwd)) == (f"{folder}:{folder}/x", "work")
            assert script.endswith("/script.py")

        trial.run(work)

    def test_only_what_is_missing_travels(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            large, small = secrets.token_bytes(3_000_000), secrets.token_bytes(10)
            job = await trial.job(backend, "", parcel=trial.parcel({"a": large, "b": small, "c": small}))
            script = (trial.folder / job.attempt_id / "script.py").stat().st_size
            _, heard = await trial.finished(backend, job)
            sent = heard.named("sending")
            assert sent[-1].done == sent[-1].total == 3_000_010 + script
            assert sorted(phase.done for phase in sent) == [phase.done for phase in sent]

            more = trial.parcel({"a": large, "b": small, "d": b"new" + secrets.token_bytes(9)})
            _, heard = await trial.finished(backend, await trial.job(backend, "", parcel=more))
            assert heard.named("sending")[-1].total == 12

            _, heard = await trial.finished(backend, await trial.job(backend, "", parcel=more))
            assert heard.named("sending") == []
            assert heard.named("running")[0].where

        trial.run(work)

    def test_jobs_that_start_together_share_what_they_need(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            parcel = trial.parcel({"in": secrets.token_bytes(2_000_000)})
            source = "import os; print(os.path.getsize('in'))"
            jobs: list[Job] = [await trial.job(backend, source, parcel=parcel) for _ in range(6)]
            outcomes = await asyncio.gather(*(trial.finished(backend, job) for job in jobs))
            assert [heard.stdout for _, heard in outcomes] == [b"2000000\n"] * 6

        trial.run(work)

    def test_a_linked_file_that_a_job_changed_is_noticed_and_is_whole_for_the_next(
        self, trial: Trial
    ) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            parcel = trial.parcel({"in/kept": secrets.token_hex(8).encode()}, link=True)
            source = """
                import os
                print(open("in/kept").read())
                os.chmod("in/kept", 0o600)
                with open("in/kept", "r+") as file:
                    file.write("changed!")
            """
            first = await self._collected(trial, backend, source, parcel)
            assert first[1].changed == ("in/kept",)
            second = await self._collected(trial, backend, "print(open('in/kept').read())", parcel)
            assert second == (first[0], Collected())

        trial.run(work)

    def test_a_copy_is_the_jobs_own(self, trial: Trial) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            parcel = trial.parcel({"in/own": secrets.token_hex(8).encode()})
            source = """
                print(open("in/own").read())
                with open("in/own", "w") as file:
                    file.write("changed")
            """
            first = await self._collected(trial, backend, source, parcel)
            assert first[1].changed == ()
            assert (await self._collected(trial, backend, source, parcel))[0] == first[0]

        trial.run(work)

    async def _collected(
        self, trial: Trial, backend: Backend, source: str, parcel: Parcel
    ) -> tuple[bytes, Collected]:
        job = await trial.job(backend, source, parcel=parcel)
        handle, heard = await trial.started(backend, job)
        assert (await handle.wait()).code == 0, heard.stderr
        return heard.stdout, await handle.collect(trial.folder / f"home-{job.attempt_id}")

    @pytest.mark.parametrize("size", [10, 3_000_000])
    def test_an_object_that_is_damaged_here_is_not_sent(self, trial: Trial, size: int) -> None:
        async def work(backend: Backend) -> None:
            needs_parcels(backend)
            digest, path = trial.content(secrets.token_bytes(size))
            good = path.read_bytes()
            path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
            parcel = Parcel(files={"in": Placed(digest)}, objects={digest: path})
            job = await trial.job(backend, "print(open('in', 'rb').read() == b'')", parcel=parcel)
            with pytest.raises(NbpipeError, match="damaged") as error:
                await trial.started(backend, job)
            assert path.name in str(error.value)
            path.write_bytes(good)
            ended, _ = await trial.finished(backend, job)
            assert ended.code == 0

        trial.run(work)
