"""docs/coverage.md says what is so, and every difference from Keras has a reason."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def tool():
    pytest.importorskip("keras")
    spec = importlib.util.spec_from_file_location("unidl_coverage", ROOT / "tools" / "coverage.py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(
        spec
    )  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_page_is_fresh(tool):
    reasons = tool.Reasons()
    page, unexplained = tool.write(reasons)
    assert not unexplained, "add reasons to docs/coverage_reasons.json"
    assert page == tool.PAGE.read_text(), "run make coverage"
    assert set(reasons.by_pattern) == reasons.used, "run make coverage"
    names = tool.as_json(tool.missing_names(reasons))
    assert names == tool.MISSING_NAMES.read_text(), "run make coverage"


def test_differences_are_seen(tool):
    def theirs(a, b=1, c="x", d=(1, 1)): ...
    def ours(a, c="y", b=1.0, d=1, e=None): ...

    assert [d.what for d in tool.compare_calls("f", theirs, ours)] == [
        "default of c 'y', in Keras 'x'",
        "argument e of its own",
        "order of a, c, b, d; in Keras a, b, c, d",
    ]
    assert [d.what for d in tool.compare_calls("f", theirs, lambda a, b=True, c="x": 0)] == [
        "default of b True, in Keras 1",
        "no argument d",
    ]


def test_layers_and_what_they_are_made_of_have_the_signatures_of_keras(tool):
    for name in ("layers", "activations", "initializers", "regularizers", "constraints"):
        _, found = tool.compare_namespace(name)
        assert [d for d in found if d.what != tool.MISSING] == []
