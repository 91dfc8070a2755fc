"""Where a step runs, as declared; ``nbpipe/compute`` carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError

LOCAL = "local"
"""Name of the target every workspace has: processes on this machine."""

_TLS = ("tls_ca_file", "tls_client_cert", "tls_client_key")
_PEM = "-----BEGIN"


@dataclass(frozen=True)
class TargetStatus:
    """What came of a look at a compute target.

    Attributes:
        ready: it answers.
        machine: how it calls itself.
        python: version of its own interpreter, ``3.11.7``.
        cpus, gpus: how many it has.
        memory: bytes.
        disk: bytes free where steps work, or None where that is not known.
        slots: steps that run there at once.
        problem: why it is not ready, or empty.
        remedy: what to do then, or empty.

    Example:
        >>> print(TargetStatus(ready=False, problem="gpu-box does not answer."))
        gpu-box does not answer.
    """

    ready: bool
    machine: str = ""
    python: str = ""
    cpus: int = 0
    gpus: int = 0
    memory: int = 0
    disk: int | None = None
    slots: int = 0
    problem: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return "ready" if self.ready else self.problem


class Targets(Protocol):
    """What a workspace does for its compute targets."""

    def find(self, name: str) -> ComputeTarget:
        """The target of that name.

        Raises:
            UnknownName: there is none; the message names those there are.
        """

    def attach(
        self, name: str, type: str, settings: Mapping[str, Any], secrets: Mapping[str, Any]  # noqa: A002
    ) -> ComputeTarget:  # fmt: skip
        """Keep a target; one of that name is replaced."""

    def delete(self, name: str) -> None:
        """Forget a target."""

    def status(self, name: str) -> TargetStatus:
        """Look at a target now."""

    def takes_nodes(self, type: str) -> bool:  # noqa: A002 - as the field
        """Whether a step can have several machines on targets of a type."""


@dataclass(frozen=True)
class AttachConfiguration:
    """How a machine is reached, to be given to ``ComputeTarget.attach`` (Azure ML v1's shape).

    Attributes:
        type: kind of the target.
        settings: what its backend is opened with.
    """

    type: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ComputeTarget:
    """A compute target of a workspace, by name.

    Attributes:
        workspace: the workspace that has it, or None.
        name: how steps call it.
        type: its kind: ``local``, ``ssh``, ``dask``, ``slurm``, ``practice``, one that a package brings, or one of
            Azure ML v1's (``AmlCompute``, ``VirtualMachine``, ...). Left out, the target is looked up in its
            workspace, as in v1.
        settings: what its backend is opened with, as JSON; paths of keys, never keys.
        in_memory: names of further settings, which were given as they are and are written nowhere.

    Raises:
        UnknownName: it is looked up, and the workspace has no such target.

    Example:
        >>> ComputeTarget(None, "local").type
        'local'
    """

    workspace: Any = field(repr=False, compare=False)
    name: str
    type: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    in_memory: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.type:
            return
        found = None if self.workspace is None else _targets(self.workspace).find(self.name)
        object.__setattr__(self, "type", found.type if found else LOCAL)
        if found:
            object.__setattr__(self, "settings", found.settings)
            object.__setattr__(self, "in_memory", found.in_memory)

    @property
    def takes_nodes(self) -> bool:
        """Whether a step can have several machines of it, for MPI."""
        return self.workspace is not None and _targets(self.workspace).takes_nodes(self.type)

    @staticmethod
    def attach(
        workspace: Any,
        name: str,
        attach_configuration: str | AttachConfiguration,
        **settings: Any,
    ) -> ComputeTarget:
        """Make a compute target known to a workspace under a name; one of that name is replaced.

        Nothing is connected to. Steps name the target, and it is reached when one of them has to run.

        Args:
            workspace: the workspace.
            name: letters, digits, ``-``, ``_`` and ``.``.
            attach_configuration: kind of the target, or what ``RemoteCompute.attach_configuration`` gave.
            **settings: what a target of this kind can be told.

        Raises:
            UsageError: the name cannot be one, or settings are missing or wrong.
            UnknownName: no installed package knows targets of this kind.
            MissingExtra: it needs packages that are not installed.
            StoreError: the workspace cannot be written.

        Example:
            ``ComputeTarget.attach(ws, "cloud", "my-cloud", region="north")``
        """
        if isinstance(attach_configuration, AttachConfiguration):
            settings = {**attach_configuration.settings, **settings}
            attach_configuration = attach_configuration.type
        return _targets(workspace).attach(name, attach_configuration, settings, {})

    @staticmethod
    def attach_ssh(
        workspace: Any,
        name: str,
        host: str,
        port: int | None = None,
        user: str | None = None,
        key: str | None = None,
        known_hosts: str | None = None,
        python: str = "python3",
        slots: int = 2,
        **settings: Any,
    ) -> ComputeTarget:
        """Make a machine that is reached over SSH a compute target.

        Args:
            workspace: the workspace.
            name: how steps call it.
            host: its address, or a name of ``~/.ssh/config``.
            port: port of its SSH server; default: that of ``~/.ssh/config``, else 22.
            user: who logs in; default: as ``ssh`` does.
            key: path of a private key; default: the agent's keys and those in ``~/.ssh``.
            known_hosts: path of the file that knows its host key; default ``~/.ssh/known_hosts``.
            python: interpreter there, of Python 3.9 or newer; a path or a command.
            slots: steps that run there at once.
            **settings: further settings of such targets.

        Raises:
            UsageError, MissingExtra, StoreError: see ``attach``.

        Example:
            ``ComputeTarget.attach_ssh(ws, "gpu-box", host="gpu-box.lab", user="ada")``
        """
        given = {"port": port, "user": user, "key": key, "known_hosts": known_hosts, "python": python}
        told = {name: value for name, value in given.items() if value is not None}
        return ComputeTarget.attach(workspace, name, "ssh", host=host, slots=slots, **told, **settings)

    @staticmethod
    def attach_dask(
        workspace: Any, name: str, address: Any, security: Any = None, **settings: Any
    ) -> ComputeTarget:
        """Make a Dask cluster a compute target.

        Args:
            workspace: the workspace.
            name: how steps call it.
            address: of its scheduler (``tls://host:8786``), or a cluster object, of which scheduler address and
                security are taken. The cluster lives as long as whoever made it keeps it.
            security: a ``distributed.Security`` or a table with its names. Paths of certificates and keys are
                kept; what holds keys themselves stays in this process, and goes to runs that it starts.
            **settings: further settings of such targets.

        Raises:
            UsageError, MissingExtra, StoreError: see ``attach``.

        Example:
            ``ComputeTarget.attach_dask(ws, "cluster", address="tcp://10.0.0.5:8786")``
        """
        if not isinstance(address, str):
            security = getattr(address, "security", None) if security is None else security
            address = address.scheduler_address
        given = _security(security)
        secrets = {name: value for name, value in given.items() if _PEM in str(value)}
        plain = {name: value for name, value in given.items() if name not in secrets}
        told = {"address": address, **plain, **settings}
        return _targets(workspace).attach(name, "dask", told, secrets)

    @staticmethod
    def attach_slurm(
        workspace: Any,
        name: str,
        partition: str | None = None,
        options: Sequence[str] | None = None,
        **settings: Any,
    ) -> ComputeTarget:
        """Make the SLURM cluster of this machine a compute target: each step is one ``sbatch``.

        Args:
            workspace: the workspace, in a folder that the cluster's nodes see too.
            name: how steps call it.
            partition: the partition; default: the cluster's own.
            options: further words for ``sbatch`` (``["--account=lab", "--qos=long"]``).
            **settings: further settings of such targets.

        Raises:
            UsageError, StoreError: see ``attach``.

        Example:
            ``ComputeTarget.attach_slurm(ws, "hpc", partition="gpu")``
        """
        given = {"partition": partition, "options": None if options is None else [*options]}
        told = {name: value for name, value in given.items() if value is not None}
        return ComputeTarget.attach(workspace, name, "slurm", **told, **settings)

    @staticmethod
    def practice(workspace: Any, name: str = "practice", **settings: Any) -> ComputeTarget:
        """Make a compute target that behaves as another machine does, and is this one.

        Its queue, its slow line, its cold start and its losses can be set; it needs no account.

        Args:
            workspace: the workspace.
            name: how steps call it.
            **settings: delays and losses.

        Raises:
            UsageError, StoreError: see ``attach``.

        Example:
            ``ComputeTarget.practice(ws)``
        """
        return ComputeTarget.attach(workspace, name, "practice", **settings)

    @staticmethod
    def list(workspace: Any) -> Sequence[ComputeTarget]:
        """The compute targets of a workspace."""
        return [*workspace.compute_targets.values()]

    def delete(self) -> None:
        """Take the target out of its workspace; runs that use it go on.

        Raises:
            UsageError: it is ``local``.
        """
        _targets(self.workspace).delete(self.name)

    def detach(self) -> None:
        """Take the target out of its workspace, as ``delete`` does (Azure ML v1's name)."""
        self.delete()

    def get_status(self) -> TargetStatus:
        """Look whether the target answers, and what it has; may take some seconds."""
        return _targets(self.workspace).status(self.name)

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Return at once: attaching takes no time here (kept for v1)."""
        del show_output, is_delete_operation


class RemoteCompute(ComputeTarget):
    """A machine that is reached over SSH, as Azure ML v1 attaches it."""

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        vm_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> AttachConfiguration:
        """How a machine is reached, for ``ComputeTarget.attach``.

        Args:
            username: who logs in.
            subscription_id, resource_group, vm_name, resource_id: name a machine of Azure's; not supported.
            address: the machine's address.
            ssh_port: port of its SSH server.
            password, private_key_passphrase: not supported, since nothing secret is kept: use a key and an agent.
            private_key_file: path of a private key; default: the agent's keys and those in ``~/.ssh``.

        Raises:
            UsageError: there is no address, or something secret is given.

        Example:
            >>> RemoteCompute.attach_configuration("ada", address="gpu-box.lab").type
            'ssh'
        """
        if address is None:
            named = vm_name or resource_id or "the machine"
            raise UsageError(f"{named} has no address.", remedy="Give address=, as ssh would be given it.")
        if password or private_key_passphrase:
            raise UsageError(
                "A password or passphrase is kept nowhere.",
                remedy="Let the machine know a key (ssh-copy-id), and let an agent hold it (ssh-add).",
            )
        del subscription_id, resource_group
        key = {"key": private_key_file} if private_key_file else {}
        return AttachConfiguration("ssh", {"host": address, "port": ssh_port, "user": username, **key})


def _targets(workspace: Any) -> Targets:
    targets: Targets = workspace.targets
    return targets


def _security(given: Any) -> dict[str, Any]:
    """What a Dask client is told of TLS: paths, or what the files would hold."""
    if given is None or isinstance(given, Mapping):
        return dict(given or {})
    found = {name: getattr(given, name, None) for name in (*_TLS, "require_encryption")}
    return {name: value for name, value in found.items() if value is not None}
