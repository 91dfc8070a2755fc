"""How an interpreter, with or without nbpipe, starts the runtime: `python .../nbpipe/runtime/__main__.py`.

With the number of a socket, it is a zygote (`nbpipe.runtime.zygote`); with `--launch SCRIPT ARGUMENTS`, it
becomes the script at once, for systems that cannot fork; with `--keep FOLDER LAUNCHER...`, it is a keeper
(`nbpipe.runtime.keeper`).
"""

from __future__ import annotations

import sys


def _main(arguments: list[str]) -> None:
    modules = frozenset(sys.modules)
    if sys.version_info < (3, 9):  # noqa: UP036 - whatever interpreter the user named runs this
        sys.exit("Python {}.{} is too old for a step; the oldest is 3.9.".format(*sys.version_info))
    folder = __file__.replace("\\", "/").rpartition("/")[0]
    if sys.path and sys.path[0].replace("\\", "/") == folder:
        del sys.path[0]
    # Not the package as installed: that may be absent here, or another version, and would stay imported in
    # the step.
    package = type(sys)("nbpipe")
    package.__path__ = [folder.rpartition("/")[0]]
    sys.modules["nbpipe"] = package
    from nbpipe.runtime.launch import run_script

    if arguments[0] == "--launch":
        script, *argv = arguments[1:]
        for module in set(sys.modules) - modules:
            del sys.modules[module]
        run_script(script, argv)
    else:
        import os

        if arguments[0] == "--keep":
            from nbpipe.runtime.keeper import Keeper

            request = Keeper(arguments[1], arguments[2:], modules).run()
        else:
            from nbpipe.runtime.zygote import Zygote

            request = Zygote(int(arguments[0]), modules).serve()
        if request is not None:
            run_script(os.fsdecode(request.script), [os.fsdecode(argument) for argument in request.argv])


if __name__ == "__main__":
    _main(sys.argv[1:])
