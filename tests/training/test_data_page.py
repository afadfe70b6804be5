"""The examples of docs/data.md run."""

import re
from pathlib import Path

import pytest

import unidl

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
SETUP = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
ROWS = dict(re.findall(r"^\| ([^|`]*[^|]*?) \| (`.*`) \|$", PAGE, re.MULTILINE))


def code(cell):
    """The lines of an example in a table."""
    return "\n".join(line.strip("`") for line in cell.split("<br>")).replace("model.fit(", "fit(")


@pytest.mark.parametrize("title", ROWS)
def test_example(title, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = code(ROWS[title])
    for library in re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE):
        if any(row.name == library and row.installed for row in unidl.backend.list_backends()):
            unidl.backend.get_backend(library)  # MXNet is imported by its adapter
        pytest.importorskip(library)
    with unidl.backend.use_backend("numpy"):
        names = {}
        exec(SETUP, names)
        model = names["model"]
        names["fit"] = lambda *args, **kwargs: model.fit(*args, verbose=0, **kwargs)
        exec(source, names)
    assert int(model.optimizer.iterations) > 1


def test_all_rows_are_found():
    assert len(ROWS) == PAGE.count("model.fit(")
