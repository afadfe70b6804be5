"""A few rows of the zoo that are made in a moment; `make zoo` runs all of them."""

import pytest

pytest.importorskip("torch")

from tools.zoo.checkers import Checkers
from tools.zoo.frameworks import FRAMEWORKS
from tools.zoo.rows import Row
from tools.zoo.run_row import brought_in


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("torch_written", "GPT by hand"),
        pytest.param("torch_written", "nn.Transformer", marks=pytest.mark.slow),
        ("torch_written", "YOLO head"),
        ("gluon_written", "LSTM language model"),
        ("gluon_written", "GRU language model"),
        ("gluon_written", "bidirectional LSTM"),
        ("gluon_written", "U-Net"),
    ],
)
def test_a_row(source, name):
    if source.startswith("gluon"):
        pytest.importorskip("unidl_mxnet.load", exc_type=ImportError).load_mxnet()
    row = Row(source, name)
    (case,) = row.cases()
    FRAMEWORKS[row.framework].vary(case.model)
    _, outcome = brought_in(FRAMEWORKS[row.framework], case)
    assert outcome["status"] == "equal", outcome


def test_a_written_file_runs_without_unidl(tmp_path):
    (tmp_path / "net.py").write_text("print(7 * 6)")
    with Checkers(["numpy"]) as run:
        assert run("numpy", str(tmp_path)) == 0
        assert (tmp_path / "stdout").read_text() == "42\n"
        (tmp_path / "net.py").write_text("import unidl")
        assert run("numpy", str(tmp_path)) == 1
    assert "a written file needs no unidl" in (tmp_path / "stderr").read_text()
