"""Three steps in a row, to be edited: what most laws of reuse are shown on."""

from __future__ import annotations

from nbpipe.core.pipeline import Pipeline
from nbpipe.core.plan import Plan
from nbpipe.workspace import Workspace
from tests.projects import COPY, Project, Story, planned, story

REUSED = [("prep", "will reuse", ""), ("split", "will reuse", ""), ("train", "will reuse", "")]


class Chain:
    """prep reads raw.csv and imports shared.py; split reads what prep wrote, train what split wrote."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._workspace = project.workspace
        self.options: dict[str, dict] = {"prep": {}, "split": {}, "train": {}}
        self.lines = {
            "prep": "{./raw.csv} {>clean.csv}",
            "split": "--seed {seed} --size=3 {clean} {>part.csv}",
            "train": "{part} {>model}",
        }
        project.parameters = {"seed": 1}
        project.write("raw.csv", "a,b\n1,2\n3,4\n")
        project.write("shared.py", "NAME = 'shared'\n")
        self.write("prep", "import shared\n" + COPY)
        self.write("split", COPY.replace("sys.argv[1:-1]", "sys.argv[4:-1]"))
        self.write("train", COPY)

    def write(self, step: str, text: str) -> None:
        self.project.write(f"steps/{step}/{step}.py", text)

    def steps(self) -> list:
        return [
            self.project.cell(name, None, line, **self.options[name]) for name, line in self.lines.items()
        ]

    def plan(self, **options) -> Plan:
        """What would happen now; a workspace that remembers earlier plans says the same as a new one."""
        plan = self.project.plan(*self.steps(), **options)
        root = self.project.root
        self._workspace = self._workspace if self._workspace.root == root else Workspace(root)
        again = Pipeline(self._workspace, self.steps(), name=self.project.name).plan(**options)
        assert planned(again) == planned(plan)
        assert [step.fingerprint for step in again] == [step.fingerprint for step in plan]
        return plan

    def reasons(self) -> list[str]:
        """Why prep is not reused."""
        return [str(reason) for reason in self.plan()["prep"].reasons]

    def story(self) -> Story:
        """What becomes of a further run."""
        return story(self.project.run(*self.steps()))


def downstream(reason: str) -> Story:
    """The plan in which prep runs for a reason, and the two others wait to see what comes of it."""
    root = reason.removesuffix(" changed")
    return [
        ("prep", "will run", reason),
        ("split", "maybe", f"reused if clean comes out equal ← {root}"),
        ("train", "maybe", f"reused if part comes out equal ← {root}"),
    ]
