"""The runner: the process that carries out one run, whatever becomes of the kernel that submitted it."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from nbpipe.errors import StoreError


def main() -> int:
    """Entry of the process: ``python -m nbpipe.execution.runner ROOT RUN``, what it is given on stdin."""
    gc.disable()  # what is imported stays: to look through it again and again takes a fifth of the time
    from nbpipe.execution.given import Given
    from nbpipe.execution.lifetime import run_to_end

    gc.freeze()
    gc.enable()
    root, run_id = Path(sys.argv[1]), sys.argv[2]
    try:
        given = Given.from_bytes(sys.stdin.buffer.read())
    except ValueError as error:  # steps must not run in an environment that nobody gave them
        raise StoreError("Whoever submitted the run was gone before it had begun.") from error
    return 0 if run_to_end(root, run_id, given) == "Finished" else 1


if __name__ == "__main__":
    sys.exit(main())
