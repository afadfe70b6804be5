"""Notebooks: cells are ported together, and everything that is not their code stays."""

import ast
import itertools
import json

import pytest

import unidl
from tests.guides.one_script import differences
from tests.port.scripts.runs import FOLDER, fix_unidl, run
from unidl.cli import main

pytest.importorskip("libcst")

from unidl.port.scripts import port_notebook


def code(source, **more):
    return {"cell_type": "code", "execution_count": 3, "metadata": {}, "outputs": [{"text": "7"}],
            "source": source, **more}  # fmt: skip


def text(source):
    return {"cell_type": "markdown", "metadata": {"a": 1}, "source": source}


def notebook(*cells, **metadata):
    whole = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"


def sources(found):
    cells = json.loads(found.text)["cells"]
    return ["".join(cell["source"]) for cell in cells]


def only(source):
    """What becomes of the last of two cells, the first of which imports."""
    found = port_notebook(notebook(code("import keras\nimport tensorflow as tf"), code(source)))
    return sources(found)[-1], found


def test_imports_of_one_cell_are_known_in_the_next():
    found = port_notebook(
        notebook(
            text(["# Title\n", "`import keras`"]),
            code(["from tensorflow import keras\n", "\n", "# the model"]),
            code("x = keras.Input((2,))  # here\n"),
            code(""),
            {"cell_type": "raw", "metadata": {}, "source": "keras.Input((2,))"},
            code("keras.layers.Dense(3)(x);"),
        )
    )
    assert sources(found) == [
        "# Title\n`import keras`",
        "import unidl\n\n# the model",
        "x = unidl.Input((2,))  # here\n",
        "",
        "keras.Input((2,))",
        "unidl.layers.Dense(3)(x);",
    ]
    assert found.whole
    assert (found.calls, found.ported) == (2, 2)
    cells = json.loads(found.text)["cells"]
    assert cells[0] == text(["# Title\n", "`import keras`"])
    assert cells[1]["source"] == ["import unidl\n", "\n", "# the model"]
    assert cells[2] == code("x = unidl.Input((2,))  # here\n", outputs=[], execution_count=None)
    again = port_notebook(found.text)
    assert (again.text, again.kept, again.calls) == (found.text, [], 0)


MAGICS = {
    "lines": "%matplotlib inline\n!pip install keras\nx = keras.Input((2,))\n?x\nx?",
    "in blocks": "if True:\n    !ls {x} it's\n    x = keras.Input((2,))\nelse:\n    %pwd",
    "assigned": "files = !ls *.keras\na, b = %sql SELECT * FROM keras\nx = keras.Input((2,))",
    "over several lines": "!pip install \\\n    keras \\\n    numpy\nx = keras.Input((2,))\n!ls",
    "of a whole cell with Python": "%%time\nx = keras.Input((2,))",
    "of a whole cell without": "%%bash\nkeras.Input((2,)) && ls",
    "that are none": 'print("""\n%d\n!""" % (\n7\n% 4))\nx = keras.Input((2,))',
}


@pytest.mark.parametrize("case", MAGICS)
def test_magics_stay(case):
    source, found = only(MAGICS[case])
    expected = MAGICS[case]
    if "without" not in case:
        expected = expected.replace("keras.Input", "unidl.Input")
    assert source == expected
    assert found.whole


def test_what_is_kept_is_listed_with_its_cell():
    source, found = only("%%time\n!ls\nif 1:\n    y = tf.strings.join([a])")
    assert source == (
        "%%time\n!ls\nif 1:\n    # unidl port: tensorflow.strings.join: tensors of unidl have no "
        "text. Convert it before, with Python\n    y = tf.strings.join([a])"
    )
    (kept,) = found.kept
    assert (kept.cell, kept.line, kept.name) == (2, 4, "tensorflow.strings.join")
    again = port_notebook(found.text)
    assert again.text == found.text
    assert [(one.cell, one.line) for one in again.kept] == [(2, 5)]


def test_magics_that_time_code_of_a_framework_are_listed():
    source, found = only(
        "from . import x\nif 1:\n    %time y = tf.abs(x)\n%time z = abs(x.tf)\n!ls tf"
    )
    assert source.startswith("from . import x\nif 1:\n    # unidl port: magic: its code uses tf")
    assert source.endswith("\n    %time y = tf.abs(x)\n%time z = abs(x.tf)\n!ls tf")
    (kept,) = found.kept
    assert (kept.cell, kept.line) == (2, 3)
    again = port_notebook(found.text)
    assert (again.text, len(again.kept)) == (found.text, 1)


NO_PYTHON = {
    "Python 2": ("x = 1\nprint 'keras'", "no Python 3", 2),
    "a magic in brackets": ("x = (\n%time", "no Python 3", 1),
    "an indent": ("  x = 1", "indent", 1),
    "brackets": ("x = " + "(" * 3000 + ")" * 3000, "too ", 1),
    "a long sum": ("x = 1" + " + 1" * 3000, "nested too deeply", 1),
    "a zero": ("x = '\0'", "no ", 1),
    "half a character": ("x = '\ud800'", "characters", 1),
    "many magics": ("%a\n" * 300, "magics", 1),
}


@pytest.mark.parametrize("case", NO_PYTHON)
def test_a_cell_that_is_no_python_is_kept(case):
    source, why, line = NO_PYTHON[case]
    found = port_notebook(notebook(code("import keras\n"), code(source), code("keras.Input((2,))")))
    made = sources(found)
    assert made[0] == "import unidl\n"
    assert made[1].endswith(source)
    assert made[1].startswith("# unidl port: cell: ")
    assert made[2] == "unidl.Input((2,))"
    (kept,) = found.kept
    assert (kept.cell, kept.line) == (2, line)
    assert why in kept.reason
    again = port_notebook(found.text)
    assert again.text == found.text
    assert len(again.kept) == 1


def test_classes_that_come_along_stand_before_their_first_use():
    found = port_notebook(
        notebook(
            code("%pylab inline\nfrom mxnet.gluon import rnn, data"),
            code("net = rnn.GRU(3)"),
            code("import numpy as np\nloader = data.DataLoader(np.ones((4, 2)), 2)"),
        )
    )
    assert found.whole
    first, second, third = sources(found)
    assert first.startswith("%pylab inline\nimport unidl\n")
    assert "class GluonRNN(" in first
    assert second.startswith("net = GluonRNN(unidl.layers.GRU, 3")
    assert third.endswith("loader = GluonLoader(np.ones((4, 2)), 2)")
    names = {}
    for source in (first.partition("\n")[2], second, third):
        exec(source, names)
    assert len(list(names["loader"])) == 2


@pytest.mark.parametrize("written", [{"indent": 2}, {"indent": None}, {"ensure_ascii": False}])
def test_the_layout_of_the_file_stays(written):
    cells = [code("import keras\nkeras.Input((2,))  # é"), text("ü")]
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}
    found = port_notebook(json.dumps(whole, **written))
    cells[0] = code("import unidl\nunidl.Input((2,))  # é", outputs=[], execution_count=None)
    assert found.text == json.dumps(whole, **written)


def test_nothing_to_port():
    there = notebook(code("import numpy as np"), code("print 'python 2'"), text("keras "))
    there = there.replace("keras ", "nothing")
    found = port_notebook(there)
    assert (found.text, found.whole, found.changed) == (there, True, False)


BAD = {
    "no JSON": ("{'cells': []}", "a file of JSON"),
    "something else in JSON": ("[1, 2]", "no list of cells"),
    "no cells": ('{"cells": {}}', "no list of cells"),
    "of old": ('{"worksheets": [], "nbformat": 3}', "nbformat 3"),
    "a cell that is none": ('{"cells": [3]}', "cell 1 has no cell_type"),
    "a cell without source": ('{"cells": [{"cell_type": "code"}]}', "cell 1 has no text"),
    "a source of numbers": (
        '{"cells": [{"cell_type": "code", "source": [1]}]}', "cell 1 has no text"
    ),
    "too deep": ("[" * 100000, "too deeply"),
    "a long number": ('{"cells": ' + "1" * 5000 + "}", "no "),
    "another language": (
        '{"cells": [], "metadata": {"language_info": {"name": "R"}}}', "its language is r"
    ),
    "binary": ("\0", "binary"),
    "empty": ("", "a file of JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read(case, tmp_path, capsys):
    there, why = BAD[case]
    path = tmp_path / "book.ipynb"
    path.write_text(there)
    assert main(["port", str(path), "--in-place"]) == 2
    assert why in capsys.readouterr().err
    assert path.read_text() == there


def test_the_command(tmp_path, capsys):
    path, new = tmp_path / "train.ipynb", tmp_path / "ported.ipynb"
    path.write_text(notebook(code("import keras"), text("# A"), code("x = keras.Input((2,))")))
    assert main(["port", str(path), "-o", str(new)]) == 0
    assert sources(port_notebook(new.read_text())) == [
        "import unidl",
        "# A",
        "x = unidl.Input((2,))",
    ]
    assert "1 of 1 calls ported" in capsys.readouterr().err
    assert main(["port", str(path), "--diff"]) == 0
    assert "-import keras\n+import unidl\n" in capsys.readouterr().out
    assert main(["port", str(path), "-o", str(tmp_path / "x.py")]) == 2
    assert "NAME.ipynb" in capsys.readouterr().err
    path.write_text(notebook(code("import tensorflow as tf\n\ntf.strings.join(['a'])")))
    assert main(["port", str(tmp_path), "--check"]) == 1
    assert "  cell 1, line 3: tensorflow.strings.join" in capsys.readouterr().err
    assert main(["port", str(tmp_path), "--in-place"]) == 1
    assert "# unidl port: tensorflow.strings.join" in path.read_text()


def first_line(node):
    return min(one.lineno for one in [node, *getattr(node, "decorator_list", [])])


@pytest.mark.parametrize("name", ["gluon/one_cell", "tf_keras/expert"])
def test_cells_run_one_after_the_other(name, tmp_path, monkeypatch):
    """A script with a cell for each statement prints what the script prints."""
    path = FOLDER / f"{name}.py"
    there = path.read_text(encoding="utf-8")
    lines = there.splitlines(keepends=True)
    starts = [first_line(node) - 1 for node in ast.parse(there).body] + [len(lines)]
    cells = ["".join(lines[a:b]).rstrip() for a, b in itertools.pairwise(starts)]
    found = port_notebook(notebook(*map(code, cells)))
    assert found.whole
    (tmp_path / "cells.py").write_text("\n".join(sources(found)), encoding="utf-8")
    fix_unidl(monkeypatch)
    unidl.utils.set_random_seed(0)
    expected = json.loads((FOLDER / "printed.json").read_text(encoding="utf-8"))
    with unidl.use_backend("numpy"):
        assert not differences(run(tmp_path / "cells.py"), expected[name], 1e-4)
