"""A lock tells its versions, as they are compared."""

from __future__ import annotations

import pytest

from nbpipe.compute.lock import Lock

HASH = "--hash=sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("line", "versions"),
    [
        (f"numpy==2.1.0 {HASH} {HASH}", {"numpy": "2.1.0"}),
        ("Ruamel.Yaml_Clib==0.2", {"ruamel-yaml-clib": "0.2"}),
        ("dask[array]==2026.1", {"dask": "2026.1"}),
        (f"tiny @ file:///x/tiny-1.0-py3-none-any.whl {HASH}", {"tiny": "1.0 (01234567)"}),
        ("tiny @ file:///x/tiny-1.0-py3-none-any.whl#sha256=fedcba9876", {"tiny": "1.0 (fedcba98)"}),
        ("tiny @ git+https://me:secret@host/tiny@abc", {"tiny": "git+https://host/tiny@abc"}),
        ("# a remark", {}),
    ],
)
def test_each_line_has_a_name_and_a_version(line: str, versions: dict[str, str]):
    assert Lock("/python", "3.11", (line,)).versions == versions


def test_a_lock_that_is_no_text_is_none():
    with pytest.raises(TypeError):
        Lock.from_json({"python": "/python", "version": "3.11", "lines": [1]})
    with pytest.raises(KeyError):
        Lock.from_json({})
