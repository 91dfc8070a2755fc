"""Which modules go along with a script: all it imports from beside it, and nothing that is given to it anyway."""

from __future__ import annotations

from pathlib import Path

from nbpipe.execution.modules import modules_taken_along
from nbpipe.execution.sources import Sources
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder


def taken(folder: Path, text: str, *roots: Path) -> list[str]:
    script = folder / "script.py"
    script.write_text(text, "utf-8")
    state = StateFolder(folder)
    return list(modules_taken_along(script, [folder, *roots], Sources(state, FileDigests(state))))


def test_modules_come_along_through_others_and_with_their_packages(tmp_path):
    (tmp_path / "one.py").write_text("from lib.two import x\n", "utf-8")
    (tmp_path / "unused.py").write_text("", "utf-8")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("", "utf-8")
    (tmp_path / "lib" / "two.py").write_text("x = 1\n", "utf-8")
    assert taken(tmp_path, "import one, pandas\n") == ["lib/__init__.py", "lib/two.py", "one.py"]


def test_nbpipe_itself_is_not_taken_from_an_editable_install(tmp_path):
    """A copy of part of it would hide the runtime that the step is given."""
    checkout = tmp_path / "checkout"
    (checkout / "nbpipe").mkdir(parents=True)
    (checkout / "nbpipe" / "__init__.py").write_text("", "utf-8")
    assert taken(tmp_path, "from nbpipe import Run\n", checkout) == []
