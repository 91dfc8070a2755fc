"""The datastores of a workspace: registered by name, opened with the user's own credentials, one of them shared."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbpipe.core.datastore import DEFAULT_DATASTORE, Datastore
from nbpipe.errors import UnknownName, UsageError
from nbpipe.execution.far_data import FarData
from nbpipe.execution.kept_here import KeptHere
from nbpipe.execution.sharing import Sharing
from nbpipe.store.digests import FileDigests
from nbpipe.store.layout import StateFolder
from nbpipe.store.objects import ObjectStore
from nbpipe.store.opening import local_folder, open_folder
from nbpipe.store.remote_folder import RemoteFolder, is_url, without_credentials
from nbpipe.store.results import Results

if TYPE_CHECKING:
    from nbpipe.store.shared_store import SharedStore

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_SECRET = re.compile(
    r"secret|passw|passphrase|credential|connection_string|sas|token|(^|_)key$|account_key", re.IGNORECASE
)
_LENT = re.compile(
    r"(AWS|AZURE|GOOGLE|GCS|GCLOUD|CLOUDSDK|S3|BOTO|FSSPEC)_.*|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy"
    r"|SSH_AUTH_SOCK|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE"
)
"""Variables in which drivers look for credentials and ways to the network."""

_BY_ENVIRONMENT = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws",
    "abfs": "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or `az login`",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
}


class Datastores:
    """The datastores of one workspace.

    What is registered is kept in ``registry/datastores/``, and counts only where it was made: a copied folder makes
    nobody connect anywhere. Secrets are never written; those given in code stay in this process, and go to the runs
    that it starts.

    Args:
        state: the workspace's state.
        workspace: what the datastores belong to.
        secrets: name -> options that were given in memory, of whoever started this process.
    """

    def __init__(
        self,
        state: StateFolder,
        workspace: Any = None,
        secrets: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._state = state
        self._workspace = workspace
        self._kept = KeptHere(state, "datastores")
        self._choices = KeptHere(state, "choices")
        self._secrets = {name: dict(options) for name, options in (secrets or {}).items()}

    def all(self) -> dict[str, Datastore]:
        """Every datastore by name, the workspace's own folder first."""
        own = Datastore(self._workspace, DEFAULT_DATASTORE, str(self._state.root))
        found = {name: self._as_datastore(name, told) for name, told in self._kept.all().items()}
        return {DEFAULT_DATASTORE: own, **found}

    def find(self, name: str) -> Datastore:
        """The datastore of that name; ``UnknownName`` names those there are."""
        known = self.all()
        if name not in known:
            raise UnknownName(f"No datastore {name}.", remedy=f"This workspace has: {', '.join(known)}")
        return known[name]

    def default(self) -> Datastore:
        """The one that was chosen, else the workspace's own folder."""
        chosen = (self._choices.recall("default datastore") or {}).get("name", DEFAULT_DATASTORE)
        return self.all().get(str(chosen)) or self.find(DEFAULT_DATASTORE)

    def set_default(self, name: str) -> None:
        """Choose the default; ``UnknownName`` where there is no such datastore."""
        self._choices.keep("default datastore", {"name": self.find(name).name})

    def register(
        self, name: str, url: str, options: Mapping[str, Any] | None = None, *, overwrite: bool = True
    ) -> Datastore:
        """Keep a datastore under a name.

        Args:
            name: letters, digits, ``-``, ``_`` and ``.``.
            url: a folder's path, or a URL of one of fsspec's protocols.
            options: for the driver. Secrets among them stay in this process.
            overwrite: take the place of one of that name.

        Raises:
            UsageError: the name cannot be one or is taken, or the URL holds a password.
            MissingExtra: the packages of the URL's protocol are not installed.
            StoreError: the workspace cannot be written.
        """
        if not _NAME.match(name):
            raise UsageError(
                f"{name!r} is no name for a datastore.", remedy="Letters, digits, - _ and . make one."
            )
        if name == DEFAULT_DATASTORE or (not overwrite and name in self.all()):
            raise UsageError(f"There is a datastore {name} already.", remedy="Choose another name.")
        if without_credentials(url) != url:
            raise UsageError(
                f"The URL of {name} holds a password or a signature, which would be written to the workspace.",
                remedy=f"Leave it out; give it by environment: {_by_environment(url)}.",
            )
        url = url if is_url(url) else os.path.abspath(os.path.join(self._state.root, url))
        secret = {key: value for key, value in (options or {}).items() if _is_secret(key, value)}
        plain = {key: value for key, value in (options or {}).items() if key not in secret}
        self._secrets.pop(name, None)
        if secret:
            self._secrets[name] = secret
            warnings.warn(
                f"{', '.join(secret)} of datastore {name} is kept for this process only and is not written. "
                f"To have it next time, set {_by_environment(url)}.",
                stacklevel=3,
            )
        open_folder(url, {**plain, **secret})  # tells now what is not installed, and asks nothing
        self._kept.keep(name, {"url": url, "options": plain})
        return self.find(name)

    def unregister(self, name: str) -> None:
        """Forget a datastore; what lies there stays."""
        self.find(name)
        self._secrets.pop(name, None)
        self._kept.forget(name)

    def open(self, name_or_url: str) -> RemoteFolder:
        """The folder of a datastore, of a path relative to the workspace, or behind a URL.

        A URL that lies in a registered datastore is opened with the options of that.

        Raises:
            MissingExtra, UsageError, Unreachable: see ``store.opening.open_folder``.
        """
        known = self.all()
        url = known[name_or_url].root if name_or_url in known else name_or_url
        if not is_url(url):
            return open_folder(os.path.join(self._state.root, url))
        return open_folder(url, self.options(url))

    def options(self, url: str) -> dict[str, Any]:
        """With what a URL is opened: as the datastore that it lies deepest in."""
        deepest = self._around(url)
        return {**deepest.options, **self._secrets.get(deepest.name, {})} if deepest else {}

    def plain_options(self, url: str) -> dict[str, Any]:
        """Those of them that may be told to others."""
        deepest = self._around(url)
        return dict(deepest.options) if deepest else {}

    def _around(self, url: str) -> Datastore | None:
        around = [each for each in self.all().values() if is_url(each.root) and _lies_in(url, each.root)]
        return max(around, key=lambda each: len(each.root), default=None)

    def secrets(self) -> dict[str, dict[str, Any]]:
        """What a run that this process starts is given: name -> options, as JSON."""
        return {name: dict(options) for name, options in self._secrets.items()}

    def share(self, name_or_url: str | None) -> None:
        """Choose where results are shared; None for nowhere, whatever the settings say.

        Raises:
            UsageError: it is no datastore of the workspace, no path and no URL, or it cannot be opened.
        """
        if name_or_url is not None:
            place = local_folder(self._place_of(name_or_url))
            if place is not None:
                (self._state.root / place).mkdir(parents=True, exist_ok=True)
            self.open(name_or_url)
        self._choices.keep("shared", {"store": name_or_url or ""})

    def shared(self, by_settings: str) -> str:
        """Name, path or URL of where results are shared; empty for nowhere."""
        chosen = self._choices.recall("shared")
        return by_settings if chosen is None else str(chosen.get("store") or "")

    def far_data(self, objects: ObjectStore, digests: FileDigests) -> FarData:
        """What looks behind URLs, and keeps copies in the workspace's store."""
        return FarData(self._state, objects, digests, self.open)

    def sharing(
        self,
        by_settings: Callable[[], str],
        results: Results,
        objects: ObjectStore,
        say: Callable[[str], None],
    ) -> Sharing:
        """What the workspace shares, as chosen, else as the settings say.

        Args:
            by_settings: where the settings say.
            results, objects: the workspace's own.
            say: hears of a store that is away.
        """

        def open_store(where: str) -> SharedStore:
            from nbpipe.store.shared_store import SharedStore

            return SharedStore(self.open(where), objects, self._state)

        return Sharing(lambda: self.shared(by_settings()), open_store, results, objects, say)

    def _place_of(self, name_or_url: str) -> str:
        known = self.all()
        return known[name_or_url].root if name_or_url in known else name_or_url

    def _as_datastore(self, name: str, told: Mapping[str, Any]) -> Datastore:
        options = told.get("options")
        given = options if isinstance(options, dict) else {}
        return Datastore(self._workspace, name, str(told.get("url", "")), options=given)


def lend_credentials(variables: Mapping[str, str]) -> None:
    """Let the drivers of this process find what the submitter's environment has for them."""
    os.environ.update({name: value for name, value in variables.items() if _LENT.fullmatch(name)})


def _is_secret(name: str, value: Any) -> bool:
    """Whether an option is secret by its name, or holds one that is."""
    if isinstance(value, Mapping):
        return any(_is_secret(str(inner), each) for inner, each in value.items())
    return bool(_SECRET.search(name)) and isinstance(value, str)


def _by_environment(url: str) -> str:
    start = url.partition("://")[0]
    named = next((text for kind, text in _BY_ENVIRONMENT.items() if start.startswith(kind)), "")
    return named or (
        "an SSH agent" if start in ("ssh", "sftp") else "the environment variables of its driver"
    )


def _lies_in(url: str, root: str) -> bool:
    return url == root or url.startswith(root.rstrip("/") + "/")
