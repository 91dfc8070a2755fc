"""Datastores of a workspace: kept by name where they were made, secrets never written, one of them the default."""

from __future__ import annotations

import shutil
import warnings

import pytest

from nbpipe.core.datastore import DEFAULT_DATASTORE, Datastore
from nbpipe.errors import UnknownName, UsageError
from nbpipe.execution.datastores import lend_credentials
from nbpipe.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "lab").mkdir()
    return Workspace(tmp_path / "lab")


def written(workspace: Workspace) -> str:
    files = (path for path in workspace.state.path.rglob("*") if path.is_file())
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_a_datastore_is_known_by_its_name_to_every_process(workspace):
    made = Datastore.register(workspace, "raw", "s3://lab/raw", {"endpoint_url": "http://127.0.0.1:1"})
    again = Datastore(Workspace(workspace.root), "raw")
    assert (again.root, again.options) == (made.root, made.options)
    assert list(workspace.datastores) == [DEFAULT_DATASTORE, "raw"]
    assert again.local_path("a.csv") == "s3://lab/raw/a.csv"
    made.unregister()
    with pytest.raises(UnknownName, match="No datastore raw"):
        Datastore.get(workspace, "raw")


def test_the_default_is_the_workspace_until_another_is_chosen(workspace):
    assert workspace.get_default_datastore().name == DEFAULT_DATASTORE
    Datastore.register(workspace, "raw", "data").set_as_default()
    assert Workspace(workspace.root).get_default_datastore().root == str(workspace.root / "data")


def test_a_secret_given_in_code_is_used_and_never_written(workspace):
    with pytest.warns(
        UserWarning, match="account_key of datastore blobs is kept .* AZURE_STORAGE_ACCOUNT_KEY"
    ):
        Datastore.register_azure_blob_container(workspace, "blobs", "raw", "lab", account_key="cGxhbnRlZA==")
    assert workspace.stores.options("abfs://raw/x.csv") == {
        "account_name": "lab",
        "account_key": "cGxhbnRlZA==",
    }
    assert workspace.stores.secrets() == {"blobs": {"account_key": "cGxhbnRlZA=="}}
    assert "cGxhbnRlZA" not in written(workspace)
    assert Workspace(workspace.root).stores.options("abfs://raw/x.csv") == {"account_name": "lab"}


def test_a_secret_inside_an_option_is_not_written_either(workspace):
    options = {"client_kwargs": {"aws_secret_access_key": "planted"}, "endpoint_url": "http://127.0.0.1:1"}
    with pytest.warns(UserWarning, match="client_kwargs"):
        Datastore.register(workspace, "raw", "s3://lab/raw", options)
    assert "planted" not in written(workspace)


def test_a_url_with_a_password_is_refused(workspace):
    with pytest.raises(UsageError, match="holds a password") as caught:
        Datastore.register(workspace, "box", "sftp://ann:planted@box/data")
    assert "planted" not in str(caught.value)
    assert workspace.stores.all().keys() == {DEFAULT_DATASTORE}


def test_a_copied_state_folder_makes_nobody_connect_anywhere(workspace, tmp_path):
    Datastore.register(workspace, "raw", "s3://strangers/raw")
    workspace.share("s3://strangers/results")
    shutil.copytree(workspace.root, tmp_path / "copy")
    copy = Workspace(tmp_path / "copy")
    assert list(copy.datastores) == [DEFAULT_DATASTORE]
    assert not copy.sharing.in_use


@pytest.mark.parametrize("name", ["", "a b", "../up", DEFAULT_DATASTORE])
def test_a_name_that_cannot_be_one_is_refused(workspace, name):
    with pytest.raises(UsageError):
        Datastore.register(workspace, name, "data")


def test_one_of_that_name_stays_unless_it_may_be_replaced(workspace):
    Datastore.register(workspace, "raw", "data")
    with pytest.raises(UsageError, match="already"):
        Datastore.register(workspace, "raw", "other", overwrite=False)
    assert Datastore.register(workspace, "raw", "other").root == str(workspace.root / "other")


def test_a_url_is_opened_as_the_datastore_that_it_lies_deepest_in(workspace):
    Datastore.register(workspace, "all", "s3://lab", {"endpoint_url": "http://127.0.0.1:1"})
    Datastore.register(workspace, "raw", "s3://lab/raw", {"endpoint_url": "http://127.0.0.1:2"})
    assert workspace.stores.options("s3://lab/raw/a.csv")["endpoint_url"].endswith(":2")
    assert workspace.stores.options("s3://lab/rawer/a.csv")["endpoint_url"].endswith(":1")
    assert workspace.stores.options("s3://other/a.csv") == {}


def test_results_are_shared_where_was_chosen_else_where_the_settings_say(workspace, tmp_path):
    assert not workspace.sharing.in_use
    workspace.share(str(tmp_path / "team"))
    assert workspace.sharing.in_use
    assert (tmp_path / "team").is_dir()
    (workspace.root / "nbpipe.toml").write_text('[store]\nshared = "elsewhere"\n', "utf-8")
    fresh = Workspace(workspace.root)
    assert fresh.stores.shared(fresh.settings.shared) == str(tmp_path / "team")
    fresh.share(None)
    assert not fresh.sharing.in_use


def test_the_drivers_of_a_runner_find_the_submitters_credentials_and_nothing_else(monkeypatch):
    for name in ("AWS_PROFILE", "SSH_AUTH_SOCK", "MY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with monkeypatch.context() as patch, warnings.catch_warnings():
        variables: dict[str, str] = {}
        patch.setattr("nbpipe.execution.datastores.os.environ", variables)
        lend_credentials(
            {"AWS_PROFILE": "lab", "SSH_AUTH_SOCK": "/run/agent", "MY_TOKEN": "x", "PATH": "/bin"}
        )
    assert variables == {"AWS_PROFILE": "lab", "SSH_AUTH_SOCK": "/run/agent"}
