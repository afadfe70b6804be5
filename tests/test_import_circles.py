"""`unidl.backend` stands at the bottom: it imports nothing above it, and has no import circle."""

import ast
from pathlib import Path

import unidl

ROOT = Path(unidl.__file__).parent
BACKEND = ROOT / "backend"

# What stands below: names of types, and how a package says what it holds.
BELOW = {"unidl.utils.suggestions", "unidl.typing", "unidl.utils.namespaces"}

# `keras.backend` has names that live higher up; `unidl.backend.__getattr__` finds them when asked.
LOOKED_UP_WHEN_ASKED = {("unidl.backend", "unidl.config"), ("unidl.backend", "unidl.utils")}


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name):
    path = ROOT.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def imports(source, package):
    """Modules of unidl that `source` names, in functions and in strings too.

    `from unidl.backend import dtypes` names the module `unidl.backend.dtypes`, not its package,
    which is being imported by then.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.partition(".")[0] == "unidl")
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            if base.partition(".")[0] == "unidl":
                for alias in node.names:
                    name = f"{base}.{alias.name}"
                    yield name if is_module(name) else base
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith("unidl.")
            and is_module(node.value)
        ):
            yield node.value


def graph():
    """{module of unidl.backend: modules of unidl that it imports}."""
    found = {}
    for path in sorted(BACKEND.rglob("*.py")):
        name = module_name(path)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found[name] = set(imports(path.read_text(), package)) - {name}
    return found


def circle(edges):
    """A path that returns to where it began, or None."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done or name not in edges:
            return None
        path.append(name)
        for other in sorted(edges[name]):
            found = visit(other)
            if found:
                return found
        done.add(path.pop())
        return None

    return next((found for found in map(visit, sorted(edges)) if found), None)


def test_the_backend_has_no_import_circle():
    assert circle(graph()) is None


def test_the_backend_imports_nothing_above_it():
    upwards = {
        (name, other)
        for name, others in graph().items()
        for other in others
        if not f"{other}.".startswith("unidl.backend.") and other not in BELOW
    }
    assert upwards == LOOKED_UP_WHEN_ASKED


def test_the_checks_would_notice():
    """An import in a function, a relative one, a module named by a string; a circle of three."""
    source = (
        "def f():\n    from unidl.backend.variable import Variable\n"
        "from unidl.backend import dtypes\nfrom ..tracing import graph\nx = 'unidl.utils'\n"
    )
    assert set(imports(source, "unidl.backend")) == {
        "unidl.backend.variable",
        "unidl.backend.dtypes",
        "unidl.tracing.graph",
        "unidl.utils",
    }
    assert circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"a"}}) == ["a", "b", "d", "a"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": {"numpy"}}) is None
