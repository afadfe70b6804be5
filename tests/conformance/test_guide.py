"""The code in the guide to writing a backend does what the guide says."""

import re
from pathlib import Path

import numpy as np
import pytest

from unidl.backend import get_backend
from unidl.conformance import run_case
from unidl.conformance.cases import ALL_CASES
from unidl.conformance.oracle import oracle

GUIDE = (Path(__file__).parents[2] / "docs" / "writing-a-backend.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def _run(part):
    (text,) = [block for block in BLOCKS if part in block]
    found = {}
    exec(text, found)
    return found


def test_value_and_grad(monkeypatch):
    pytest.importorskip("torch")
    guides = _run("value_and_grad")["Autodiff"].value_and_grad
    monkeypatch.setattr(type(get_backend("torch")), "value_and_grad", guides)
    cases = [
        c for c in ALL_CASES if c.method == "value_and_grad" or c.name in ("gru", "maximum: ties")
    ]
    assert len(cases) == 5
    assert [str(r) for case in cases for r in run_case(case, "torch") if r.is_problem] == []


def test_widened():
    """It computes in a dtype that the kernel has, and gives the dtype that it was given."""
    seen = []

    def flip(self, x, axis):
        seen.append(self.dtype(x))
        return type(oracle()).flip(x, axis)

    backend = type("Narrow", (type(oracle()),), {"flip": _run("def widened")["widened"](flip)})()
    for dtype, wide in (("bool", "int32"), ("int8", "int32"), ("float16", "float32")):
        x = backend.asarray(np.array([0, 1, 1]), dtype)
        y = backend.flip(x, (0,))
        assert seen.pop() == wide
        assert backend.dtype(y) == dtype
        np.testing.assert_array_equal(backend.to_numpy(y), backend.to_numpy(x)[::-1])


@pytest.mark.parametrize(
    "name",
    [
        "unsupported",
        "limits",
        "scope",
        "full_precision",
        "traces",
        "profile",
        "in_one_launch",
        "kernels",
    ],
)
def test_every_attribute_is_explained(name):
    assert re.search(rf"^\| `{name}", GUIDE, re.MULTILINE)
    assert hasattr(oracle(), name)
