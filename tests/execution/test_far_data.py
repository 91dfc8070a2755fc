"""Data behind URLs: counted by version, fetched once, brought before a step starts."""

from __future__ import annotations

import pytest

from nbpipe.core.data import PipelineData
from nbpipe.core.dataset import Dataset
from nbpipe.core.datastore import Datastore
from nbpipe.errors import InvalidPipeline, StoreError, UsageError
from nbpipe.execution.far_data import FarData
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore
from nbpipe.store.opening import open_folder
from nbpipe.store.transfer import Meter
from tests.object_servers import azure, s3
from tests.projects import COPY, Project, project, words

__all__ = ["azure", "project", "s3"]


def nobody(count: int) -> None:
    pass


@pytest.fixture(params=["s3", "azure"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def raw(server, tmp_path):
    folder = server.open(f"far-{tmp_path.name}")
    folder.create("raw/a.csv", b"a,b\n", nobody)
    folder.create("raw/deep/b.csv", b"1,2\n", nobody)
    folder.create("raw/notes.txt", b"none", nobody)
    return folder


@pytest.fixture
def far(server, tmp_path):
    (tmp_path / "lab").mkdir()
    state = StateFolder(tmp_path / "lab")
    digests = FileDigests(state)
    objects = ObjectStore(state, digests)
    far = FarData(
        state, objects, digests, lambda url: open_folder(url, server.options()), clock=lambda: far.now
    )
    far.now = 0.0
    return far


def test_a_url_is_a_file_a_folder_or_a_pattern(raw, far):
    files, is_file = far.find(f"{raw.url}/raw/a.csv")
    assert (list(files), is_file) == (["a.csv"], True)
    files, is_file = far.find(f"{raw.url}/raw")
    assert (list(files), is_file) == (["a.csv", "deep/b.csv", "notes.txt"], False)
    assert list(far.find(f"{raw.url}/raw/*.csv")[0]) == ["a.csv"]
    assert list(far.find(f"{raw.url}/raw/**/*.csv")[0]) == ["a.csv", "deep/b.csv"]
    with pytest.raises(UsageError, match="there is nothing at"):
        far.find(f"{raw.url}/nothing")


def test_new_content_is_another_version_once_it_is_looked_at_again(raw, far):
    url = f"{raw.url}/raw/a.csv"
    before = far.find(url)[0]["a.csv"].version
    raw.replace("raw/a.csv", b"a,c\n", nobody)
    assert far.find(url)[0]["a.csv"].version == before
    far.now = 60.0
    assert far.find(url)[0]["a.csv"].version != before


def test_a_version_is_fetched_once_and_again_where_its_copy_was_changed(raw, far):
    file = far.find(f"{raw.url}/raw/a.csv")[0]["a.csv"]
    told = []
    path = far.fetch(file, Meter(file.size, told.append))
    assert path.read_bytes() == b"a,b\n"
    assert told[-1].done == file.size
    raw.replace("raw/a.csv", b"other", nobody)
    assert far.fetch(file, Meter(file.size)) == path
    path.chmod(0o600)
    path.write_bytes(b"evil")
    with pytest.raises(StoreError, match="changed while it was fetched"):
        far.fetch(file, Meter(file.size))


@pytest.mark.runner
def test_a_step_reads_what_lies_in_a_datastore_and_runs_again_when_that_changes(
    server, raw, project: Project, monkeypatch
):
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.options().get("connection_string", ""))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    options = {"endpoint_url": server.options()["endpoint_url"]} if server.kind == "s3" else {}
    store = Datastore.register(project.workspace, "raw", raw.url, options)

    def run():
        data = Dataset.File.from_files((store, "raw/a.csv")).as_named_input("data").as_mount()
        copy = PipelineData("copy")
        return project.run(project.cell("prep", COPY, "", arguments=[data, copy], outputs=[copy]))

    first = run()
    assert words(first) == {"prep": "done"}
    assert project.text(first, "prep", "copy") == "a,b\n"
    assert words(run()) == {"prep": "reused"}
    raw.replace("raw/a.csv", b"new\n", nobody)
    second = run()
    assert words(second) == {"prep": "done"}
    assert project.text(second, "prep", "copy") == "new\n"


def test_data_that_are_not_there_stop_a_run_before_it_begins(server, raw, project: Project, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.options().get("connection_string", ""))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    options = {"endpoint_url": server.options()["endpoint_url"]} if server.kind == "s3" else {}
    store = Datastore.register(project.workspace, "raw", raw.url, options)
    data = Dataset.File.from_files((store, "raw/none.csv")).as_named_input("data").as_mount()
    with pytest.raises(InvalidPipeline, match="there is nothing at"):
        project.submit(project.cell("prep", COPY, "{>copy.csv}", inputs=[data]))
