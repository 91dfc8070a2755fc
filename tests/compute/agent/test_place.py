"""A job's folder holds what its parcel says, and nothing of a parcel or of what is kept reaches beyond it."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from nbpipe.compute.agent.objects import Objects
from nbpipe.compute.agent.place import Place
from nbpipe.compute.agent.refusal import Refusal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents work under Linux")


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(os.fspath(tmp_path))


def kept(objects: Objects, content: bytes = b"abc") -> str:
    """The digest of an object that is there."""
    digest = blake3(content).hexdigest()
    source = Path(objects.path("0" * 64) + "-source")
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(content)
    objects.adopt(os.fspath(source), digest)
    return digest


def laid_out(tmp_path: Path, objects: Objects, **parcel: Any) -> Place:
    place = Place(os.fspath(tmp_path / "place"), objects, parcel)
    place.lay_out()
    return place


@pytest.mark.parametrize(
    "inside",
    ["a/b", "a/b/c", "../b", "/b", "a/../../b", "", ".", "./b", "c//b", "c/", "b\0"],
)
@pytest.mark.parametrize("what", ["files", "folders", "links"])
def test_nothing_of_a_parcel_lies_outside_or_behind_a_link(
    tmp_path: Path, objects: Objects, inside: str, what: str
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = {"a": os.fspath(elsewhere)}
    parcel: dict[str, Any] = {"links": link}
    parcel[what] = {
        "files": {inside: (kept(objects), 0o600, False)},
        "folders": [inside],
        "links": {**link, inside: "x"},
    }[what]
    with pytest.raises(Refusal):
        laid_out(tmp_path, objects, **parcel)
    assert list(elsewhere.iterdir()) == []
    assert not (tmp_path / "place").exists()


def test_nothing_of_a_parcel_lies_behind_a_file_of_it(tmp_path: Path, objects: Objects):
    file = (kept(objects), 0o444, True)
    with pytest.raises(Refusal, match="would lie behind 'a', which is no folder"):
        laid_out(tmp_path, objects, files={"a": file}, links={"a/b": "x"})


def test_a_link_that_goes_out_and_back_is_told_as_it_goes_inside(tmp_path: Path, objects: Objects):
    place = laid_out(tmp_path, objects, folders=["out/model/deep"], results=["out/model"])
    model = tmp_path / "place/out/model"
    (model / "file").write_bytes(b"abc")
    (model / "absolute").symlink_to(model / "file")
    (model / "deep/around").symlink_to("../../../../place/out/model/file")
    (model / "chain").symlink_to(model / "absolute")
    (model / "gone").symlink_to(model / "not there")
    (model / "away").symlink_to("/etc/passwd")
    told = {entry["path"]: entry["target"] for entry in place.listing()["entries"] if entry["type"] == "link"}
    assert told == {
        "out/model/absolute": "file",
        "out/model/deep/around": "../file",
        "out/model/chain": "absolute",
        "out/model/gone": "not there",
        "out/model/away": "/etc/passwd",
    }


def test_a_result_behind_a_link_is_refused_with_a_word(tmp_path: Path, objects: Objects):
    place = laid_out(tmp_path, objects, folders=["out/model"], results=["out/model/weights"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "weights").write_bytes(b"abc")
    (tmp_path / "place/out/model").rmdir()
    (tmp_path / "place/out/model").symlink_to(elsewhere)
    with pytest.raises(Refusal, match="out/model/weights lies behind out/model, a link to"):
        place.listing()
    with pytest.raises(Refusal, match="is no result"):
        place.read("out/model/weights", 0, 10)
    place.adopt({"out/model/weights": blake3(b"abc").hexdigest()})
    assert (elsewhere / "weights").read_bytes() == b"abc"


def test_a_result_with_a_second_name_is_kept_and_the_other_name_stays_its_owners(
    tmp_path: Path, objects: Objects
):
    place = laid_out(tmp_path, objects, folders=["out"], results=["out/data"])
    mine = tmp_path / "mine"
    mine.write_bytes(b"abc")
    mine.chmod(0o640)
    os.utime(mine, ns=(5, 5))
    (tmp_path / "place/out/data").hardlink_to(mine)
    digest = blake3(b"abc").hexdigest()
    place.adopt({"out/data": digest})
    status = mine.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o640, 5)
    assert objects.has(digest, 3)
    mine.write_bytes(b"ABC")
    assert Path(objects.path(digest)).read_bytes() == b"abc"
    assert list((tmp_path / "partial").iterdir()) == []


def test_two_results_of_one_content_are_both_told_and_kept(tmp_path: Path, objects: Objects):
    place = laid_out(
        tmp_path, objects, files={"in": (kept(objects), 0o444, True)}, folders=["out"], results=["out"]
    )
    os.link(tmp_path / "place/in", tmp_path / "place/out/a")
    os.link(tmp_path / "place/out/a", tmp_path / "place/out/b")
    listed = place.listing()
    assert [(each["path"], each["type"]) for each in listed["entries"]] == [
        ("out", "folder"), ("out/a", "file"), ("out/b", "file"),
    ]  # fmt: skip
    assert listed["changed"] == []
    assert place.read("out/b", 0, 10)[1] == b"abc"
    place.adopt(dict.fromkeys(["out/a", "out/b"], blake3(b"abc").hexdigest()))
    assert objects.has(blake3(b"abc").hexdigest(), 3)
