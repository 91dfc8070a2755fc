"""At every write of the store the disk fails, is full, or loses power: then all is whole or absent, and goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from nbpipe.core.events import StepQueued
from nbpipe.errors import StoreError
from nbpipe.execution.journal import Journal
from nbpipe.execution.memory import StoredMemory
from nbpipe.execution.requests import Request, leave_request, take_requests
from nbpipe.execution.run_folder import RunFolder
from nbpipe.store.collector import Collector
from nbpipe.store.digests import FileDigests
from nbpipe.store.files import read_json, write_json
from nbpipe.store.layout import StateFolder
from nbpipe.store.manifest import Kind
from nbpipe.store.objects import ObjectStore
from nbpipe.store.results import Results
from nbpipe.store.trees import differences
from tests.hardening.disk import Disk, Fault, Loss, PowerCut

KEY = "9c02" * 16
BLOB = b"print('a blob')\n" * 20


class Store:
    """The parts of the store as a process that has just begun sees them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = StateFolder(root)
        self.objects = ObjectStore(self.state, FileDigests(self.state))
        self.results = Results(self.state)
        self.memory = StoredMemory(self.results, self.objects)

    def publish(self, kind: Kind, files: dict[str, bytes]) -> str:
        """Publish an output that a script has just written."""
        place = self.root / "out" / "model"
        place.parent.mkdir(exist_ok=True)
        for name, content in files.items():
            target = place / name if kind == "folder" else place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return self.objects.publish(place, kind=kind).digest

    def assert_sound(self) -> None:
        """Nothing that a result or a name promises is torn."""
        for path in self.state.objects.glob("*/*.tree"):
            digest = path.name.removesuffix(".tree")
            with suppress(StoreError):  # without its manifest nobody takes it for whole
                assert differences(path, self.objects.manifest(digest), {})[0] == []
        for key in self.results.keys():  # noqa: SIM118 - no dict
            result = self.memory.result(key)
            for digest in result.outputs.values() if result else ():
                assert self.objects.check(digest) == []


def record(run: str, outputs: dict[str, str]) -> dict:
    return {
        "step": "train", "node": "train", "pipeline": "p", "outputs": outputs, "fingerprint": "",
        "finished": float(run),
    }  # fmt: skip


@dataclass
class Write:
    """A write of the store: what is there before, the write itself, and what must hold when it is made again."""

    do: Callable[[Store], object]
    holds: Callable[[Store], bool]
    before: Callable[[Store], object] = lambda store: store.state.ensure()


def many(count: int) -> dict[str, bytes]:
    return {f"part-{n % 3}/{n}.bin": f"{n}".encode() * 50 for n in range(count)}


def tree(kind: Kind, files: dict[str, bytes]) -> Write:
    def holds(store: Store) -> bool:
        digest = store.publish(kind, files)
        place = store.objects.path(digest)
        found = {name: (place / name if kind == "folder" else place).read_bytes() for name in files}
        return found == files and store.objects.complete(digest)

    return Write(lambda store: store.publish(kind, files), holds)


def publish_whole(store: Store) -> None:
    """All that a finished step leaves, in the order in which it is left."""
    digest = store.publish("file", {"model": b"weights" * 30})
    store.results.publish(KEY, "1", record("1", {"model": digest}))
    store.results.note(
        {"step": "train", "node": "train", "key": KEY, "run": "1", "status": "finished", "time": 1.0}
    )


def whole_holds(store: Store) -> bool:
    """A further run makes it if the first one did not."""
    if store.memory.result(KEY) is None:
        digest = store.publish("file", {"model": b"weights" * 30})
        assert store.results.publish(KEY, "2", record("2", {"model": digest}))
    result = store.memory.result(KEY)
    return result is not None and store.objects.path(result.outputs["model"]).read_bytes() == b"weights" * 30


def graph(store: Store) -> RunFolder:
    return RunFolder(store.state.run_folder("1"))


def graph_holds(store: Store) -> bool:
    with suppress(FileNotFoundError, StoreError):
        assert read_json(graph(store).graph) == {"graph": [1, 2]}
    write_json(graph(store).graph, {"graph": [1, 2]})
    return read_json(graph(store).graph) == {"graph": [1, 2]}


def event(node: str) -> StepQueued:
    return StepQueued(1.0, node, "a slot")


def events_hold(store: Store) -> bool:
    """Lines that were there stay; one that was torn is lost alone."""
    path = graph(store).events
    Journal(path).append(event("later"))
    told = Journal(path).read()
    return [each for each in told if each.node != "lost"] == [event("earlier"), event("later")]


def new_run(store: Store) -> None:
    for _ in range(2):
        store.state.new_run_id()


def numbers_hold(store: Store) -> bool:
    taken = store.state.run_ids()
    return int(store.state.new_run_id()) > max(map(int, taken), default=0)


def history_holds(store: Store) -> bool:
    note = {"step": "train", "node": "train", "key": KEY, "status": "failed"}
    store.results.note(note | {"run": "3", "time": 3.0})
    runs = [entry["run"] for entry in store.results.history("train")]
    return runs in (["1", "3"], ["1", "2", "3"], ["2", "3"], ["3"])


def collected(store: Store) -> None:
    collector = Collector(store.state, store.objects, store.results)
    collector.collect(collector.survey(keep_runs=0))


def make_garbage(store: Store) -> None:
    store.state.new_run_id()
    (graph(store).path / "events.jsonl").write_bytes(b"")
    os.utime(graph(store).path, (1, 1))
    publish_whole(store)


def script(store: Store, copies: int = 1) -> Path:
    path = store.root / "script.py"
    path.write_bytes(BLOB * copies)
    return path


def kept_script(store: Store, copies: int = 1) -> bool:
    return store.objects.get_bytes(store.objects.put_file(script(store, copies))) == BLOB * copies


LARGE = 5_000  # copies; 1.6 MB are more than what is read again each time
REQUEST = Request("stop", "train", "a test")
WRITES = {
    "bytes": Write(lambda store: store.objects.put_bytes(BLOB),
                   lambda store: store.objects.get_bytes(store.objects.put_bytes(BLOB)) == BLOB),
    "code": Write(lambda store: store.objects.put_file(script(store)), kept_script),
    "large code": Write(lambda store: store.objects.put_file(script(store, LARGE)),
                        lambda store: kept_script(store, LARGE)),
    "file": tree("file", {"model": b"weights" * 30}),
    "folder": tree("folder", many(5)),
    "folder of many": tree("folder", many(17)),
    "finished step": Write(publish_whole, whole_holds),
    "graph": Write(lambda store: write_json(graph(store).graph, {"graph": [1, 2]}), graph_holds,
                   lambda store: store.state.new_run_id()),
    "event": Write(lambda store: Journal(graph(store).events).append(event("lost")), events_hold,
                   lambda store: (store.state.new_run_id(), Journal(graph(store).events).append(event("earlier")))),
    "run id": Write(new_run, numbers_hold),
    "history": Write(
        lambda store: store.results.note({"step": "train", "node": "train", "key": KEY, "run": "2",
                                          "status": "failed", "time": 2.0}),
        history_holds,
        lambda store: store.results.note({"step": "train", "node": "train", "key": KEY, "run": "1",
                                          "status": "failed", "time": 1.0}),
    ),
    "request": Write(lambda store: leave_request(graph(store).requests, REQUEST),
                     lambda store: (leave_request(graph(store).requests, REQUEST),
                                    REQUEST in take_requests(graph(store).requests))[1],
                     lambda store: store.state.new_run_id()),
    "state folder": Write(lambda store: store.state.ensure(), lambda store: store.state.new_run_id() == "1",
                          lambda store: None),
    "gc": Write(collected, whole_holds, make_garbage),
}  # fmt: skip


def strike(root: Path, write: Write, fault: Fault, at: int, patch: pytest.MonkeyPatch) -> Disk:
    """Make a write on a disk that strikes at its n-th change."""
    root.mkdir()
    write.before(Store(root))
    disk = Disk(root, fault, at)
    with disk.at_work(patch), suppress(PowerCut, OSError, StoreError):
        write.do(Store(root))
    return disk


@pytest.mark.parametrize("fault", ["fail", pytest.param("tear", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WRITES)
def test_a_disk_that_fails_at_any_change_leaves_whole_or_none(tmp_path, monkeypatch, name, fault):
    at_each_change(tmp_path, monkeypatch, WRITES[name], fault, lambda _disk: None)


@pytest.mark.parametrize(
    ("loss", "where"),
    [
        ("zeros", ""),
        ("zeros", ".tree/"),  # whoever names the content was luckier
        pytest.param("empty", ".tree/", marks=pytest.mark.slow),
        pytest.param("zeros", "results/", marks=pytest.mark.slow),
        pytest.param("zeros", "objects/", marks=pytest.mark.slow),
        pytest.param("half", "", marks=pytest.mark.slow),
        pytest.param("empty", "", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", WRITES)
def test_a_power_cut_at_any_change_leaves_whole_or_none(tmp_path, monkeypatch, name, loss, where):
    at_each_change(tmp_path, monkeypatch, WRITES[name], "cut", lambda disk: disk.lose(loss, where))


def at_each_change(
    folder: Path, patch: pytest.MonkeyPatch, write: Write, fault: Fault, then: Callable[[Disk], None]
) -> None:
    """Strike at the first change, at the second, and so on, until there are no more."""
    for at in range(1, 400):
        root = folder / str(at)
        disk = strike(root, write, fault, at, patch)
        then(disk)
        Store(root).assert_sound()
        assert write.holds(Store(root)), f"change {at}"
        if not disk.struck:
            break
    assert at > 1
    assert not disk.struck


def test_what_a_script_left_unflushed_is_on_the_disk_before_a_result_names_it(tmp_path, monkeypatch):
    for loss in get_args(Loss):
        root = tmp_path / loss
        root.mkdir()
        store, disk = Store(root), Disk(root)
        store.state.ensure()
        with disk.at_work(monkeypatch):
            digest = store.publish("folder", many(5))
            result = store.results.publish(KEY, "1", record("1", {"model": digest}))
        disk.lose(loss)
        fresh = Store(root)
        assert result
        assert fresh.memory.result(KEY) is None  # itself it was not waited for
        path = root / ".nbpipe" / "objects" / digest[:2] / f"{digest}.tree"
        assert {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*.bin")} == many(5)


def test_a_model_of_the_disk_takes_what_was_not_flushed(tmp_path, monkeypatch):
    path, kept = tmp_path / "torn", tmp_path / "kept"
    disk = Disk(tmp_path)
    with disk.at_work(monkeypatch):
        for each in (path, kept):
            each.write_bytes(b"x" * 10)
        fd = os.open(kept, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
    disk.lose("zeros")
    assert (path.read_bytes(), kept.read_bytes()) == (bytes(10), b"x" * 10)
