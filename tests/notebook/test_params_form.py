"""What is set in the form of the parameters is what the next plan takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import ipywidgets as widgets
import pytest

from nbpipe.core.parameter import PipelineParameter
from nbpipe.errors import UnknownName, UsageError
from nbpipe.notebook.params_form import ParamsForm
from nbpipe.notebook.session import Session
from nbpipe.notebook.values import Choice, choices, set_value


@pytest.fixture
def session(tmp_path: Path) -> Session:
    variables: dict[str, Any] = {
        "lr": 0.1, "depth": 5, "kind": "svm", "deep": True, "name": "<b>x</b>", "rate": 2.0,
        "old": PipelineParameter("v", 3),
        "__annotations__": {
            "lr": Annotated[float, (0.0, 1.0)],
            "depth": Annotated[int, range(1, 20, 2)],
            "kind": Literal["forest", "svm"],
            "rate": Annotated[float, (0, 1)],
            "name": "a text",
        },
    }  # fmt: skip
    made = Session(tmp_path, variables)
    made.begin_cell("%%step s.py", "id", "cell [1]")
    made.declare("s.py {lr} {depth} {kind} {deep} {name} {rate} {old} {>out}", "pass", "step")
    return made


def value(session: Session, name: str) -> Any:
    return session.pipeline().graph.parameters[name]


def test_each_parameter_has_the_field_that_fits_it(session: Session) -> None:
    fields = ParamsForm(session).fields
    assert {name: type(field) for name, field in fields.items()} == {
        "lr": widgets.FloatSlider, "depth": widgets.IntSlider, "kind": widgets.Dropdown, "deep": widgets.Checkbox,
        "name": widgets.Text, "rate": widgets.FloatText, "v": widgets.IntText,
    }  # fmt: skip
    assert (fields["depth"].min, fields["depth"].max, fields["depth"].step) == (1, 19, 2)


@pytest.mark.parametrize(
    ("name", "new"), [("lr", 0.5), ("depth", 7), ("kind", "forest"), ("deep", False), ("name", "y"), ("v", 4)]
)
def test_what_is_set_is_what_the_next_plan_takes(session: Session, name: str, new: Any) -> None:
    form = ParamsForm(session)
    form.fields[name].value = new
    assert value(session, name) == new
    assert form.told.value == ""


def test_a_value_of_another_kind_is_refused(session: Session) -> None:
    for name, wrong in {"lr": "a lot", "name": 3, "deep": 1, "depth": True}.items():
        with pytest.raises(UsageError):
            set_value(session, name, wrong)
    set_value(session, "depth", 2.5)
    assert value(session, "depth") == 2.5


def test_what_is_no_parameter_is_named_with_those_there_are(session: Session) -> None:
    with pytest.raises(UnknownName, match="No parameter nobody") as caught:
        set_value(session, "nobody", 1)
    assert "lr, depth" in str(caught.value)


def test_an_annotation_that_does_not_fit_is_passed_over(session: Session) -> None:
    session.namespace["__annotations__"] = "nothing"  # type: ignore[index]
    assert choices(session)[0] == Choice("lr", 0.1)


def test_a_pipeline_without_parameters_says_how_to_have_one(tmp_path: Path) -> None:
    session = Session(tmp_path, {})
    session.begin_cell("%%step s.py", "id", "cell [1]")
    session.declare("s.py {>out}", "pass", "step")
    assert "--lr {lr}" in ParamsForm(session).children[0].value
