"""A step cell taken apart into what a form edits, and put together again without loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace

from nbpipe.core.record import dataclass
from nbpipe.errors import UsageError
from nbpipe.notebook.magic_line import MODULE_MAGIC, STEP_MAGICS, MagicLine, parse_magic_line
from nbpipe.notebook.options import OPTIONS
from nbpipe.notebook.transform import read_step_cell
from nbpipe.notebook.words import Word, doubled, split


@dataclass(frozen=True)
class StepText:
    """A step cell in pieces, each as it is written on the magic line, quotes included.

    Attributes:
        script: the script's name.
        words: the script's command line.
        options: nbpipe's options and their values in the order of the line; a flag's value is empty.
        body: the script.
        magic: the magic's name.
        head: comments and blank lines above the magic.
        source: the cell that it was read from, given back while nothing is changed; empty for a new one.
    """

    script: str
    words: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    body: str = ""
    magic: str = STEP_MAGICS[0]
    head: str = ""
    source: str = field(default="", compare=False)

    @property
    def line(self) -> str:
        """What stands behind the magic's name."""
        flags = (f"{name} {value}".rstrip() for name, value in self.options)
        return " ".join([*flags, self.script, *self.words])

    def parsed(self) -> MagicLine:
        """Its magic line, understood; ``UsageError`` names everything in it that cannot be meant."""
        return parse_magic_line(self.line, self.magic)

    def cell(self) -> str:
        """The cell; the very text that was read where nothing was changed.

        Raises:
            UsageError: the line cannot be meant, or does not mean what the pieces say.
        """
        if self.source and read_step_text(self.source) == self:
            return self.source
        written = f"{self.head}%%{self.magic} {self.line}\n{self.body}"
        self.parsed()
        if read_step_text(written) != self:
            raise UsageError("This does not fit on one magic line.", remedy="Every value is one line.")
        return written

    def values(self, name: str) -> list[str]:
        """The values of an option, as they are written; of a flag that is set, one empty text."""
        return [value for each, value in self.options if each == name]

    def with_option(self, name: str, values: Iterable[str]) -> StepText:
        """The same with other values of an option, where it stood, or behind the others."""
        before = [each for each, _ in self.options]
        place = before.index(name) if name in before else len(before)
        kept = [pair for pair in self.options if pair[0] != name]
        place -= sum(each == name for each in before[:place])
        given = [(name, value) for value in values]
        return replace(self, options=(*kept[:place], *given, *kept[place:]))


def read_step_text(cell: str) -> StepText:
    r"""Take a step cell apart.

    Raises:
        UsageError: it is no step cell, or its magic line cannot be meant.

    Example:
        >>> text = read_step_text("%%step --retries 2 train.py --lr {lr}\nprint(1)\n")
        >>> text.options, text.script, text.words
        ((('--retries', '2'),), 'train.py', ('--lr', '{lr}'))
        >>> text.with_option("--retries", ["3"]).cell()
        '%%step --retries 3 train.py --lr {lr}\nprint(1)\n'
    """
    found = read_step_cell(cell)
    if found is None or found.magic == MODULE_MAGIC:
        raise UsageError("This cell is no step.", remedy="A step's cell begins with  %%pipeline_step SCRIPT")
    parse_magic_line(found.line, found.magic)
    words, _ = split(found.line)
    options = tuple(_options(words, found.line))
    rest = words[sum(1 if not value or joined else 2 for _, value, joined in options) :]
    if rest and rest[0].text == "--":
        rest = rest[1:]
    raw = [_raw(word, found.line) for word in rest]
    head = cell[: cell.index(f"%%{found.magic}")]
    pairs = tuple((name, value) for name, value, _ in options)
    return StepText(raw[0], tuple(raw[1:]), pairs, found.body, found.magic, head, cell)


def _options(words: Sequence[Word], line: str) -> Iterator[tuple[str, str, bool]]:
    """Each option with its value, and whether ``=`` joins them."""
    left = list(words)
    while left and left[0].text.startswith("-") and left[0].text != "--":
        word = left.pop(0)
        name, equals, _ = word.text.partition("=")
        if equals:
            yield name, _raw(word, line)[len(name) + 1 :], True
        elif OPTIONS[name].value:
            yield name, _raw(left.pop(0), line), False
        else:
            yield name, "", False


def _raw(word: Word, line: str) -> str:
    return line[word.column : word.end]


def plain(raw: str) -> str:
    """What a word means that has no placeholder, without its quotes.

    Example:
        >>> plain("'a b'")
        'a b'
    """
    words, _ = split(raw)
    return words[0].text if words else ""


def quoted(text: str) -> str:
    r"""A text as one word of a magic line that means just this text.

    Raises:
        UsageError: it has a line break, which no magic line can hold.

    Example:
        >>> quoted("plain"), quoted("two words"), quoted("{x}"), quoted("it's")
        ('plain', "'two words'", '{{x}}', "it\\'s")
    """
    if len(f"{text}.".splitlines()) > 1:
        raise UsageError(
            "A value on a magic line is one line.", remedy="Read long texts from a file:  {./file}"
        )
    for raw in _spellings(text):
        words, faults = split(raw)
        if not faults and len(words) == 1 and words[0].parts == ((text,) if text else ()):
            return raw
    raise UsageError(f"{text!r} cannot stand on a magic line.", remedy="Read it from a file:  {./file}")


def _spellings(text: str) -> Iterator[str]:
    """Ways to write a text as a word, the plainest first; not each of them means it."""
    literal = doubled(text)
    if text.split() == [text] and not text.endswith("\\"):
        yield literal
    yield f"'{literal}'"
    if not any(char.isspace() for char in text.replace(" ", "")) and not text.endswith(" "):
        yield "".join(f"\\{char}" if char in "'\"\\ " else char for char in literal)
    escaped = literal.replace("\\", "\\\\").replace('"', '\\"')
    yield f'"{escaped}"'
