"""A kernel that runs a notebook's cells one after the other, and tells how each ended."""

from __future__ import annotations

import queue
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nbpipe.core.validation import close_to
from nbpipe.errors import NotebookError

_LOOK = 0.5  # seconds between two looks at whether the kernel lives, while it is silent
_PATIENCE = 60.0  # seconds for a kernel to begin


class KernelDied(Exception):
    """The kernel is gone; the text is the last line it wrote."""


class Kernel:
    """A kernel of its own for one notebook; a context manager that ends it.

    Args:
        name: the kernelspec.
        folder: its working directory.
        env: its environment.

    Raises:
        NotebookError: there is no such kernelspec, or it does not start.
    """

    def __init__(self, name: str, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._folder = folder
        self._env = dict(env)

    def __enter__(self) -> Self:
        from jupyter_client.kernelspec import NoSuchKernel
        from jupyter_client.manager import KernelManager

        self._manager = KernelManager(kernel_name=self.name)
        self._said = tempfile.TemporaryFile()
        try:
            _check_language(self._manager.kernel_spec)
            self._manager.start_kernel(
                cwd=str(self._folder), env=self._env, stdout=self._said, stderr=self._said
            )
            self._client = self._manager.blocking_client()
            self._client.start_channels()
            self._client.wait_for_ready(timeout=_PATIENCE)
        except NoSuchKernel:
            self._said.close()
            raise _no_such_kernel(self.name) from None
        except (OSError, RuntimeError) as error:
            if isinstance(error, NotebookError):
                self._end()
                raise
            said = self._last_words() or str(error)
            self._end()
            raise NotebookError(f"The kernel {self.name} does not start.", place=said) from None
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if client := getattr(self, "_client", None):
            client.stop_channels()
        with suppress(RuntimeError):
            self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._said.close()

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def run(
        self, code: str, metadata: Mapping[str, Any] | None = None, *, silent: bool = False
    ) -> Mapping[str, Any]:
        """Run a cell to its end.

        Args:
            code: the cell.
            metadata: of the request; ``cellId`` tells the kernel which cell it is.
            silent: leave no trace in the kernel's history.

        Returns:
            The content of the reply: ``status``, and for an error ``ename``, ``evalue``, ``traceback``.

        Raises:
            KernelDied: the kernel ended meanwhile.
        """
        content = {
            "code": code, "silent": silent, "store_history": not silent, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": False,
        }  # fmt: skip
        session, channel = self._client.session, self._client.shell_channel
        request = session.msg("execute_request", content, metadata=dict(metadata or {}))
        channel.send(request)
        while True:
            try:
                reply = self._client.get_shell_msg(timeout=_LOOK)
            except queue.Empty:
                if not self._manager.is_alive():
                    raise KernelDied(self._last_words()) from None
                continue
            if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                answer: Mapping[str, Any] = reply["content"]
                return answer


def _check_language(spec: Any) -> None:
    if spec.language.lower() != "python":
        raise NotebookError(f"The notebook is written in {spec.language}; a step is a Python script.")


def _no_such_kernel(name: str) -> NotebookError:
    from jupyter_client.kernelspec import KernelSpecManager

    known = sorted(KernelSpecManager().find_kernel_specs())
    meant = close_to(name, known)
    return NotebookError(
        f"The notebook wants the kernel {name}, which is not installed.{f' Did you mean {meant}?' if meant else ''}",
        remedy=f"Installed: {', '.join(known) or 'none'}\n"
        "Choose one of them in Jupyter and save the notebook, or make it in the environment that it needs:\n"
        f"python -m ipykernel install --user --name {name}",
    )
