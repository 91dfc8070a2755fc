"""A step that was started elsewhere is found again by its key, on the target it was started on."""

from __future__ import annotations

from pathlib import Path

from nbpipe.execution.away import Away
from nbpipe.execution.frozen import FrozenTarget
from nbpipe.store.layout import StateFolder

BOX = FrozenTarget("practice", {"root": "/far"})


def test_an_attempt_is_found_until_it_has_ended(tmp_path):
    state = StateFolder(tmp_path)
    assert Away(state, "key", "box", BOX).find() is None
    Away(state, "key", "box", BOX).started("1.train.1", Path("/there"), "figures")
    assert Away(state, "key", "box", BOX).find() == ("1.train.1", Path("/there"), "figures")
    Away(state, "key", "box", BOX).settled()
    assert Away(state, "key", "box", BOX).find() is None


def test_it_is_found_by_no_other_key_and_on_no_other_host(tmp_path):
    state = StateFolder(tmp_path)
    Away(state, "key", "box", BOX).started("1.train.1", Path("/there"), "figures")
    assert Away(state, "other", "box", BOX).find() is None
    assert Away(state, "key", "hpc", BOX).find() is None
    assert Away(state, "key", "box", FrozenTarget("practice", {"root": "/elsewhere"})).find() is None
