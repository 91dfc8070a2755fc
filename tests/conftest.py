"""What every test stands on: a clean environment, a home of its own, and how hard hypothesis looks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# What a shell may set that a test would see: the interpreter, other runs, summaries, a git identity, colours.
FOREIGN = (
    "PYTHON", "IPYTHON", "JUPYTER", "JPY_", "NBPIPE_", "AML_", "AZUREML_", "GIT_", "GITHUB_", "XDG_",
    "CLICOLOR", "FORCE_COLOR", "NO_COLOR", "MPLBACKEND", "SOURCE_DATE_EPOCH", "COLUMNS", "LINES",
)  # fmt: skip

pytest.register_assert_rewrite("nbpipe.compute.conformance")
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "quick"))


def pytest_configure() -> None:
    """Drop what the caller's shell set, before xdist starts its workers and any test starts a process."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    sys.dont_write_bytecode = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell started the tests in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that drive a browser come last: Playwright keeps an event loop at work in its thread from then on."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the session an empty home, so that no test reads or writes the settings of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "USERPROFILE"):
            patch.setenv(name, str(home))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("JUPYTER_CONFIG_DIR", str(home / "jupyter" / "config"))
        patch.setenv("JUPYTER_DATA_DIR", str(home / "jupyter" / "data"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(home / "jupyter" / "runtime"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield
