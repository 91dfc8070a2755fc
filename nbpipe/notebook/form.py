"""The form that makes and changes a step: it reads a step cell, shows what an edit would make run, writes the cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import ipywidgets as widgets

from nbpipe.errors import NbpipeError
from nbpipe.notebook.binding import DATA_TYPES
from nbpipe.notebook.choices import PARAMETER_TYPES, option_values, outputs, variables
from nbpipe.notebook.declaration import Cell, read_declaration
from nbpipe.notebook.magic_line import STEP_MAGICS
from nbpipe.notebook.options import OPTIONS, Option
from nbpipe.notebook.session import Session
from nbpipe.notebook.step_text import StepText, plain, quoted, read_step_text
from nbpipe.notebook.template import script_for
from nbpipe.notebook.transform import read_step_cell
from nbpipe.notebook.trial import Trial, try_out
from nbpipe.notebook.words import split
from nbpipe.views.status import look
from nbpipe.views.text import escaped, visible

LEFT_OUT = ("--run", "--overwrite")
"""Options that belong to one execution of the cell, not to the step; they are kept, and not shown."""
_PICKED = ("--compute-target", "--runconfig", "--pipeline")
"""Options whose value is one of those that there are."""
_LABEL = {"description_width": "130px"}

Write = Callable[[str, str], bool]
"""Puts a cell into the notebook: its text, and the id of the cell it replaces or empty; False where no page can."""


class StepForm(widgets.VBox):  # type: ignore[misc]
    """A form for one step.

    Args:
        session: the notebook's.
        text: the step as its cell has it; ``StepText("step.py")`` for a new one.
        cell: its cell; an empty one for a new step.
        write: puts the cell into the notebook.

    Attributes:
        text: the step as the form has it.
        trial: what it would make run, or None while it cannot be meant.
        problem: why it cannot be meant, or empty.
    """

    def __init__(self, session: Session, text: StepText, cell: Cell, write: Write) -> None:
        self.text = text
        self.trial: Trial | None = None
        self.problem = ""
        self._session, self._cell, self._write = session, cell, write
        self._own_body = bool(text.body.strip())
        self._reading = False
        self.script = _text("Script", plain(text.script))
        self.line = widgets.Textarea(description="Command line", style=_LABEL, layout=_wide(), rows=2)
        self.body = widgets.Textarea(description="Its script", style=_LABEL, layout=_wide(), rows=10)
        self.options = {name: _field(name, option, session) for name, option in OPTIONS.items()}
        self.told, self.preview = (
            widgets.HTML(layout=_wide()),
            widgets.Textarea(disabled=True, layout=_wide(), rows=8),
        )
        self.button = widgets.Button(description="Write the cell", button_style="primary")
        self.button.on_click(lambda _: self.write())
        self._fill()
        for each in (self.script, self.line, self.body, *self.options.values()):
            each.observe(self._changed, "value")
        super().__init__(list(self._parts()))
        self.refresh()

    def _parts(self) -> Iterator[widgets.Widget]:
        yield self.script
        yield self.line
        yield widgets.HBox(list(self._pickers()))
        shown = [each for name, each in self.options.items() if name not in LEFT_OUT]
        box = widgets.Accordion([widgets.VBox(shown)], titles=("Settings",))
        yield widgets.Accordion([self.body], titles=("Script",))
        yield box
        yield self.told
        yield widgets.Accordion([self.preview], titles=("The cell",))
        yield self.button

    def _pickers(self) -> Iterator[widgets.Widget]:
        """One for what a step may read, one for what it may take, one for what it writes."""
        data = [*outputs(self._session), *variables(self._session, DATA_TYPES)]
        for label, found in (("Read", data), ("Take", variables(self._session, PARAMETER_TYPES))):
            offered = [(f"{label} ...", ""), *((each, f"{{{each}}}") for each in found)]
            picker = widgets.Dropdown(options=offered, value="")
            picker.layout.width = "180px"
            picker.observe(self._pick, "value")
            yield picker
        out = widgets.Text(placeholder="Write: clean.csv, model/", continuous_update=False)
        out.layout.width = "180px"
        out.observe(self._pick_output, "value")
        yield out

    def _pick(self, change: Any) -> None:
        if change["new"]:
            self.add(str(change["new"]))
            change["owner"].value = ""

    def _pick_output(self, change: Any) -> None:
        if change["new"].strip():
            self.add(f"{{>{change['new'].strip()}}}")
            change["owner"].value = ""

    def add(self, placeholder: str) -> None:
        """Add data, a parameter or an output to the end of the command line, behind an option of its name."""
        words, _ = split(placeholder)
        part = words[0].parts[0] if words and words[0].parts else ""
        name = (
            getattr(part, "name", "")
            or getattr(part, "path", "").strip("./\\").replace("/", "_").partition(".")[0]
        )
        flag = f"--{name.replace('_', '-')} " if name else ""
        self.line.value = f"{self.line.value.strip()} {flag}{placeholder}".strip()

    def _fill(self) -> None:
        self._reading = True
        self.line.value = " ".join(self.text.words)
        self.body.value = self.text.body or script_for(self.text)
        for name, each in self.options.items():
            values = self.text.values(name)
            each.value = bool(values) if not OPTIONS[name].value else " ".join(_shown(OPTIONS[name], values))
        self._reading = False

    def _changed(self, change: Any) -> None:
        if self._reading:
            return
        if change["owner"] is self.body:
            self._own_body = True
        self.refresh()

    def refresh(self) -> None:
        """Read the form, and tell what the step would make run."""
        self.trial, self.problem = None, ""
        try:
            self.text = self._read()
            if not self._own_body:
                self.text = replace(self.text, body=script_for(self.text))
                self._reading = True
                self.body.value = self.text.body
                self._reading = False
            written = self.text.cell()
            cell = read_step_cell(written)
            first = cell.first if cell else self._cell.first
            declared = read_declaration(self.text.line, self.text.body, replace(self._cell, first=first))
            self.trial = try_out(self._session, declared)
            self.preview.value = written
        except NbpipeError as error:
            self.problem = str(error)
        self.button.disabled = bool(self.problem)
        self.told.value = self._told()

    def _read(self) -> StepText:
        text = self.text
        words, _ = split(self.line.value.replace("\n", " "))
        raw = tuple(self.line.value.replace("\n", " ")[word.column : word.end] for word in words)
        script = self.script.value.strip()
        if plain(text.script) != script:
            text = replace(text, script=quoted(script))
        body = self.body.value if self._own_body else text.body
        text = replace(text, words=raw, body=body)
        for name, field in self.options.items():
            values = list(_written(OPTIONS[name], field.value))
            if values != text.values(name):
                text = text.with_option(name, values)
        return text

    def _told(self) -> str:
        """What the edit would do, as markup of ours around texts."""
        if self.problem:
            return f'<pre class="nbpipe-problem">{escaped(visible_lines(self.problem))}</pre>'
        trial = self.trial or Trial()
        if trial.problems:
            return "".join(f"<div>{escaped(visible(each))}</div>" for each in trial.problems)
        if not trial.changes:
            return "<div>No step would have another fate.</div>"
        rows = []
        for each in trial.changes:
            after = each.after or "gone"
            why = f": {each.why}" if each.why else ""
            rows.append(f"<div>{escaped(visible(f'{look(after).glyph} {each.step} · {after}{why}'))}</div>")
        return "".join(rows)

    def write(self) -> None:
        """Put the cell into the notebook, or say how to."""
        if self.problem:
            return
        if not self._write(self.text.cell(), self._cell.cell_id):
            self.told.value = "<div>Copy the cell below into the notebook and run it.</div>" + self._told()


def form_of(session: Session, step: str = "") -> StepForm:
    """The form of a step as its cell has it; of a new one where none is named.

    Args:
        session: the notebook's.
        step: its name.

    Raises:
        UnknownName: there is no such step.
    """
    if not step:
        return StepForm(session, StepText("step.py"), Cell(), session.put_cell)
    declared = session.step(step)
    ran = (each.text for each in session.ran if each.cell.cell_id == declared.cell.cell_id != "")
    cell = next(ran, f"%%{STEP_MAGICS[0]} {declared.line.text}\n{declared.body}")
    return StepForm(session, read_step_text(cell), declared.cell, session.put_cell)


def visible_lines(text: str) -> str:
    """Several lines, each with nothing in it that cannot be seen."""
    return "\n".join(visible(line) if line.strip() else "" for line in text.splitlines())


def _wide() -> widgets.Layout:
    """As wide as the cell; one for each field, since a layout is closed with whom it belongs to."""
    return widgets.Layout(width="calc(100% - 8px)")


def _text(label: str, value: str = "", meaning: str = "") -> widgets.Text:
    return widgets.Text(
        value=value, description=label, placeholder=meaning, tooltip=meaning, style=_LABEL, layout=_wide(),
        continuous_update=False,
    )  # fmt: skip


def _field(name: str, option: Option, session: Session) -> widgets.Widget:
    if not option.value:
        return widgets.Checkbox(description=f"{name}: {option.meaning}", indent=False, layout=_wide())
    known = list(option_values(session, option.field)) if name in _PICKED else []
    if known:
        return widgets.Combobox(
            description=name, options=known, placeholder=option.meaning, style=_LABEL, layout=_wide(),
            ensure_option=False, continuous_update=False,
        )  # fmt: skip
    return _text(name, meaning=f"{option.meaning} ({option.value})")


def _shown(option: Option, values: Iterable[str]) -> Iterator[str]:
    """Values as the field shows them: as they are written where they may have placeholders or are several."""
    yield from values if option.braces or option.repeats else map(plain, values)


def _written(option: Option, value: Any) -> Iterator[str]:
    """Values of a field as they stand on the line."""
    if isinstance(value, bool):
        yield from [""] if value else []
    elif option.braces or option.repeats:
        words, _ = split(value)
        yield from (value[word.column : word.end] for word in words)
    elif value.strip():
        yield quoted(value.strip())
