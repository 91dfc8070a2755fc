"""Cells become steps: what each takes along, is given and writes, and that it then does what the cell did."""

from __future__ import annotations

import builtins
import json
import re
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest

from nbpipe.errors import UsageError
from nbpipe.notebook.declaration import Cell
from nbpipe.notebook.extraction.extract import extract
from nbpipe.notebook.formats import frames
from tests.notebook.extraction.written import Written, line, script

mpl.use("Agg")


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file in it, where cells run; frames are kept as csv whatever is installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(frames, "has_parquet_engine", lambda: False)
    monkeypatch.setattr(frames, "_floats_as_read", lambda: True)
    (tmp_path / "data").mkdir()
    rows = "2024-01-01,a,1.5\n2024-01-02,b,2.5\n2024-01-03,a,\n"
    (tmp_path / "data/raw.csv").write_text(f"day,kind,x\n{rows}")
    return tmp_path


def test_a_cell_is_written_as_a_step_whole(at: Path) -> None:
    notebook = Written(
        at,
        "import pandas as pd\nimport os",
        "def halved(frame):\n    return frame / factor",
        "factor = 2",
        "df = pd.DataFrame({'x': [1.0, 2.0]})",
        "# halve\nhalf = halved(df)  # all of it\nhalf",
        "print(half)",
    )
    notebook.register(notebook.extract("[4]"))
    assert (
        notebook.extract("[5]").text
        == """\
%%pipeline_step halve.py --df {df} --factor={factor} --out {>half.csv}
import argparse

import pandas as pd


def halved(frame):
    return frame / factor


parser = argparse.ArgumentParser()
parser.add_argument("--df")
parser.add_argument("--factor", type=int)
parser.add_argument("--out")
args = parser.parse_args()
df = pd.read_csv(args.df)
factor = args.factor

# halve
half = halved(df)  # all of it
print(half)

half.to_csv(args.out, index=False)
"""
    )


def test_what_was_taken_from_where_is_told(at: Path) -> None:
    notebook = Written(
        at,
        "import numpy as np",
        "def double(x):\n    return np.multiply(x, 2)",
        "n = 3",
        "y = double(n)\ny",
        "print(y)",
    )
    made = notebook.extract("[4]", preview=True)
    assert made.notes == (
        "import numpy as np is taken from cell [1]",
        "function double is taken from cell [2]",
        "n is a parameter, now 3",
        "y is used by later cells: it is written as npy",
        "line 2 is printed, which the notebook shows",
    )
    assert made.preview.startswith("\n".join(made.notes))
    assert "\n--- cell [4]\n+++ step y\n" in made.preview
    assert "\n y = double(n)\n-y\n+print(y)\n" in made.preview


def test_only_the_imports_that_are_used_come_along(at: Path) -> None:
    notebook = Written(
        at,
        "import os, json, xml.dom\nimport xml.sax\nimport numpy as np, math as m\nfrom pathlib import Path as P",
        "x = [m.floor(1.5), str(P('.')), xml.sax.__name__]",
    )
    found = [
        each for each in script(notebook.extract("[2]")).splitlines() if each.startswith(("import", "from"))
    ]
    assert found == [
        "import argparse", "import json", "import math as m", "import xml.dom", "import xml.sax",
        "from pathlib import Path as P",
    ]  # fmt: skip
    written, _ = notebook.play(notebook.extract("[2]"))
    assert json.loads(written["x"].read_text()) == [1, ".", "xml.sax"]


def test_functions_classes_and_constants_come_along_with_all_that_they_use(at: Path) -> None:
    notebook = Written(
        at,
        "import functools\nLEVELS = {'low': [1, 2]}\nstep = 10",
        "def twice(f):\n    @functools.wraps(f)\n    def g(x):\n        return f(f(x))\n    return g",
        "@twice\ndef up(x):\n    # one step\n    return x + step",
        "class Tool:\n    def use(self, x):\n        return [up(x), add(LEVELS['low'])]",
        "add = lambda rows: sum(rows)",
        "result = Tool().use(1)",
    )
    made = notebook.extract("[6]")
    assert line(made) == "result.py --step={step} --out {>result.json}"
    assert "    # one step\n" in script(made)
    written, _ = notebook.play(made)
    assert json.loads(written["result"].read_text()) == notebook.variables["result"] == [21, 3]


def test_a_function_that_needs_an_input_where_it_is_defined_stands_behind_it(at: Path) -> None:
    notebook = Written(at, "n = 3", "def times(x, by=n):\n    return x * by", "y = [times(2)]")
    made = notebook.extract("[3]")
    assert script(made).index("n = args.n") < script(made).index("def times")
    written, _ = notebook.play(made)
    assert json.loads(written["y"].read_text()) == [6]


def test_names_that_the_script_needs_itself_give_way(at: Path) -> None:
    notebook = Written(
        at,
        "args = [1]\nparser = [2]\njson = [3]\nPath = [4]\nhelp = 5",
        "out = {'all': args + parser + json + Path + [help]}\nout",
    )
    made = notebook.extract("[2]")
    assert "args_ = parser_.parse_args()" in script(made)
    written, _ = notebook.play(made)
    assert json.loads(written["out"].read_text()) == {"all": [1, 2, 3, 4, 5]}


def test_values_of_every_kind_go_from_step_to_step(at: Path) -> None:
    notebook = Written(
        at,
        "import numpy as np, pandas as pd, datetime",
        "frame = pd.DataFrame({'day': pd.to_datetime(['2024-01-01']), 'k': pd.Categorical(['a'])})\n"
        "series = pd.Series([1.5], index=['q'], name='s')\narray = np.arange(3)\nrows = [1, {'a': None}]\n"
        "pair = (1, 'b')\ntext = 'é\\r\\n'\nraw = b'\\0'\nwhole = 7\nshare = 0.1\nflag = True\nlast = np.float64(0.1)",
        "values = (frame, series, array, rows, pair, text, raw, whole, share, flag, last)\n"
        "same = [type(each).__name__ for each in values]\n"
        "ends = [str(frame.dtypes.tolist()), repr(series), repr(array), rows, list(pair), text, list(raw), whole]",
        "print(same, ends)",
    )
    notebook.play(notebook.extract("[2]"))
    made = notebook.extract("[3]")
    assert made.questions == ()
    written, _ = notebook.play(made)
    for name, path in written.items():
        assert json.loads(path.read_text()) == notebook.variables[name]


@pytest.mark.parametrize("value", [3, -0.00000012, True, False, "plain", "-x --y", "two words, é", "", "{x}"])
def test_plain_values_are_parameters_and_arrive_as_they_are(at: Path, value: object) -> None:
    notebook = Written(at, f"p = {value!r}", "q = [p]")
    made = notebook.extract("[2]")
    assert line(made) == "q.py --p={p} --out {>q.json}"
    written, _ = notebook.play(made)
    assert json.loads(written["q"].read_text()) == [value]


def test_a_value_that_a_cell_changes_in_place_is_written_by_its_step(at: Path) -> None:
    notebook = Written(
        at,
        "import pandas as pd\ndf = pd.DataFrame({'x': [1]})\nrows = []",
        "df['y'] = df['x'] * 2\nrows.append(1)",
        "def add(frame, to):\n    to.append(2)\n    frame.insert(0, 'z', 3)",
        "add(df, to=rows)",
        "import heapq\nheapq.heappush(rows, 0)\nprint(len(df))",
        "print(df, rows)",
    )
    for cell in ("[1]", "[2]", "[4]"):
        made = notebook.extract(cell, name=f"s{cell[1]}")
        written, _ = notebook.play(made)
        assert set(written) == {"df", "rows"}
    assert "--df {s2.df} --rows {s2.rows}" in line(made)
    assert json.loads(written["rows"].read_text()) == [1, 2]
    assert notebook.extract("[5]").text.startswith(
        "%%pipeline_step rows.py --rows {s4.rows} --df {s4.df} --out {>rows"
    )
    pd.testing.assert_frame_equal(pd.read_csv(written["df"]), notebook.variables["df"])


def test_a_name_that_is_set_again_and_again_is_read_from_the_step_above(at: Path) -> None:
    notebook = Written(
        at,
        "import pandas as pd\ndf = pd.read_csv('data/raw.csv')",
        "df = df.dropna()",
        "df = df.assign(day=pd.to_datetime(df['day']), kind=df['kind'].astype('category'))",
        "counts = df['kind'].value_counts()\nprint(df['day'].max())",
        "print(counts)",
    )
    made = [notebook.extract(f"[{number}]", name=f"s{number}") for number in (1,)]
    notebook.play(made[0])
    for number in (2, 3, 4):
        made.append(notebook.extract(f"[{number}]", name=f"s{number}"))
        written, printed = notebook.play(made[-1])
    assert [line(each).partition(" --out")[0] for each in made] == [
        "s1.py --raw {./data/raw.csv}", "s2.py --df {s1.df}", "s3.py --df {s2.df}", "s4.py --df {s3.df}",
    ]  # fmt: skip
    assert "parse_dates" not in script(made[2])
    assert 'parse_dates=["day"]' in script(made[3])
    assert printed == "2024-01-02 00:00:00\n"
    assert pd.read_csv(written["counts"], index_col="kind")["count"].to_dict() == {"a": 1, "b": 1}


def test_a_plain_value_that_is_set_twice_is_no_parameter(at: Path) -> None:
    notebook = Written(
        at,
        "n = 1",
        "y = [n]",
        "n = 5",
        "print(y)",
        "total = 0",
        "for each in [1, 2]:\n    total += each",
        "print(total)",
    )
    made = notebook.extract("[2]")
    assert line(made) == "y.py --out {>y.json}"
    assert "\nn = 1\n" in script(made)
    written, _ = notebook.play(made)
    assert json.loads(written["y"].read_text()) == [1]
    written, _ = notebook.play(notebook.extract("[6]"))
    assert json.loads(written["total"].read_text()) == 3


def test_what_a_step_reads_later_is_written_too(at: Path) -> None:
    notebook = Written(at, "rows = [1]\nother = [2]\nnone = [3]")
    notebook.session.declare("use.py {rows} {>x}", "print(1)", "step", Cell("s", "cell [9]"))
    assert "{>rows.json}" in line(notebook.extract("[1]"))


def test_names_that_no_later_cell_uses_are_not_written(at: Path) -> None:
    notebook = Written(
        at,
        "a = [1]\nb = [2]\nc = [3]\nd = [4]\nimport os\ndef f(): pass",
        "b = [5]\nprint(b)",
        "print(a, b, os, f)",
        "def g():\n    return c\n",
        "g()",
    )
    assert line(notebook.extract("[1]")) == "a.py --a {>a.json} --c {>c.json}"


def test_where_nothing_is_used_later_what_the_cell_shows_or_sets_last_is_written(at: Path) -> None:
    notebook = Written(at, "a = {'x': [1]}\nb = [2]\na['x']", "c = [3]\nd = [4]\nprint(c)", "print(5)")
    assert line(notebook.extract("[1]")) == "a.py --out {>a.json}"
    assert line(notebook.extract("[2]")) == "d.py --out {>d.json}"
    assert notebook.extract("[3]").text == "%%pipeline_step cell_3.py\nprint(5)\n"


@pytest.mark.parametrize(
    ("cell", "file"),
    [
        ("fig, ax = plt.subplots()\nax.plot([1, 2])", "fig.png"),
        ("# Two bars\nplt.bar([1, 2], [3, 4])\nplt.title('x')", "two_bars.png"),
        ("pd.Series([1, 2]).plot()", "figure.png"),
        ("df.groupby('k')['x'].sum().plot.bar();", "figure.png"),
        ("import matplotlib.pyplot as plot\nplot.plot([1])", "figure.png"),
    ],
)
def test_a_figure_is_written_as_a_picture(at: Path, cell: str, file: str) -> None:
    notebook = Written(
        at,
        "import matplotlib.pyplot as plt\nimport pandas as pd",
        "df = pd.DataFrame({'k': ['a', 'b'], 'x': [1, 2]})",
        cell,
    )
    notebook.play(notebook.extract("[2]"))
    made = notebook.extract("[3]")
    assert line(made).endswith(f"--out {{>{file}}}"), made.text
    written, _ = notebook.play(made)
    assert next(iter(written.values())).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "cell", ["plt.rc('font', size=3)", "plt.plot([1])\nplt.close()", "df['plot'] = 1", "print(plt)"]
)
def test_no_figure_is_written_where_none_is_left(at: Path, cell: str) -> None:
    notebook = Written(
        at, "import matplotlib.pyplot as plt\nimport pandas as pd\ndf = pd.DataFrame({'x': [1]})", cell
    )
    assert "png" not in notebook.extract("[2]", skip=["df"] if "df" in cell else []).text


def test_files_that_a_cell_names_become_arguments(at: Path) -> None:
    (at / "notes.txt").write_text("old")
    notebook = Written(
        at,
        "from pathlib import Path\nimport pandas as pd",
        "def load():\n    return pd.read_csv('data/raw.csv')",
        "df = load()\nassert len(pd.read_csv(\"data/raw.csv\")) == 3\ntext = 'data/raw.csv'\n"
        "column = df.get('data/raw.csv')\n"
        "df.to_csv('data/copy.csv')\nPath('notes.txt').write_text('new')\n",
        "print(df)",
    )
    asked = notebook.asked("[3]")
    assert asked == [
        "Line 4 gives data/raw.csv, which is a file, to get.  --as data/raw.csv=read|write  or  --skip data/raw.csv"
    ]
    made = notebook.extract("[3]", kinds={"data/raw.csv": "read"})
    assert line(made) == "df.py --raw {./data/raw.csv} --copy {>copy.csv} --notes {>notes.txt} --df {>df.csv}"
    assert "text = 'data/raw.csv'\n" in script(made)
    written, _ = notebook.play(made)
    assert written["notes"].read_text() == "new"
    assert notebook.extract("[3]", skip=["data/raw.csv"]).text.count("raw.csv") == 4


def test_a_text_that_names_a_file_and_a_path_are_passed_by_content(at: Path) -> None:
    notebook = Written(
        at,
        "from pathlib import Path\nimport pandas as pd",
        "name = 'data/raw.csv'\nfolder = Path('data')\nnowhere = Path('none')",
        "rows = [len(pd.read_csv(name)), sorted(p.name for p in folder.iterdir())]",
        "print(nowhere)",
    )
    made = notebook.extract("[3]")
    assert line(made) == "rows.py --name {./data/raw.csv} --folder {folder} --out {>rows.json}"
    written, _ = notebook.play(made)
    assert json.loads(written["rows"].read_text()) == [3, ["raw.csv"]]
    assert notebook.asked("[4]") == ["nowhere is a path and leads to nothing: none.  --skip nowhere"]


def test_a_text_too_long_for_a_command_line_is_a_file(at: Path) -> None:
    notebook = Written(at, "text = 'x' * 2000", "rows = [len(text)]")
    made = notebook.extract("[2]", save_inputs=True)
    assert line(made) == "rows.py --text {./data/text.txt} --out {>rows.json}"
    written, _ = notebook.play(made)
    assert json.loads(written["rows"].read_text()) == [2000]


def test_values_that_no_step_makes_are_saved_only_when_the_user_says_so(at: Path) -> None:
    notebook = Written(at, "rows = [len('ab')]", "more = rows + [1]")
    made = notebook.extract("[2]")
    assert [str(each) for each in made.questions] == [
        "rows is made by cell [1], which is no step.  %pipeline_extract [1]  or  --save-inputs  or  --skip rows"
    ]
    assert made.saved == ()
    assert notebook.extract("[2]", save_inputs=True, preview=True).saved == ()
    assert list((at / "data").iterdir()) == [at / "data/raw.csv"]
    made = notebook.extract("[2]", save_inputs=True)
    assert made.saved == ("data/rows.json",)
    assert (at / "data/rows.json").read_text() == "[2]"
    written, _ = notebook.play(made)
    assert json.loads(written["more"].read_text()) == [2, 1]


def test_a_value_that_is_not_any_more_what_the_cell_read_is_never_saved(at: Path) -> None:
    notebook = Written(at, "rows = [len('ab')]", "rows = rows + [1]", "print(rows)")
    (asked,) = notebook.asked("[2]", save_inputs=True)
    fact, *options = re.split(r"  (?:or  )?", asked)
    assert fact == "rows is made by cell [1] and was changed by cell [2] since."
    assert options == ["run cell [1] again", "%pipeline_extract [1]", "--skip rows"]
    notebook.run("rows = [len('ab')]", "id1")
    assert notebook.extract("[2]", save_inputs=True).saved == ("data/rows.json",)
    del notebook.variables["rows"]
    assert "is not there now" in notebook.asked("[2]", save_inputs=True)[0]


def test_another_file_of_that_name_is_left_alone(at: Path) -> None:
    (at / "data/rows.json").write_text("mine")
    notebook = Written(at, "rows = [len('ab')]", "more = rows + [1]")
    for _ in range(2):
        assert notebook.extract("[2]", save_inputs=True).saved == ("data/rows_2.json",)
    assert (at / "data/rows.json").read_text() == "mine"


def test_a_file_that_cannot_be_written_is_told(at: Path) -> None:
    (at / "data/raw.csv").unlink()
    (at / "data").rmdir()
    (at / "data").write_text("a file where the folder should be")
    notebook = Written(at, "rows = [len('ab')]", "more = rows + [1]")
    with pytest.raises(Exception, match=r"data.rows.json cannot be written"):
        notebook.extract("[2]", save_inputs=True)


class Model:
    """Something that no kind of file holds."""


def test_what_no_kind_holds_is_asked_for(at: Path) -> None:
    notebook = Written(
        at, "model = Model()\nkeys = {1: 'a'}", "seen = [type(model).__name__, keys[1]]", Model=Model
    )
    assert notebook.asked("[1]") == [
        (
            "model is used by later cells; no kind of file surely holds a value of type Model.  "
            "--as model=parquet|csv|json|npy|png|text|bytes  or  --skip model"
        ),
        "keys is used by later cells; json turns the key 1 into text.  --as keys=json  or  --skip keys",
    ]
    assert notebook.asked("[1]", kinds={"model": "json", "keys": "json"}) == [
        (
            "model cannot be kept as json: TypeError: Object of type Model is not JSON serializable.  "
            "--as model=parquet|csv|npy|png|text|bytes  or  --skip model"
        )
    ]
    made = notebook.extract("[1]", kinds={"keys": "json"}, skip=["model"])
    assert line(made) == "keys.py --out {>keys.json}"
    assert "model is not written, as you said" in made.notes


def test_what_a_file_would_lose_is_found_by_trying_and_asked_for(at: Path) -> None:
    notebook = Written(
        at,
        "import pandas as pd\ntable = pd.DataFrame({'k': pd.Categorical(['a']), 'j': ['x'], 'v': [1]})",
        "wide = table.pivot_table(index='j', columns='k', values='v', observed=True)",
        "print(wide)",
    )
    notebook.register(notebook.extract("[1]"))
    asked = notebook.asked("[2]")
    assert [each.partition("  ")[0] for each in asked] == [
        "csv does not bring wide back equal: a DataFrame comes back as another DataFrame."
    ]
    assert notebook.extract("[2]", kinds={"wide": "csv"}).questions == ()


def test_a_name_can_be_left_out(at: Path) -> None:
    notebook = Written(at, "model = Model()\nn = 2", "y = [n, model]", Model=Model)
    made = notebook.extract("[2]", skip=["model", "y"])
    assert line(made) == "cell_2.py --n={n}"
    assert "model is not passed, as you said: the script lacks it" in made.notes


def test_the_display_of_a_notebook_is_printed(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "display", print, raising=False)
    notebook = Written(
        at, "rows = [1]\ndisplay(rows)\nrows", "rows;", "print(rows)", "rows.append(2)", display=print
    )
    written, printed = notebook.play(notebook.extract("[1]"))
    assert printed == "[1]\n[1]\n"
    assert json.loads(written["rows"].read_text()) == [1]
    assert "print" not in script(notebook.extract("[2]"))
    assert script(notebook.extract("[3]")).count("print") == 1


def test_nothing_is_printed_where_the_kernel_showed_nothing(at: Path) -> None:
    notebook = Written(at, "rows = [1]\nrows.append(2)", "rows", _oh={2: [1, 2]})
    assert "print" not in script(notebook.extract("[1]"))
    assert "print(rows)" in script(notebook.extract("[2]", save_inputs=True))


def test_future_imports_stand_at_the_top(at: Path) -> None:
    notebook = Written(
        at,
        "from __future__ import annotations",
        "# all\nfrom __future__ import division\ndef f(x: int) -> list:\n    return [x]\ny = f(1)",
    )
    made = notebook.extract("[2]")
    assert script(made).startswith(
        "from __future__ import annotations\nfrom __future__ import division\n\nimport argparse"
    )
    written, _ = notebook.play(made)
    assert json.loads(written["y"].read_text()) == [1]


def test_names_of_a_star_import_and_of_nested_imports_come_from_the_kernel(at: Path) -> None:
    notebook = Written(
        at,
        "from math import *\ntry:\n    import ujson_that_is_not as js\nexcept ImportError:\n    import json as js",
        "y = [floor(1.5), js.dumps(1)]",
    )
    made = notebook.extract("[2]")
    assert "from math import floor" in script(made)
    assert "import json as js" in script(made)
    written, _ = notebook.play(made)
    assert json.loads(written["y"].read_text()) == [1, "1"]


def test_a_name_of_no_cell_that_is_known_is_taken_from_the_kernel(at: Path) -> None:
    notebook = Written(at, "y = [n, len(rows), dumps(1)]", n=3, rows=[1], dumps=json.dumps)
    assert notebook.asked("[1]") == ["rows is made by no cell that is known.  --save-inputs  or  --skip rows"]
    written, _ = notebook.play(notebook.extract("[1]", save_inputs=True))
    assert json.loads(written["y"].read_text()) == [3, 1, "1"]


def test_a_name_that_no_cell_sets_before_is_told_and_not_passed(at: Path) -> None:
    notebook = Written(at, "try:\n    fast\nexcept NameError:\n    fast = False\n")
    assert "fast is set by no cell above" in notebook.extract("[1]").notes


def test_a_step_written_by_hand_is_read_by_its_ending_and_told_so(at: Path) -> None:
    notebook = Written(at, "y = [len(rows)]", rows=[1, 2])
    notebook.session.declare("mine.py {>rows.json}", "print(1)", "step", Cell("s", "cell [9]"))
    made = notebook.extract("[1]")
    assert line(made) == "y.py --rows {rows} --out {>y.json}"
    assert "see that it writes what is read here" in made.notes[0]
    notebook.session.declare("mine.py {>rows.feather}", "print(1)", "step", Cell("s", "cell [9]"))
    assert notebook.asked("[1]") == [
        (
            "rows is made by mine (cell [9]) as rows.feather, and how that is read is not known.  "
            "--as rows=text|bytes|parquet|csv|json|npy|png  or  --skip rows"
        )
    ]


def test_a_step_that_was_made_of_the_cell_before_is_told_and_left(at: Path) -> None:
    notebook = Written(at, "rows = [1, 2]", "print(rows)")
    notebook.register(notebook.extract("[1]"))
    made = notebook.extract("[1]")
    assert made.name == "rows_2"
    assert "rows (rows) was made of this cell before; take it out:  %pipeline_remove rows" in made.notes
    again = notebook.extract("[1]", name="rows")
    assert "rows takes the place of the step of that name" in again.notes


def test_a_step_joins_the_pipeline_of_the_others(at: Path) -> None:
    notebook = Written(at, "rows = [len('ab')]", "more = rows + [1]", "print(more)")
    notebook.session.declare(
        "--pipeline 'my own' load.py {>rows.json}", "print(1)", "step", Cell("s", "cell [9]")
    )
    made = notebook.extract("[2]")
    assert line(made) == "--pipeline 'my own' more.py --rows {rows} --out {>more.json}"
    notebook.register(made)
    assert [each.name for each in notebook.session.steps("my own")] == ["load", "more"]


def test_a_long_magic_line_goes_on_in_the_next(at: Path) -> None:
    names = [f"a_rather_long_name_{number}" for number in range(6)]
    notebook = Written(
        at, "\n".join(f"{name} = {number}" for number, name in enumerate(names)), f"y = [{', '.join(names)}]"
    )
    made = notebook.extract("[2]")
    assert made.text.splitlines()[1] == "    --a_rather_long_name_0={a_rather_long_name_0} \\"
    written, _ = notebook.play(made)
    assert json.loads(written["y"].read_text()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.skipif(not frames.has_parquet_engine(), reason="no package that writes parquet is installed")
def test_frames_are_kept_as_parquet_where_that_can_be_written(
    at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "has_parquet_engine", lambda: True)
    notebook = Written(
        at,
        "import pandas as pd\ndf = pd.read_csv('data/raw.csv', parse_dates=['day'], dtype={'kind': 'category'})",
        "counts = df.groupby('kind', observed=True)['x'].sum()",
        "print(counts)",
    )
    notebook.play(notebook.extract("[1]"))
    made = notebook.extract("[2]")
    assert "df = pd.read_parquet(args.df)" in script(made)
    written, _ = notebook.play(made)
    pd.testing.assert_series_equal(pd.read_parquet(written["counts"])["x"], notebook.variables["counts"])


def test_names_in_any_letters_pass(at: Path) -> None:
    notebook = Written(at, "größe = 3\n数 = [1]", "größen = [größe, *数]", "print(größen)")
    assert "{>value.json}" in line(notebook.extract("[1]"))
    notebook.play(notebook.extract("[1]", skip=["größe"]))
    made = notebook.extract("[2]")
    written, _ = notebook.play(made)
    assert json.loads(next(iter(written.values())).read_text()) == [3, 1]


def test_the_cell_is_taken_as_it_ran_and_refused_once_it_was_edited(at: Path) -> None:
    notebook = Written(at, "rows = [1]", "print(rows)")
    cells = [
        {"id": "id1", "cell_type": "code", "source": "rows = [1]"},
        {"id": "id2", "cell_type": "code", "source": ["print(rows)"]},
    ]
    assert extract(notebook.session, "cell 1", {}, cells).name == "rows"
    cells[0]["source"] = "rows = [2]"
    with pytest.raises(UsageError, match=r"Cell \[1\] was edited since it ran"):
        extract(notebook.session, "id1", {}, cells)


def test_an_extraction_is_json(at: Path) -> None:
    notebook = Written(at, "rows = [len('ab')]", "more = rows + [1]")
    made = notebook.extract("[2]")
    data = json.loads(json.dumps(made.to_json()))
    assert (data["name"], data["text"], data["questions"][0]["name"]) == ("more", made.text, "rows")
    assert made.told().splitlines() == [
        "Cell [2] as step more: one thing is for you to say. Nothing was written.",
        f"  {made.questions[0]}",
    ]


def test_the_same_cell_gives_the_same_text(at: Path) -> None:
    texts = set()
    for _ in range(2):
        notebook = Written(
            at, "import os, json, re\na = 1\nb = 2\nc = 3",
            "def f(): return [a, os.name]\ndef g(): return [b, re.X.value]",
            "x = f() + g()\ny = [json.dumps(c)]", "print(x, y)",
        )  # fmt: skip
        texts.add(notebook.extract("[3]").text)
    assert len(texts) == 1


def test_values_and_texts_of_a_notebook_never_become_code(at: Path) -> None:
    evil = "'''\"\"\"); import os; os.abort() #{x}\\"
    frame = pd.DataFrame({evil: [1], "k": pd.Categorical([evil])})
    notebook = Written(
        at, "text = evil", "frame = source.copy()", "y = [text, *frame.columns]", evil=evil, source=frame
    )
    notebook.play(notebook.extract("[2]", save_inputs=True))
    written, _ = notebook.play(notebook.extract("[3]"))
    assert json.loads(written["y"].read_text()) == [evil, evil, "k"]


def test_an_object_with_two_names_that_is_changed_under_one_is_asked_about(at: Path) -> None:
    notebook = Written(
        at, "a = [1]\nb = a", "b.append(2)", "c = a\nc[0] = 5", "c = a.copy()\nc[0] = 6", "print(a, b)"
    )
    notebook.register(notebook.extract("[1]"))
    one = "and {} are one object, which this cell changes; in a step they are two."
    assert notebook.asked("[2]") == [f"a {one.format('b')}  make b a copy of a first  or  --skip a"]
    assert notebook.extract("[2]", skip=["a"]).questions == ()
    assert [each.partition(" are")[0] for each in notebook.asked("[3]")] == ["a and c", "b and c"]
    assert notebook.asked("[4]") == []


def test_a_cell_that_sets_a_name_itself_does_not_take_it_from_a_cell_below(at: Path) -> None:
    notebook = Written(at, "for n in [1, 2]:\n    pass\ndel n\nn = 0", "for n in [3]:\n    pass\nprint(n)")
    assert line(notebook.extract("[1]")) == "n.py --out {>n.json}"


def test_a_function_of_a_cell_below_is_taken_where_cells_ran_out_of_order(at: Path) -> None:
    notebook = Written(at, "def later(x):\n    return [x]", "y = later(1)")
    cells = [
        {"id": f"id{n}", "cell_type": "code", "source": source}
        for n, source in ((2, "y = later(1)"), (1, "def later(x):\n    return [x]"))
    ]
    made = extract(notebook.session, "id2", {}, cells)
    assert "def later(x):" in made.text


def test_a_value_of_no_cell_that_a_cell_changes_is_an_input(at: Path) -> None:
    notebook = Written(at, "rows.append(len(rows))", "print(rows)", rows=[7])
    assert notebook.asked("[1]")[0].startswith("rows is made by no cell that is known")
