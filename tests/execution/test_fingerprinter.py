"""What makes a step run again and what does not, on real files; each with the reason in words."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.projects import COPY, Project, planned, story, words

pytestmark = pytest.mark.runner


class Chain:
    """prep (reads raw.csv) -> split -> train, and report beside it; each imports what its text says."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.write("raw.csv", "a,b\n1,2\n3,4\n")
        project.write("shared.py", "def tidy(text):\n    return text.strip()\n")
        self.prep = "import shared\n" + COPY
        self.split = COPY
        self.train = COPY

    def steps(self):
        cell = self.project.cell
        return [
            cell("prep", self.prep, "{./raw.csv} {>clean.csv}"),
            cell("split", self.split, "{clean} {>part.csv}"),
            cell("train", self.train, "{part} {>model}"),
        ]

    def plan(self, **options):
        return planned(self.project.plan(*self.steps(), **options))

    def run(self, **options):
        return self.project.run(*self.steps(), **options)


@pytest.fixture
def chain(project):
    chain = Chain(project)
    assert chain.run().status == "Finished"
    return chain


REUSED = [("prep", "will reuse", ""), ("split", "will reuse", ""), ("train", "will reuse", "")]


def test_a_second_run_reuses_every_step_and_says_from_which_run(chain):
    assert chain.plan() == REUSED
    assert story(chain.run()) == [("prep", "reused", "run 1"), ("split", "reused", "run 1"), ("train", "reused", "run 1")]
