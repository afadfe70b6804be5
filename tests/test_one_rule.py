"""The one rule: no file under `unidl/` knows a framework, and importing unidl imports none."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import unidl

ROOT = Path(unidl.__file__).parent
FRAMEWORKS = {
    "torch",
    "tensorflow",
    "mxnet",
    "jax",
    "paddle",
    "keras",
    "unidl_numpy",
    "unidl_torch",
    "unidl_tensorflow",
    "unidl_mxnet",
}
STRINGS = {"torch", "tensorflow", "mxnet", "jax"}


def docstrings(tree):
    """The string nodes that are documentation."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            yield body[0].value


def violations(source):
    tree = ast.parse(source)
    documentation = {id(node) for node in docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                f"{node.lineno}: import {a.name}"
                for a in node.names
                if a.name.partition(".")[0] in FRAMEWORKS
            )
        elif (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and node.module.partition(".")[0] in FRAMEWORKS
        ):
            yield f"{node.lineno}: from {node.module}"
        elif (
            isinstance(node, ast.Constant)
            and node.value in STRINGS
            and id(node) not in documentation
        ):
            yield f"{node.lineno}: {node.value!r}"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_framework_is_named(path):
    assert list(violations(path.read_text())) == []


def test_the_check_would_notice():
    assert (
        len(
            list(
                violations(
                    '"""torch"""\nimport torch.nn\nfrom keras import x\nif name == "mxnet": pass\n'
                )
            )
        )
        == 3
    )


@pytest.mark.parametrize("module", ["unidl", "unidl.ops", "unidl.layers"])
def test_importing_imports_no_framework(module):
    code = (
        f"import sys, {module}; print(' '.join(sorted({{m.partition('.')[0] for m in "
        "sys.modules})))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "tensorflow", "mxnet", "jax", "keras", "rich", "pooch"} & set(loaded)


def test_only_variables_touch_their_stores():
    """Whoever reads or writes a store beside the frame would not see what stands in for it."""
    roots = ROOT, ROOT.parent / "backends"
    files = [path for root in roots for path in root.rglob("*.py") if path.name != "variable.py"]
    touching = [
        f"{path}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "_store"
    ]
    assert not touching
