"""How an agent is reached: ``python agent.zip connect ROOT``, or ``python .../nbpipe/compute/agent connect ROOT``.

Standard input and output then carry frames. What stands in the way is answered as a frame too, the answer to
the first question whatever that is. With ``serve`` instead of ``connect`` the agent is this process, and standard
input a socket that carries frames both ways.
"""

from __future__ import annotations

import os
import sys


def _main(arguments: list[str]) -> int:
    if sys.version_info < (3, 9):  # noqa: UP036 - whatever interpreter is there runs this
        sys.stderr.write(
            "Python {}.{} is too old for an agent; the oldest is 3.9.\n".format(*sys.version_info)
        )
        return 2
    if sys.platform != "linux":
        sys.stderr.write(f"Steps run on other machines under Linux alone; this one has {sys.platform}.\n")
        return 2
    from nbpipe.compute.agent.daemon import connect
    from nbpipe.compute.agent.refusal import Refusal
    from nbpipe.compute.agent.relay import splice
    from nbpipe.compute.agent.serving import serve

    command, root = arguments
    try:
        if command == "serve":
            serve(root)
            return 0
        connection = connect(root)
    except Refusal as error:
        sys.stderr.write(f"{error}\n")
        return 1
    splice(connection)
    return 0


if __name__ == "__main__":
    code = _main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a thread may still wait for standard input
