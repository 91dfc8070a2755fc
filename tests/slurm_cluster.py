"""A real SLURM on this machine for tests: munge, a controller and three nodes, in a folder of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.waiting import eventually

CONF = """
ClusterName=practice
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={sockets}/munge
CredType=cred/munge
SlurmctldPort={port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={sockets}/%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=1
BatchStartTimeout=120
MessageTimeout=60
SlurmdTimeout=300
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
{nodes}
PartitionName=debug Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
PartitionName=small Nodes=n3 MaxTime=INFINITE State=UP
"""
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "scontrol")


@dataclass
class SlurmCluster:
    """A cluster that runs; `environ` is what its programs have to be called with, `sockets` has the nodes' spools."""

    folder: Path
    sockets: Path

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**kept, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *words: str) -> str:
        done = subprocess.run(words, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def controller(self) -> None:
        self.call("slurmctld", "-f", str(self.folder / "slurm.conf"))


def missing() -> str:
    """Why no SLURM can be started here, or empty."""
    if os.getuid() != 0:
        return "SLURM's daemons want to be root here"
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    absent = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    return f"SLURM is not installed: no {', '.join(absent)}" if absent else ""


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[SlurmCluster]:
    """A cluster whose daemons are gone at the end."""
    # Each step of a job has a socket in the spool. Where its path has more than 107 bytes, SLURM cancels the job.
    with TemporaryDirectory(prefix="slurm-", dir="/tmp") as sockets:
        yield from _cluster_in(folder, Path(sockets))


def _cluster_in(folder: Path, sockets: Path) -> Iterator[SlurmCluster]:
    ports = _free_ports(4)
    host = socket.gethostname()
    nodes = "\n".join(
        f"NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=4000 State=UNKNOWN"
        for number, port in enumerate(ports[1:], 1)
    )
    for place in (folder / "state", *(sockets / f"n{number}" for number in (1, 2, 3))):
        place.mkdir(parents=True)
    conf = CONF.format(host=host, user="root", folder=folder, sockets=sockets, port=ports[0], nodes=nodes)
    (folder / "slurm.conf").write_text(conf)
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)
    cluster = SlurmCluster(folder, sockets)
    places = {
        "key-file": folder / "munge.key",
        "socket": sockets / "munge",
        "pid-file": folder / "munge.pid",
        "log-file": folder / "munge.log",
        "seed-file": folder / "munge.seed",
    }
    try:
        cluster.call("munged", "--force", *(f"--{option}={place}" for option, place in places.items()))
        cluster.controller()
        for number in (1, 2, 3):
            cluster.call("slurmd", "-f", str(folder / "slurm.conf"), "-N", f"n{number}")
        eventually(lambda: cluster.call("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * 3, 60)
        try:
            yield cluster
        finally:  # a test that failed leaves jobs, which outlive their daemons
            cluster.call("scancel", "--me")
            eventually(lambda: not cluster.call("squeue", "-h"), 60)
    finally:
        for names in (("n1", "n2", "n3"), ("controller",), ("munge",)):
            _end([folder / f"{name}.pid" for name in names])


def _end(pid_files: list[Path]) -> None:
    """End daemons at once, and see that they are gone: nodes take their time for it."""
    pids = [int(file.read_text()) for file in pid_files if file.exists()]
    for pid in pids:
        subprocess.run(["kill", str(pid)], capture_output=True, check=False)
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 60)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
