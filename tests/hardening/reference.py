"""What four steps write when all of them always run: plain Python, in folders of their own, with nothing remembered."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

TELL = """\
def tell(place):
    found = []
    for name in sorted(os.listdir(place)):
        path = os.path.join(place, name)
        found.append(name + "=" + (open(path).read() if os.path.isfile(path) else "-"))
    return ",".join(found)
"""

PREP = f"""\
import os, sys
import shared
{TELL}
raw, folder, files, out = sys.argv[1:]
text = "{{mark}}" + shared.TEXT + open(raw).read() + tell(folder) + tell(files)
"""
LEFT = """\
import os, sys
source, scale, out = sys.argv[1:]
text = "{mark}" + scale + os.environ.get("MODE", "none") + open(source).read()
"""
RIGHT = f"""\
import os, sys
import own
{TELL}
source, scale, out = sys.argv[1:]
text = "{{mark}}" + own.TEXT + scale + open(source).read()
text += tell("cfg") if os.path.isdir("cfg") else "no cfg"
text += open("a.txt").read() if os.path.isfile("a.txt") else "no a.txt"
"""
JOIN = """\
import sys
try:
    import alpha
    text = alpha.VERSION
except ImportError:
    text = "none"
*read, out = sys.argv[1:]
text = "{mark}" + text + "".join(open(path).read() for path in read)
"""
END = """\
{fate}
open(out, "w").write(text[:{kept}])
"""
SCRIPTS = {"prep": PREP + END, "left": LEFT + END, "right": RIGHT + END, "join": JOIN + END}
"""Each reads what it is given, tells all it sees, and lets only the first `kept` characters through."""

FATES = {"well": "", "fails": "raise SystemExit(1)", "hangs": "import time\nwhile True: time.sleep(0.01)"}


def script(step: str, mark: str, kept: int, fate: str) -> str:
    """The text of a step's script."""
    return SCRIPTS[step].format(mark=mark, kept=kept, fate=FATES[fate])


class Reference:
    """Runs everything, always.

    Args:
        root: the workspace as it is now.
        pythons: step -> interpreter.
        search: folders of local modules, nearest first.
        ignored: names in the folder of ``right`` that its ignore file leaves out.
    """

    def __init__(self, root: Path, pythons: Mapping[str, str], search: list[str], ignored: set[str]) -> None:
        self.root = root
        self.pythons = pythons
        self.search = search
        self.ignored = ignored

    def outputs(self, scale: object, mode: str | None, fates: Mapping[str, str]) -> dict[str, str | None]:
        """What each step writes; None where it, or one before it, does not come to its end."""
        with tempfile.TemporaryDirectory(prefix="reference-") as name:
            place = Path(name)
            shutil.copytree(self.root / "parts", place / "files", ignore=shutil.ignore_patterns("*.not"))
            code = place / "code"
            left_out = shutil.ignore_patterns(*self.ignored, ".gitignore", ".amlignore", "__pycache__")
            shutil.copytree(self.root / "src/right", code / "right", ignore=left_out)
            for step in ("prep", "left", "join"):
                shutil.copytree(self.root / "steps" / step, code / step)
            words = {
                "prep": [str(self.root / "raw.txt"), str(self.root / "folder"), str(place / "files")],
                "left": [str(place / "prep.out"), str(scale)],
                "right": [str(place / "prep.out"), str(scale)],
                "join": [str(place / "left.out"), str(place / "right.out")],
            }
            made: dict[str, str | None] = {}
            for step, arguments in words.items():
                read = {"prep": [], "left": ["prep"], "right": ["prep"], "join": ["left", "right"]}[step]
                lost = fates[step] != "well" or any(made[each] is None for each in read)
                made[step] = None if lost else self._run(code, step, arguments, mode, place / f"{step}.out")
            return made

    def _run(self, code: Path, step: str, arguments: list[str], mode: str | None, out: Path) -> str | None:
        given = {"PYTHONPATH": os.pathsep.join(self.search), "PYTHONDONTWRITEBYTECODE": "1"}
        if mode is not None:
            given["MODE"] = mode
        command = [self.pythons[step], f"{step}.py", *arguments, str(out)]
        done = subprocess.run(command, check=False, cwd=code / step, env=given, stderr=subprocess.DEVNULL)
        return None if done.returncode else out.read_text("utf-8")
