"""Records that a stranger forged: names that lead out, manifests, blobs, numbers and cells of his own."""

from __future__ import annotations

import contextlib
import json
import random
import re
from pathlib import Path
from typing import Any

from nbpipe.store.digests import digest_bytes
from nbpipe.store.manifest import Entry, Manifest
from nbpipe.store.results import _check
from tests.hardening import damage
from tests.hardening.stranger import CANARY, Trick, files

NAMES = {
    "prep": "../../../outside/precious.txt", "model": "<script>alert(1)</script>", "report": "\x1b]0;x\x07\x1b[2J\r",
    "clean": "..", "report.txt": "/etc/passwd", "pipeline": "]]><img src=x onerror=alert(1)>", "demo": "a\nb\u202ec",
    "weights": "../../../outside/precious.txt", "prep.py": "/etc/passwd", "rows": "<b>rows</b>", "birds": "\x1b[31m",
}  # fmt: skip
"""What steps, outputs, files, metrics and tags are called instead."""


def rename_all(state: Path, outside: Path) -> None:
    """Runs, results and histories have other names all through, so that they can be read as well as before."""
    for pattern in ("runs/*/*.json*", "registry/*/*.json*", "results/*/*.json"):
        for path in state.glob(pattern):
            lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
            told = [json.dumps(_renamed(json.loads(line), str(outside))) for line in lines]
            path.write_text("\n".join(told) + "\n")
    for path in state.glob("results/*/*.json"):
        _forge(path, json.loads(path.read_text()))
    for path in state.glob("runs/*/steps/*"):
        _, _, name = path.name.partition("-")
        path.rename(path.with_name(f"{path.name[0]}-{SLUGS[name]}"))
    (state / "runs" / "last").write_text("../../outside")


SLUGS = {"prep": "outside-precious.txt", "model": "script-alert-1-script", "report": "0-x-2J"}
"""How the folders of the steps with such names are called."""


def _renamed(value: Any, outside: str) -> Any:
    if isinstance(value, dict):
        return {NAMES.get(name, name): _renamed(each, outside) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, outside) for each in value]
    if isinstance(value, str):
        return f"{outside}/{value}" if value.startswith("steps/") else NAMES.get(value, value)
    return value


def _forge(path: Path, record: dict[str, Any]) -> None:
    """A result that bears its own check."""
    record.pop("check", None)
    path.chmod(0o600)
    path.write_text(json.dumps({**record, "check": _check(record)}))


def forge_manifests(state: Path, outside: Path) -> None:
    """Results name trees whose manifests say that a file of theirs lies outside, each under its right digest."""
    for number, path in enumerate(sorted(state.glob("results/*/*.json"))):
        record = json.loads(path.read_text())
        for name in record["outputs"]:
            wanted = [
                Manifest("file", (Entry("../" * 6 + "outside/precious.txt", "file", 9, 0o644, "0" * 64),)),
                Manifest("folder", (Entry("..", "folder"), Entry("../x", "link", target="../../../outside"))),
                Manifest(
                    "folder", (Entry("a", "link", target=str(outside)), Entry("b", "link", target="../../x"))
                ),
            ][number % 3]
            record["outputs"][name] = plant(state, wanted)
        _forge(path, record)
    for path in state.glob("runs/*/events.jsonl"):
        _point_to(path, plant(state, Manifest("file", (Entry("/etc/passwd", "file", 9, 0o644, "0" * 64),))))


def plant(state: Path, manifest: Manifest) -> str:
    """Put a manifest where its digest says, and a folder for its tree."""
    data = manifest.to_bytes()
    blob = state / "objects" / digest_bytes(data)[:2] / digest_bytes(data)
    blob.parent.mkdir(exist_ok=True)
    if not blob.exists():
        blob.write_bytes(data)
    blob.with_name(blob.name + ".tree").mkdir(exist_ok=True)
    return blob.name


def _point_to(events: Path, digest: str) -> None:
    told = [json.loads(line) for line in events.read_text().splitlines()]
    for event in told:
        for name in event.get("outputs", {}):
            event["outputs"][name] = digest
    events.write_text("".join(json.dumps(event) + "\n" for event in told))


NUMBERS = ["1" + "0" * 400, "9" * 5000, "-1", "1e15", "9" * 15, "1e999", "-1e999", "NaN"]


def leave_numbers(number: str) -> Trick:
    """Every number of every record is this one, but those that say which format it has."""

    def trick(state: Path, outside: Path) -> None:
        for path in files(state):
            if path.suffix in (".json", ".jsonl", ".stamp") and ".tree" not in str(path):
                path.chmod(0o600)
                lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
                told = [json.dumps(_numbered(json.loads(line))).replace('"NUMBER"', number) for line in lines]
                path.write_text("\n".join(told) + "\n")
        for path in state.glob("results/*/*.json"):
            with contextlib.suppress(ValueError):
                _forge(path, json.loads(path.read_text()))
        for path in state.glob("runs/*/steps/*/1"):
            (path / "order").write_text(f"o {number}\ne {number}\n")
        for folder in (state / "runs", *state.glob("results/*")):
            (folder / ("9" * 25)).mkdir()
            (folder / f"{'8' * 25}.json").write_text("{}")
        (state / "runs" / "last").write_text(number)

    return trick


def _numbered(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _numbered(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbered(each) for each in value]
    told = isinstance(value, int | float) and not isinstance(value, bool)
    return "NUMBER" if told and name not in ("format", "nbpipe_graph", "scheme") else value


def leave_a_huge_version(state: Path, outside: Path) -> None:
    """The marker's number has more digits than Python reads."""
    (state / "VERSION").write_text(f"nbpipe {'9' * 5000}\n")


def forge_blobs(chance: random.Random) -> Trick:
    """What is kept under its digest says something else, and everything that names it names the forgery."""

    def trick(state: Path, outside: Path) -> None:
        renamed = {}
        for blob in sorted(state.glob("objects/??/*")):
            if blob.is_file() and not blob.suffix and (told := _as_json(blob)) is not None:
                data = json.dumps(damage.retold(told, chance)).encode()
                renamed[blob.name] = digest = digest_bytes(data)
                twin = state / "objects" / digest[:2] / digest
                twin.parent.mkdir(exist_ok=True)
                twin.write_bytes(data)
                for ending in (".tree", ".stamp"):
                    if (beside := blob.with_name(blob.name + ending)).exists():
                        beside.rename(twin.with_name(twin.name + ending))
        for path in files(state):
            if path.suffix in (".json", ".jsonl"):
                path.write_text(
                    re.sub(r"[0-9a-f]{64}", lambda found: renamed.get(found[0], found[0]), path.read_text())
                )
        for path in state.glob("results/*/*.json"):
            _forge(path, json.loads(path.read_text()))

    return trick


def _as_json(path: Path) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(path.read_bytes())
    return None


def save_other_cells(state: Path, outside: Path) -> None:
    """The cells that a restarted kernel remembers have other scripts, for files of the user's and in other folders."""
    (outside / "code").mkdir()
    for path in state.glob("registry/notebooks/*.json"):
        told = json.loads(path.read_text())
        for number, declaration in enumerate(told["declarations"]):
            declaration["body"] = CANARY.format(marker=str(outside / "canary"))
            options = (
                "--overwrite",
                f"--overwrite --source-directory {outside}/code",
                "--source-directory .",
            )[number % 3]
            declaration["line"] = f"{options} {declaration['line']}"
        path.write_text(json.dumps(told))
