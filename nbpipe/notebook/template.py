"""The beginning of a step's script: an argparse that reads the command line of its magic line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nbpipe.notebook.step_text import StepText
from nbpipe.notebook.words import Part, Read, Word, Write, split

_NOTHING = "print('nothing yet')\n"


def script_for(text: StepText) -> str:
    r"""A script that takes what a step's command line gives it, and writes each output, empty.

    Args:
        text: the step.

    Example:
        >>> print(script_for(StepText("s.py", ("--data", "{clean}"))), end="")
        import argparse
        <BLANKLINE>
        parser = argparse.ArgumentParser()
        parser.add_argument("--data")
        args = parser.parse_args()
        <BLANKLINE>
        print("reads", args.data)
    """
    words, _ = split(" ".join(text.words))
    arguments = dict(_arguments(words))
    if not arguments:
        return _NOTHING
    lines = ["import argparse", "", "parser = argparse.ArgumentParser()"]
    for name, part in arguments.items():
        flag = ', action="store_true"' if part is None else ""
        lines.append(f'parser.add_argument("{name}"{flag})')
    lines += ["args = parser.parse_args()", ""]
    for name, part in arguments.items():
        lines += _use(name.lstrip("-").replace("-", "_"), part)
    return "\n".join(lines).rstrip("\n") + "\n"


def _arguments(words: Sequence[Word]) -> Iterator[tuple[str, Part | None]]:
    """Each argument by its option, or by the name of what stands there, with its value; None for a bare flag."""
    left = list(words)
    while left:
        word = left.pop(0)
        flag, equals, _ = word.text.partition("=")
        if not _is_flag(word):
            part = word.parts[-1] if word.parts else ""
            name = part.name if isinstance(part, Read | Write) and part.name.isidentifier() else ""
            yield name or f"argument{len(words) - len(left)}", part
        elif equals:
            yield flag, word.parts[-1]
        elif left and not _is_flag(left[0]):
            value = left.pop(0)
            yield flag, value.parts[-1] if value.parts else ""
        else:
            yield flag, None


def _is_flag(word: Word) -> bool:
    name = word.text.partition("=")[0].lstrip("-").replace("-", "_")
    return word.text.startswith("-") and name.isidentifier()


def _use(name: str, part: Part | None) -> Iterator[str]:
    """What the script does with an argument, for a beginning."""
    if isinstance(part, Write) and part.form == "folder":
        yield f'print("writes into", args.{name})'
    elif isinstance(part, Write):
        yield f'open(args.{name}, "w").close()'
    elif isinstance(part, Read):
        yield f'print("reads", args.{name})'
