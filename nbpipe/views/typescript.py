"""Writes ``labextension/src/protocol.ts``: the messages, words, shapes and colours of Python, for the browser.

Renewed by ``make protocol``; a test fails while the file is stale.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from nbpipe.views import answers, protocol
from nbpipe.views.glyphs import DATA, GLYPHS, SCREEN
from nbpipe.views.status import DARK, HUES, LIGHT, LOOKS, SETTLED

_HEAD = "// Generated from nbpipe/views/protocol.py and answers.py; renew with `make protocol`.\n"
_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", Any: "unknown", type(None): "null"}


def protocol_ts() -> str:
    """The whole file."""
    return "\n".join([_HEAD, *_constants(), *_interfaces(), *_unions()])


def _constants() -> Iterator[str]:
    for name in ("PROTOCOL", "COMM_TARGET", "VIEW_MIME"):
        yield f"export const {name} = {_json(getattr(protocol, name))};\n"
    yield f"export type Hue = {_union(HUES)};\n"
    looks = {word: _look(word) for word in LOOKS}
    fields = "glyph: string; hue: Hue; planned: boolean; border: 'line' | 'dashed' | 'hue'; muted: boolean"
    yield f"export interface Look {{ {fields} }}\n"
    yield (
        f"/** Every state by its word, what asks for attention first. */\n"
        f"export const LOOKS: Readonly<Record<string, Look>> = {_json(looks)};\n"
    )
    yield f"export const SETTLED: readonly string[] = {_json(sorted(SETTLED))};\n"
    shapes = {word: GLYPHS["reused" if word == "will reuse" else word] for word in LOOKS}
    yield (
        "/** Status word -> SVG around the origin, 16 by 16, in the current colour. */\n"
        f"export const GLYPHS: Readonly<Record<string, string>> = {_json(shapes)};\n"
    )
    yield f"export const DATA_GLYPH = {_json(DATA)};\nexport const SCREEN_GLYPH = {_json(SCREEN)};\n"
    for name, tokens in (("LIGHT", LIGHT), ("DARK", DARK)):
        yield f"export const {name}: Readonly<Record<string, string>> = {_json(dict(tokens))};\n"


def _look(word: str) -> dict[str, Any]:
    look = LOOKS[word]
    wanted = ("glyph", "hue", "planned", "border", "muted")
    return {name: getattr(look, name) for name in wanted}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _interfaces() -> Iterator[str]:
    for module in (protocol, answers):
        for kind in vars(module).values():
            if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__:
                yield _interface(kind)


def _interface(kind: Any) -> str:
    hints = typing.get_type_hints(kind)
    first = (kind.__doc__ or "").split("\n\n")[0]
    told = " ".join(first.split()).replace("``", "`").replace("*/", "* /")
    fields = (f"  {field.name}: {_type(hints[field.name])};\n" for field in dataclasses.fields(kind))
    return f"/** {told} */\nexport interface {kind.__name__} {{\n{''.join(fields)}}}\n"


def _type(hint: Any) -> str:
    """The TypeScript type of an annotation."""
    origin, args = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is Literal:
        return _union(args)
    if origin in (types.UnionType, typing.Union):
        return " | ".join(_type(each) for each in args)
    if origin is tuple:
        inner = _type(args[0])
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return f"Readonly<Record<string, {_type(args[1])}>>"
    return str(hint.__name__)


def _union(words: typing.Iterable[str]) -> str:
    return " | ".join(json.dumps(word) for word in words)


def _unions() -> Iterator[str]:
    names = " | ".join(kind.__name__ for kind in get_args(protocol.Message))
    yield f"export type Message = {names};\n"
    pairs = "".join(f"  {verb}: {kind.__name__};\n" for verb, kind in answers.ANSWERS.items())
    yield f"/** Verb -> what its answer holds. */\nexport interface Answers {{\n{pairs}}}\n"


def main() -> None:
    """Write the file that is named on the command line."""
    Path(sys.argv[1]).write_text(protocol_ts(), encoding="utf-8")


if __name__ == "__main__":
    main()
