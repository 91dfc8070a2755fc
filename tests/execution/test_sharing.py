"""Clones that share one store: what one made the other reuses, whole or not at all, and goes on without it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nbpipe.core.events import StepNoted
from nbpipe.core.fingerprint import canonical
from nbpipe.errors import StoreError
from nbpipe.store.digests import digest_bytes
from nbpipe.store.shared_store import LAYOUT
from tests.object_servers import azure, faulty, over_sftp, s3, sftp
from tests.projects import COPY, Project, planned, project, words

__all__ = ["azure", "project", "s3", "sftp"]

RAW = "a,b\n1,2\n"


class Clone(Project):
    """A copy of a project's files that shares its results."""

    def steps(self):
        return (
            self.cell("prep", COPY, "{./raw.csv} {>clean.csv}"),
            self.cell("train", COPY, "{clean} {>model.bin}"),
        )

    def notes(self, run) -> list[str]:
        return [
            event.text
            for step in run.get_steps()
            for event in step.state.events
            if isinstance(event, StepNoted)
        ]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


@pytest.fixture
def clones(project: Project, tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch):
    made = []
    for name in ("ann", "bob"):
        root = tmp_path / name
        root.mkdir()
        clone = Clone(root)
        clone.write("raw.csv", RAW)
        clone.write("nbpipe.toml", f'[store]\nshared = "{shared}"\n')
        made.append(clone)

    def use(clone: Clone) -> Clone:
        monkeypatch.chdir(clone.root)
        return clone

    yield [(lambda clone=clone: use(clone)) for clone in made]
    for clone in made:
        clone.stop_all()
        shutil.rmtree(clone.root / ".nbpipe", ignore_errors=True)


def objects_in(shared: Path) -> list[Path]:
    return sorted((shared / LAYOUT / "objects").rglob("*/*"))


@pytest.mark.runner
def test_a_second_clone_reuses_what_the_first_made_and_fetches_it_when_it_is_looked_at(clones, shared):
    ann, bob = clones
    assert words(run := ann().run(*ann().steps())) == {"prep": "done", "train": "done"}
    assert ann().notes(run) == []
    project = bob()
    assert [word for _, word, _ in planned(project.plan(*project.steps()))] == ["will reuse", "will reuse"]
    assert (
        not list((project.root / ".nbpipe").rglob("*.tree")) if (project.root / ".nbpipe").exists() else True
    )
    run = project.run(*project.steps())
    assert words(run) == {"prep": "reused", "train": "reused"}
    assert not list((project.root / ".nbpipe").rglob("*.tree"))
    assert project.text(run, "train", "model") == RAW
    assert str(shared) in run.step("train").state.last.shared_from
    again = project.run(*project.steps())
    assert words(again) == {"prep": "reused", "train": "reused"}
    assert again.step("train").reused_run == run.id


@pytest.mark.runner
def test_what_was_shared_may_be_reused_before_its_inputs_are_known_whatever_its_record_says(clones, shared):
    """The key was compared with the fingerprint, which is what tells likeness and inputs."""
    ann, bob = clones
    ann().run(*ann().steps())
    for path in (shared / LAYOUT / "results").rglob("*.json"):
        told = json.loads(path.read_bytes())
        told["record"] |= {"likeness": "f" * 64, "inputs": {"clean": "0" * 64}}
        content = canonical(told)
        path.with_name(f"{path.name[:13]}-{digest_bytes(content)[:16]}.json").write_bytes(content)
        path.unlink()
    project = bob()
    assert words(project.run(*project.steps())) == {"prep": "reused", "train": "reused"}
    plan = project.plan(*project.steps(), force=["prep"])
    assert [step.action for step in plan] == ["run", "maybe"]


@pytest.mark.runner
def test_what_lies_in_the_shared_store_alone_may_be_reused_before_its_inputs_are_known(clones, shared):
    ann, bob = clones
    ann().run(*ann().steps())
    project = bob()
    plan = project.plan(*project.steps(), force=["prep"])
    assert [step.action for step in plan] == ["run", "maybe"]
    assert words(project.run(*project.steps(), force=["prep"])) == {"prep": "done", "train": "reused"}
    prep, _ = project.steps()
    other = project.cell("train", COPY + "print()\n", "{clean} {>model.bin}")
    assert [step.action for step in project.plan(prep, other, force=["prep"])] == ["run", "run"]


@pytest.mark.runner
def test_what_a_step_reads_is_brought_before_it_starts(clones, shared):
    ann, bob = clones
    ann().run(*ann().steps())
    project = bob()
    prep, _ = project.steps()
    run = project.run(prep, project.cell("count", COPY, "{clean} {>count.txt}"))
    assert words(run) == {"prep": "reused", "count": "done"}
    assert project.text(run, "count", "count") == RAW


@pytest.mark.runner
def test_a_poisoned_object_is_refused_its_step_runs_and_puts_it_right(clones, shared):
    ann, bob = clones
    ann().run(*ann().steps())
    (poisoned,) = (path for path in objects_in(shared) if path.read_bytes() == RAW.encode())
    poisoned.unlink()
    poisoned.write_text("a,b\n6,6\n")
    project = bob()
    prep, _ = project.steps()
    run = project.run(prep, project.cell("count", COPY, "{clean} {>count.txt}"))
    assert words(run) == {"prep": "done", "count": "done"}
    assert any("not what its digest says" in note for note in project.notes(run))
    assert project.text(run, "count", "count") == RAW
    assert poisoned.read_text() == RAW


@pytest.mark.runner
def test_what_is_looked_at_and_was_poisoned_is_refused(clones, shared):
    ann, bob = clones
    ann().run(*ann().steps())
    project = bob()
    run = project.run(*project.steps())
    for path in objects_in(shared):
        if path.read_bytes() == RAW.encode():
            path.unlink()
            path.write_text("a,b\n6,6\n")
    with pytest.raises(StoreError, match="not what its digest says"):
        project.text(run, "train", "model")


@pytest.mark.runner
def test_a_store_that_is_away_fails_no_step_and_the_next_run_shares_what_this_one_made(clones, shared):
    ann, bob = clones
    project = ann()
    shared.rename(shared.with_name("unmounted"))
    with pytest.warns(UserWarning, match="The shared store is not looked at: There is no"):
        run = project.run(*project.steps())
    assert words(run) == {"prep": "done", "train": "done"}
    assert any("not shared yet" in note for note in project.notes(run))
    shared.with_name("unmounted").rename(shared)
    project.run(*project.steps(), project.cell("more", COPY, "{model} {>more.txt}"))
    project = bob()
    assert words(project.run(*project.steps())) == {"prep": "reused", "train": "reused"}


@pytest.mark.runner
@pytest.mark.ssh
def test_clones_share_through_a_machine_with_an_ssh_server(clones, shared, sftp, monkeypatch):
    monkeypatch.setenv("HOME", str(sftp.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    url, _ = over_sftp(sftp, shared)
    ann, bob = clones
    for clone in clones:
        clone().write("nbpipe.toml", f'[store]\nshared = "{url}"\n')
    project = ann()
    assert words(run := project.run(*project.steps())) == {"prep": "done", "train": "done"}
    assert project.notes(run) == []
    project = bob()
    assert words(run := project.run(*project.steps())) == {"prep": "reused", "train": "reused"}
    assert project.text(run, "train", "model") == RAW
    assert run.step("train").state.last.shared_from == url


@pytest.mark.runner
@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_clones_share_through_an_object_store_that_stumbles(kind, request, clones, monkeypatch, tmp_path):
    server = request.getfixturevalue(kind)
    with faulty(server) as proxy:
        url, options = server.url(f"clones-{tmp_path.name}"), server.options(proxy.port)
        ann, bob = clones
        for clone in clones:
            (clone().root / "nbpipe.toml").unlink()
        proxy.matching, proxy.refuse = "PUT .*objects", 3

        def project_of(clone):
            project = clone()
            workspace = project.workspace
            with pytest.warns(UserWarning, match="kept for this process only"):
                workspace.stores.register("lab", url, options)
            workspace.share("lab")
            monkeypatch.setattr(Clone, "workspace", workspace)
            return project

        project = project_of(ann)
        run = project.run(*project.steps())
        assert words(run) == {"prep": "done", "train": "done"}
        assert proxy.refuse == 0
        kept = "".join(
            path.read_text("utf-8", "replace") for path in (project.root / ".nbpipe").rglob("*.json*")
        )
        assert not any(secret in kept for secret in ("testing", "AccountKey"))
        project = project_of(bob)
        run = project.run(*project.steps())
        assert words(run) == {"prep": "reused", "train": "reused"}
        proxy.matching, proxy.refuse = "GET .*objects", 1
        assert project.text(run, "train", "model") == RAW
        proxy.down = True
        assert words(project.run(*project.steps())) == {"prep": "reused", "train": "reused"}
