"""What a runner is given over its standard input comes whole or not at all, and shows itself to nobody."""

from __future__ import annotations

import pytest

from nbpipe.execution.given import Given


def test_it_comes_as_it_was_given_and_is_not_shown():
    given = Given({"TOKEN": "s3cret"}, {"cluster": {"tls_client_key": "s3cret"}})
    assert Given.from_bytes(given.to_bytes()) == given
    assert "s3cret" not in repr(given)


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_half_of_it_is_an_error(cut):
    with pytest.raises(ValueError, match=r".*"):
        Given.from_bytes(Given({"A": "b"}).to_bytes()[:cut])
