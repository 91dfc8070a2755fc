"""One test a row of the advice table, each with a script that really fails; and no advice without its cause."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbpipe.execution.advice import ADVICE, Advice, Failure, advise

FILES = [
    "book/data/penguins.csv", "book/data/a b.csv", "book/dynamic.py", "book/below/deep.py", "lib/helpers.py",
    "lib/pack/__init__.py", "lib/lightgbm.py", "one/twice.py", "two/twice.py", "shared/all.csv", "in/raw.csv",
    "in/many/a.csv", "in/many/b.csv", "out/model/",
]  # fmt: skip


@dataclass
class Case:
    """A script, what is known besides how it ended, and what is told; `{root}` is where everything lies."""

    row: str
    script: str
    message: str
    remedy: str
    known: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.row}: {self.message}"


ORIGIN = "A step runs in its own folder and sees what it is given."
KILL = "import os, signal\nos.kill(os.getpid(), signal.SIG"
ARGPARSE = (
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', required=True)\np.parse_args()\n"
)
OUTPUTS = {"model": ("{root}/out/model", "--out"), "clean": ("{root}/out/clean.csv", "--out")}
WROTE = {"words": ["--out", "{>clean}"], "missing_output": "clean"}

CASES = [
    Case(
        "the process was lost", "", "train: its guard was killed", "",
        {"exit_code": None, "lost": "its guard was killed"},
    ),
    Case(
        "more memory than its limit", KILL + "KILL)", "train was ended: it used more than its 1.5 GiB of memory.",
        "Give it more:  --memory 3G", {"out_of_memory": True, "memory_limit": 3 * 2**29},
    ),
    Case(
        "killed", KILL + "KILL)", "train was killed (SIGKILL), not by nbpipe.",
        "If the machine had run out of memory, run fewer steps at once:  --jobs 1",
    ),
    Case(
        "killed", KILL + "KILL)", "train was killed by the system, which had run out of memory.",
        "Run fewer steps at once:  --jobs 1", {"oom_kills": 1},
    ),
    Case(
        "crashed in native code", KILL + "SEGV)", "train crashed in native code: a segmentation fault (SIGSEGV).",
        "To see at which line, begin the script with:  import faulthandler; faulthandler.enable()",
    ),
    Case(
        "crashed in native code", "import faulthandler\nfaulthandler.enable()\nfaulthandler._sigsegv()",
        "train, line 3: crashed in native code: a segmentation fault (SIGSEGV).", "",
    ),
    Case("ended by a signal", KILL + "TERM)", "train was ended by SIGTERM, not by nbpipe.", ""),
    Case(
        "an output of the wrong kind", "", "train ended well but made {model} a folder; it is declared as a file.",
        "If a folder is meant:  {>model/}", {"missing_output": "model"},
    ),
    Case(
        "an output written elsewhere", "", "train ended well but wrote no {clean}.",
        "It wrote sub/clean.csv in its own folder, which goes when the step ends. "
        "Write to the path it is told (argument --out).",
        {**WROTE, "written": ["sub/clean.csv"]},
    ),
    Case(
        "an output not written", "", "train ended well but wrote no {clean}.",
        "It was told to write .../clean.csv (argument --out). Files it did write: clean_data.csv.",
        {**WROTE, "written": ["clean_data.csv"]},
    ),
    Case(
        "an output not written", "", "train ended well but wrote no {clean}.",
        "No argument tells it the path; it is in the variable AZUREML_DATAREFERENCE_clean. It wrote no other file.",
        {"missing_output": "clean"},
    ),
    Case(
        "arguments refused", ARGPARSE, "train: its arguments are refused: unrecognized arguments: --lx 1",
        "It was started as:  train.py --lr {lr} --lx 1\nTake --lx away, or let train.py know it.",
        {"words": ["--lr", "{lr}", "--lx", "1"]},
    ),
    Case(
        "arguments refused", ARGPARSE,
        "train: its arguments are refused: the following arguments are required: --lr",
        "It was started as:  train.py\nAdd --lr.",
    ),
    Case(
        "a path told as plain text", "import sys\n\nopen(sys.argv[2])", "train, line 3: no file data/penguins.csv.",
        "On the command line it is text, so nothing is brought along. As an input it is:  --raw {data/penguins.csv}",
        {"words": ["--raw", "data/penguins.csv"]},
    ),
    Case(
        "a file not given", "\n\n\nopen('data/penguins.csv')", "train, line 4: no file data/penguins.csv.",
        f"{ORIGIN} The file lies beside the notebook; pass it:  --data {{data/penguins.csv}}",
    ),
    Case(
        "a file not given", "from pathlib import Path\n(Path(__file__).parent / 'data/a b.csv').read_text()",
        "train, line 2: no file data/a b.csv.",
        f'{ORIGIN} The file lies beside the notebook; pass it:  --a-b "{{./data/a b.csv}}"',
        {"words": ["--data", "{x}"]},
    ),
    Case(
        "a file not given", "import os\nos.listdir('shared')", "train, line 2: no folder shared.",
        f"{ORIGIN} The folder lies in the workspace; pass it:  --data {{../shared}}",
    ),
    Case(
        "a file not given", "open('shared/all.csv')", "train, line 1: no file shared/all.csv.",
        f"{ORIGIN} The file lies in the workspace; pass it:  "
        'arguments=["--data", Dataset.File.from_files("shared/all.csv").as_mount()]',
        {"is_cell": False},
    ),
    Case(
        "a file not given", "open('data/penguins.csv')", "train, line 1: no file data/penguins.csv.",
        "It lies in the step's folder, but an ignore file leaves it out. Add to that:  !data/penguins.csv",
        {"is_cell": False},
    ),
    Case(
        "a folder opened as a file", "open('{root}/in/many')", "train, line 1: {many} is a folder.",
        "It holds a.csv, b.csv. Open a file in it.",
    ),
    Case(
        "a folder opened as a file", "open('{root}/out/model', 'w')",
        "train, line 1: {model} is a folder, made in advance.", "Write a file into it. If a file is meant:  {>model}",
    ),
    Case(
        "a file its input lacks", "open('{root}/in/many/sub/c.csv')", "train, line 1: {many} holds no sub/c.csv.",
        "It holds a.csv, b.csv.",
    ),
    Case(
        "a file used as a folder", "open('{root}/in/raw.csv/a.csv')", "train, line 1: {raw} is a file.",
        "Open its path as it is given.",
    ),
    Case(
        "a file used as a folder", "open('{root}/out/clean.csv/part', 'w')", "train, line 1: {clean} is no folder.",
        "If a folder is meant:  {>clean/}",
    ),
    Case(
        "a folder made twice", "import os\nos.mkdir('{root}/out/model')",
        "train, line 2: {model} is a folder, made in advance.",
        "Leave it as it is, or:  os.makedirs(path, exist_ok=True)",
    ),
    Case(
        "an input written to", "raise PermissionError(13, 'Permission denied', '{root}/in/raw.csv')",
        "train, line 1: {raw} is an input and read-only.",
        'Other steps and later runs read it too. Write to an output, or copy it first:  shutil.copy(path, ".")',
    ),
    Case(
        "an input written to", "raise OSError(30, 'Read-only file system', '{root}/in/many/new')",
        "train, line 1: {many} is an input and read-only.",
        "Other steps and later runs read it too. Write to an output, or pass a copy:  .as_download()",
        {"is_cell": False},
    ),
    Case(
        "a module in a folder", "import helpers", "train, line 1: no module named helpers.",
        "It was taken along as tools/helpers.py. Import it by that path:  from tools import helpers",
        {"taken_along": {"train.py", "tools/helpers.py"}},
    ),
    Case(
        "a local module not taken along", "\nimport helpers", "train, line 2: no module named helpers.",
        "helpers.py is in ../lib, outside the notebook's folder. Add  --with ../lib/helpers.py",
    ),
    Case(
        "a local module not taken along", "import pack.deep", "train, line 1: no module named pack.",
        "pack is in ../lib, outside the notebook's folder. Add  --with ../lib/pack",
    ),
    Case(
        "a local module not taken along", "import deep", "train, line 1: no module named deep.",
        "deep.py is in below, below the notebook's folder. Add  --with below/deep.py",
    ),
    Case(
        "a local module not taken along", "__import__('dynamic')", "train, line 1: no module named dynamic.",
        "dynamic.py lies beside the notebook, but no import statement names it, so it was not taken along. "
        "Add  --with dynamic.py",
    ),
    Case(
        "a local module not taken along", "import twice", "train, line 1: no module named twice.",
        "There are several near the notebook. Add the one you mean:\n"
        "  --with ../one/twice.py\n  --with ../two/twice.py",
    ),
    Case(
        "a local module not taken along", "import helpers", "train, line 1: no module named helpers.",
        "It lies at ../lib/helpers.py. Put it into the step's source_directory.", {"is_cell": False},
    ),
    Case(
        "a package not installed", "import skimage.io", "train, line 1: no module named skimage.",
        "It comes with scikit-image. Install it for the step's interpreter:  "
        "'/my env/python' -m pip install scikit-image",
        {"python": "/my env/python"},
    ),
    Case(
        "a package not installed", "import xgboost", "train, line 1: no module named xgboost.",
        "Install it for the step's interpreter:  python -m pip install xgboost",
    ),
    Case(
        "a package not installed", "import lightgbm", "train, line 1: no module named lightgbm.",
        "Install it for the step's interpreter:  python -m pip install lightgbm",
    ),
    Case(
        "a package not installed", "import no_such_thing", "train, line 1: no module named no_such_thing.",
        "If a package of that name is meant:  python -m pip install no_such_thing",
    ),
    Case(
        "a name of another cell", "\n\n\n\n\n\n\n\ndf.head()", "train, line 9: name df is not defined.",
        "df belongs to cell 2; a step is a script of its own and shares no variables. "
        "Save it in a step and pass the file, or: Make this cell a step.",
    ),
    Case(
        "a name of another cell", "pd.read_csv", "train, line 1: name pd is not defined.",
        "pd is imported in another cell. Add to this one:  import pandas as pd",
    ),
    Case(
        "a name of another cell", "display(1)", "train, line 1: name display is not defined.",
        "display is the notebook's own; a step is a plain script. Print, or write a file.",
    ),
    Case(
        "a line for notebooks only", "x = 1\n%matplotlib inline", "train, line 2: %matplotlib inline is no Python.",
        "A step is a plain script. Move the line to a cell of its own.",
    ),
    Case("code that does not parse", "x = (1,\ny", "train, line 1: '(' was never closed: x = (1,", ""),
    Case(
        "a question without a keyboard", "x = input('name? ')", "train, line 1: input() has nobody to ask.",
        "A step runs without a keyboard. Pass the answer as an argument.",
    ),
    Case(
        "a full GPU",
        "class OutOfMemoryError(RuntimeError): ...\n"
        "raise OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has')",
        "train, line 2: the GPU is out of memory, 2.00 GiB wanted.",
        "Smaller batches need less. To keep other steps off the GPU:  --gpus 1",
    ),
]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text("")
    return tmp_path


def failed(root: Path, script: str, *, words: tuple[str, ...] = (), **known) -> Failure:
    """What is known of a script after it really ran."""
    work = root / ".nbpipe" / "work"
    work.mkdir(parents=True)
    (work / "train.py").write_text(script.replace("{root}", root.as_posix()), "utf-8")
    done = subprocess.run(
        [sys.executable, str(work / "train.py"), *words],
        capture_output=True, cwd=work, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    failure = Failure(
        step="train",
        script="train.py",
        exit_code=done.returncode if done.returncode >= 0 else None,
        signal=-done.returncode if done.returncode < 0 else None,
        stderr=done.stderr.decode("utf-8", "replace"),
        notebook_folder=root / "book",
        workspace=root,
        taken_along={"train.py"},
        words=list(words),
        inputs={"raw": f"{root.as_posix()}/in/raw.csv", "many": f"{root.as_posix()}/in/many"},
        outputs={
            name: (path.replace("{root}", root.as_posix()), word) for name, (path, word) in OUTPUTS.items()
        },
        names_elsewhere={"df": "cell 2"},
        imports_elsewhere={"pd": "import pandas as pd"},
    )
    return replace(failure, **known)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_known_cause_is_told_with_its_remedy(root, case, monkeypatch):
    failure = failed(root, case.script, **case.known)
    advice = advise(failure)
    assert (advice.message, advice.remedy) == (case.message, case.remedy)
    monkeypatch.setattr("nbpipe.execution.advice.ADVICE", [row for row in ADVICE if row[0] == case.row])
    assert advise(failure) == advice, "another row answered"


def test_every_row_has_its_test():
    assert {case.row for case in CASES} == {name for name, _ in ADVICE}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("1 / 0", "train, line 1: ZeroDivisionError: division by zero"),
        (
            "open('nowhere.csv')",
            "train, line 1: FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.csv'",
        ),
        (
            "open('/nowhere/x')",
            "train, line 1: FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/x'",
        ),
        ("open('/dev')", "train, line 1: IsADirectoryError: [Errno 21] Is a directory: '/dev'"),
        ("raise PermissionError(13, 'no', '/x')", "train, line 1: PermissionError: [Errno 13] no: '/x'"),
        ("undefined_thing", "train, line 1: NameError: name 'undefined_thing' is not defined"),
        ("import os.nothing", None),
        ("raise EOFError('Ran out of input')", "train, line 1: EOFError: Ran out of input"),
        ("import sys\nsys.exit('no data today')", "train ended with exit code 1: no data today"),
        ("import sys\nsys.exit(2)", "train ended with exit code 2."),
        (
            "import sys\nprint('x: error: y', file=sys.stderr)\nsys.exit(2)",
            "train ended with exit code 2: x: error: y",
        ),
        ("raise ValueError('\\x1b[31mred\\x07 ' + 'x' * 9000)", None),
        (
            "try:\n    import pd\nexcept ImportError:\n    1 / 0",
            "train, line 4: ZeroDivisionError: division by zero",
        ),
    ],
)
def test_where_the_cause_is_not_known_the_exception_is_told_and_nothing_guessed(root, script, message):
    advice = advise(failed(root, script))
    assert advice.remedy == ""
    assert message in (advice.message, None)
    assert advice.message.isprintable()
    assert len(advice.message) <= 500


def test_a_traceback_of_a_script_that_went_on_is_no_cause(root):
    caught = "try:\n    import xgboost\nexcept ImportError as error:\n    sys.excepthook(None, error, None)\n"
    script = f"import sys\n{caught}sys.exit(3)"
    advice = advise(failed(root, script))
    assert (advice.remedy, advice.line) == ("", None)
    assert advice.message.startswith("train ended with exit code 3: ")


def test_advice_is_on_the_cause_that_an_exception_was_raised_from(root):
    script = (
        "try:\n    import helpers\nexcept ImportError as e:\n    raise RuntimeError('not ready') from e\n"
    )
    assert advise(failed(root, script)).remedy.endswith("--with ../lib/helpers.py")


def test_an_error_in_a_module_names_that_module_and_the_line_of_the_script(root):
    (root / ".nbpipe").mkdir()
    helper = root / "helper_of_mine.py"
    helper.write_text("def f():\n    1 / 0\n")
    script = (
        f"import sys, shutil\nshutil.copy({str(helper)!r}, '.')\nimport helper_of_mine\nhelper_of_mine.f()\n"
    )
    advice = advise(failed(root, script))
    assert advice == Advice("train, helper_of_mine.py line 2: ZeroDivisionError: division by zero", 4)


def test_names_from_a_script_are_never_code(root):
    """What a script names is quoted where the remedy is pasted into a shell or a magic line."""
    failure = failed(root, "import x")
    odd = replace(failure, python="/a b/$(rm)/python", stderr=failure.stderr.replace("'x'", "'sklearn'"))
    assert advise(odd).remedy.endswith("'/a b/$(rm)/python' -m pip install scikit-learn")


@given(st.text(max_size=80), st.sampled_from([0, 1, 2, None]), st.sampled_from([None, 9, 11, 63, 200]))
def test_any_failure_is_told(text, code, number):
    for kind in (
        "FileNotFoundError: [Errno 2] x: '",
        "ModuleNotFoundError: No module named '",
        "NameError: name '",
    ):
        stderr = (
            f'Traceback (most recent call last):\n  File "/w/train.py", line 1, in <module>\n{kind}{text}'
        )
        failure = Failure("train", "train.py", code, number, stderr=stderr, missing_output="x")
        assert advise(failure).message.startswith("train")
