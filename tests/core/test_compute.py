"""Compute targets as they are declared: what is asked of the workspace, and what of them is never written."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from nbpipe.core.compute import ComputeTarget, RemoteCompute, TargetStatus
from nbpipe.errors import UnknownName, UsageError


class Kept:
    """A workspace that keeps what it is told of its targets."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
        self.targets = self

    def attach(
        self, name: str, kind: str, settings: Mapping[str, Any], secrets: Mapping[str, Any]
    ) -> ComputeTarget:
        self.told[name] = kind, dict(settings), dict(secrets)
        return self.find(name)

    def find(self, name: str) -> ComputeTarget:
        if name not in self.told:
            raise UnknownName(f"No compute target {name}.")
        kind, settings, secrets = self.told[name]
        return ComputeTarget(self, name, kind, settings, tuple(secrets))

    def delete(self, name: str) -> None:
        del self.told[name]

    def status(self, name: str) -> TargetStatus:
        return TargetStatus(name in self.told)


def test_a_target_without_a_type_is_looked_up_as_in_v1():
    ws = Kept()
    ComputeTarget.attach(ws, "cloud", "my-cloud", region="north")
    found = ComputeTarget(workspace=ws, name="cloud")
    assert (found.type, found.settings) == ("my-cloud", {"region": "north"})
    assert str(found.get_status()) == "ready"
    found.detach()
    with pytest.raises(UnknownName, match="No compute target cloud"):
        ComputeTarget(workspace=ws, name="cloud")


def test_what_is_not_said_of_a_machine_is_left_to_its_kind():
    ws = Kept()
    ComputeTarget.attach_ssh(ws, "box", host="box.lab")
    assert ws.told["box"] == (
        "ssh", {"host": "box.lab", "python": "python3", "slots": 2}, {},
    )  # fmt: skip
    ComputeTarget.attach_slurm(ws, "hpc", options=("--qos=long",))
    assert ws.told["hpc"] == ("slurm", {"options": ["--qos=long"]}, {})
    ComputeTarget.practice(ws, queue=1.0)
    assert ws.told["practice"] == ("practice", {"queue": 1.0}, {})


def test_v1s_configuration_of_a_machine_becomes_one_over_ssh():
    ws = Kept()
    told = RemoteCompute.attach_configuration(
        "ada", address="box.lab", ssh_port=2222, private_key_file="~/.ssh/id_lab"
    )
    target = ComputeTarget.attach(ws, "box", told)
    assert target.type == "ssh"
    assert target.settings == {"host": "box.lab", "port": 2222, "user": "ada", "key": "~/.ssh/id_lab"}


@pytest.mark.parametrize("told", [{"password": "s3cret"}, {"private_key_passphrase": "s3cret"}])
def test_nothing_secret_is_taken_of_a_machine(told):
    with pytest.raises(UsageError) as caught:
        RemoteCompute.attach_configuration("ada", address="box.lab", **told)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(UsageError, match="vm-1 has no address"):
        RemoteCompute.attach_configuration("ada", vm_name="vm-1")


def test_of_a_cluster_its_address_is_kept_and_its_keys_are_not():
    ws = Kept()
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n"
    security = SimpleNamespace(
        tls_ca_file="/etc/ca.pem", tls_client_key=pem, tls_client_cert=None, require_encryption=True
    )
    cluster = SimpleNamespace(scheduler_address="tls://127.0.0.1:8786", security=security)
    target = ComputeTarget.attach_dask(ws, "cluster", cluster)
    kind, settings, secrets = ws.told["cluster"]
    assert kind == "dask"
    assert settings == {
        "address": "tls://127.0.0.1:8786", "tls_ca_file": "/etc/ca.pem", "require_encryption": True,
    }  # fmt: skip
    assert secrets == {"tls_client_key": pem}
    assert target.in_memory == ("tls_client_key",)
    assert "PRIVATE" not in repr(target)
