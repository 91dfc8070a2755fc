"""What a Dask target is told is looked at before it is kept."""

from __future__ import annotations

import pytest

from nbpipe.compute.registered import backend_kind
from nbpipe.errors import UsageError

KIND = backend_kind("dask")


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", "tcp://scheduler:8786", "tcp://[::1]:8786"])
def test_an_address_is_one_of_dask(address: str) -> None:
    assert KIND.check({"address": address})["address"] == address


@pytest.mark.parametrize(
    "address", ["10.0.0.5:8786", "tcp://a", "http://a:1", "tcp://user:secret@a:1", "inproc://x"]
)
def test_another_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=r"address is (like|inside one process)"):
        KIND.check({"address": address})


def test_an_encrypted_cluster_wants_an_authority() -> None:
    with pytest.raises(UsageError, match="tls_ca_file is missing"):
        KIND.check({"address": "tls://a:1"})
