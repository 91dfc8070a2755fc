"""The process that runs a Python file for the pipeline it declares: ``python -m nbpipe.loading.script_process``."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

from nbpipe.errors import NbpipeError
from nbpipe.loading.declared import error_to_json, write_report


def main() -> int:
    """Run the file of the first argument, and write what it declared to the second."""
    script, report = sys.argv[1:3]
    run_as_program(Path(script), Path(report))
    return 0


def run_as_program(script: Path, report: Path) -> None:
    """Run a Python file as this process's own program, and write what it declared."""
    sys.argv[:] = [str(script)]
    sys.path.insert(0, str(script.parent))
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=str(script), __builtins__=__builtins__)
    sys.modules["__main__"] = module
    trouble = _run(script, module.__dict__)
    if trouble:
        report.write_text(json.dumps({"error": trouble}), "utf-8")
    else:
        write_report(str(report), module.__dict__, sys.executable)


def _run(script: Path, namespace: dict[str, Any]) -> dict[str, Any]:
    """Run a file; what went wrong as ``error_to_json`` writes it, or empty."""
    try:
        exec(compile(script.read_bytes(), str(script), "exec"), namespace)  # noqa: S102 - the user's own file
    except SystemExit as end:
        if end.code not in (None, 0):
            return _trouble(script, f"it exits with {end.code!r}", None)
    except NbpipeError as error:
        place = _line_in(script, error)
        return error_to_json(error) | ({} if error.place or not place else {"place": place})
    except BaseException as error:  # noqa: BLE001 - whatever the user's file raises is told
        import traceback

        told = traceback.format_exception_only(error)[-1].strip()
        return _trouble(script, told, _line_in(script, error))
    return {}


def _trouble(script: Path, what: str, place: str | None) -> dict[str, Any]:
    told = {"fact": f"{script.name} cannot be loaded: {what}", "place": place, "remedy": None}
    return {"type": "NotebookError", **told, "problems": []}


def _line_in(script: Path, error: BaseException) -> str | None:
    """The line of the file that an error came through, or None."""
    if isinstance(error, SyntaxError) and error.filename == str(script):
        return f"line {error.lineno}: {(error.text or '').strip()}"
    import traceback

    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(script)]
    return f"line {lines[-1].lineno}: {lines[-1].line}" if lines else None


if __name__ == "__main__":
    sys.exit(main())
