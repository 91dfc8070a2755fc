"""A kernel that is not Python: it says back what it is told."""

from __future__ import annotations

from typing import Any, ClassVar

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class EchoKernel(Kernel):
    """Speaks a language of its own."""

    implementation = "echo"
    implementation_version = "1"
    banner = "echo"
    language_info: ClassVar[dict[str, str]] = {
        "name": "echo",
        "mimetype": "text/plain",
        "file_extension": ".txt",
    }

    async def do_execute(self, code: str, silent: bool, *_: Any, **__: Any) -> dict[str, Any]:
        if not silent:
            self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": [],
            "user_expressions": {},
        }


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=EchoKernel)
