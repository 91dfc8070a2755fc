"""The new cell's text: a magic line, and a script that takes its inputs, does what the old cell did and writes it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from nbpipe.core.record import dataclass
from nbpipe.notebook.extraction.arguments import LONGEST_LINE, Arguments
from nbpipe.notebook.extraction.body import Edit, Offsets, edited, futures, printing
from nbpipe.notebook.extraction.book import BookCell
from nbpipe.notebook.extraction.files import FileText, given_texts
from nbpipe.notebook.extraction.inputs import Input
from nbpipe.notebook.extraction.makers import output_name
from nbpipe.notebook.extraction.naming import free_name
from nbpipe.notebook.extraction.origins import Needs
from nbpipe.notebook.extraction.outputs import Output
from nbpipe.notebook.extraction.pieces import Piece
from nbpipe.notebook.formats.format import IMPORTS


@dataclass(frozen=True)
class Parts:
    """All that a new cell is made of.

    Attributes:
        name: the step's name.
        cell: the old cell.
        needs: the code that it takes from other cells.
        inputs, outputs: the values that it is given, and those that it writes.
        files: texts that become arguments, each path once.
        futures: ``from __future__`` imports of other cells, which count in all that run after them.
        prints: what the cell shows at its end is printed.
        pipeline: name of its pipeline; empty for the one that steps belong to anyway.
    """

    name: str
    cell: BookCell
    needs: Needs
    inputs: Sequence[Input] = ()
    outputs: Sequence[Output] = ()
    files: Sequence[FileText] = ()
    futures: Sequence[str] = ()
    prints: bool = False
    pipeline: str = ""

    @property
    def pieces(self) -> list[Piece]:
        """Functions, classes and constants of other cells."""
        return [piece for piece, _ in self.needs.pieces]


def step_cell(parts: Parts) -> str:
    """The text of the new cell."""
    taken = identifiers([parts.cell.python, *(each.text for each in parts.pieces)])
    taken |= identifiers(piece.text for piece, _ in parts.needs.imports) | {
        each.name for each in parts.inputs
    }
    arguments, imports = Arguments(taken), _Imports(parts, taken)
    inputs = [_input(each, arguments, imports.called) for each in parts.inputs]
    paths = {
        each.path: arguments.data(each.argument, each.placeholder)
        for each in parts.files
        if each.use == "read"
    }
    written = [each for each in parts.files if each.use == "written"]
    paths |= {each.path: arguments.output(each.argument, each.placeholder[2:-1]) for each in written}
    outputs = [_output(each, parts, arguments, imports.called) for each in parts.outputs]
    code = [edited(each.text, _file_edits(each.text, paths)) for each in parts.pieces]
    reading = "\n".join([arguments.parser(), *inputs]) if arguments else ""
    pieces = _code(parts.pieces, code)
    ahead = [pieces, reading] if not _is_late(parts, code) else [reading, pieces]
    sections = [imports.text(with_arguments=bool(arguments)), *ahead, _body(parts, paths), "\n".join(outputs)]
    return f"{arguments.magic_line(parts.name, parts.pipeline)}\n{_joined(sections, pieces)}\n"


def identifiers(texts: Iterable[str]) -> set[str]:
    """Every name that stands in texts: of variables, arguments, functions, and what imports set."""
    found: set[str] = set()
    for node in (node for text in texts for node in ast.walk(ast.parse(text))):
        names = (getattr(node, field, None) for field in ("id", "arg", "name", "asname"))
        found |= {name.partition(".")[0] for name in names if isinstance(name, str)}
    return found


class _Imports:
    """The imports of a script: those of the code that it takes along, and those that its own code needs."""

    def __init__(self, parts: Parts, taken: Collection[str]) -> None:
        self._parts = parts
        self._lines = [line for piece, _ in parts.needs.imports for line in piece.text.splitlines()]
        self.called: dict[str, str] = {}
        before = {key for each in parts.inputs for key in _reading(each)}
        writing = {key for each in parts.outputs for key in each.kept.writing}
        for key in (key for key in IMPORTS if key in before | writing):
            self.called[key] = self._find(key, taken, only_after=key not in before)

    def _find(self, key: str, taken: Collection[str], *, only_after: bool) -> str:
        """What a module is called; it is imported where neither the code taken along nor the cell does."""
        wanted = IMPORTS[key].partition(" as ")[0]
        for line in self._lines:
            plain, _, renamed = line.partition(" as ")
            if plain == wanted:
                return renamed or plain.rpartition(" ")[2]
        own = self._parts.cell.pieces.get(key)
        is_own = own is not None and own.text == IMPORTS[key] and key in self._parts.cell.names.surely
        name = key if is_own else free_name(key, taken)
        if not (is_own and only_after):
            self._lines.append(IMPORTS[key] if name == key else f"{wanted} as {name}")
        return name

    def text(self, *, with_arguments: bool) -> str:
        """The lines, in groups: of the language, of the standard library, and others as they stood."""
        own, _ = futures(self._parts.cell.python)
        lines = dict.fromkeys([*(["import argparse"] if with_arguments else []), *self._lines])
        standard = [line for line in lines if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
        other = [line for line in lines if line not in standard]
        ahead = list(dict.fromkeys([*self._parts.futures, *own]))
        groups = (ahead, sorted(standard, key=lambda line: (line.startswith("from"), line)), other)
        return "\n\n".join("\n".join(group) for group in groups if group)


def _reading(given: Input) -> tuple[str, ...]:
    """Names of ``IMPORTS`` that the code uses which takes an input."""
    if given.way == "file":
        return given.kept.reading
    return ("Path",) if given.way == "path" else ()


def _input(given: Input, arguments: Arguments, called: Mapping[str, str]) -> str:
    """The line that takes an input."""
    if given.way == "parameter":
        return f"{given.name} = {arguments.value(given.name, given.kept.simple)}"
    path = arguments.data(given.name, given.placeholder)
    if given.way == "file":
        return wrapped(f"{given.name} = {given.kept.read_from(path, called)}")
    return f"{given.name} = {called['Path']}({path})" if given.way == "path" else f"{given.name} = {path}"


def wrapped(line: str) -> str:
    """A line of code; of a long one the arguments of its first call with keywords stand on lines of their own."""
    calls = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call) and node.keywords]
    if len(line) <= LONGEST_LINE or not calls:
        return line
    call = min(calls, key=lambda node: (node.col_offset, node.end_col_offset))
    offsets = Offsets(line)
    parts: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    given = [offsets.of(each) for each in parts]
    inside = "".join(f"    {line[start:end]},\n" for start, end in given)
    return f"{line[: given[0][0]]}\n{inside}{line[given[-1][1] :]}"


def _output(made: Output, parts: Parts, arguments: Arguments, called: Mapping[str, str]) -> str:
    """The line that writes an output; the argument of one that is alone is called ``out``."""
    others = [output_name(each.name) for each in parts.outputs if each.name]
    others += [each.argument for each in parts.files]
    own = output_name(made.name or parts.name)
    name = own if made.name or own not in others else free_name("figure", others)
    alone = len(parts.outputs) == 1 and not any(each.use == "written" for each in parts.files)
    path = arguments.output("out" if alone else name, f"{name}{made.kept.ending}")
    return made.kept.written(made.name, path, called)


def _is_late(parts: Parts, code: Sequence[str]) -> bool:
    """True when a function needs an argument or an input already where it is defined."""
    given = {each.name for each in parts.inputs}
    uses_arguments = any(text != piece.text for piece, text in zip(parts.pieces, code, strict=True))
    return uses_arguments or any(given & piece.at_once().reads.keys() for piece in parts.pieces)


def _code(pieces: Sequence[Piece], texts: Sequence[str]) -> str:
    """Functions, classes and constants, the former set apart by blank lines."""
    found = ""
    for number, (piece, text) in enumerate(zip(pieces, texts, strict=True)):
        apart = number and not {piece.kind, pieces[number - 1].kind} <= {"constant"}
        found += ("\n\n\n" if apart else "\n" if number else "") + text
    return found


def _body(parts: Parts, paths: Mapping[str, str]) -> str:
    python = parts.cell.python
    edits = [*_file_edits(python, paths), *futures(python)[1], *(printing(python) if parts.prints else [])]
    ahead = ["display = print"] if "display" in parts.needs.kernel else []
    return "\n".join([*ahead, edited(python, edits)])


def _file_edits(text: str, paths: Mapping[str, str]) -> list[Edit]:
    return [(each.start, each.end, paths[each.path]) for each in given_texts(text) if each.path in paths]


def _joined(sections: Sequence[str], code: str) -> str:
    """Sections with a blank line between them, and two around functions."""
    return "".join(_apart([each.strip("\n") for each in sections if each.strip()], code))


def _apart(sections: Sequence[str], code: str) -> Iterator[str]:
    for number, each in enumerate(sections):
        if number:
            yield "\n\n\n" if code.strip("\n") in (each, sections[number - 1]) and "\n" in code else "\n\n"
        yield each
