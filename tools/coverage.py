"""Write docs/coverage.md: unidl's public names and signatures beside Keras', each difference with
its reason.

The reasons are in docs/coverage_reasons.json: a pattern for the lines that `Difference` prints, and
a sentence. A difference that no pattern meets is an error; a pattern that meets nothing any more is
taken out of the file.
"""

from __future__ import annotations

import dis
import fnmatch
import functools
import importlib
import inspect
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

DOCS = Path(__file__).resolve().parent.parent / "docs"
REASONS = DOCS / "coverage_reasons.json"
PAGE = DOCS / "coverage.md"
# What unidl says to someone who asks for a name that only Keras has.
MISSING_NAMES = DOCS.parent / "unidl" / "utils" / "missing_names.json"
KERAS_ALONE = {"src", "legacy"}  # Keras' own inside, and what it keeps of Keras 2
MODULES = "Modules"
CLASSES = "Methods and attributes of the classes"
# Where one of Keras' frameworks adds to a class, which is then no part of Keras' own surface.
OF_FRAMEWORKS = (
    "keras.src.backend.tensorflow.layer",
    "keras.src.backend.tensorflow.core",
    "keras.src.backend.tensorflow.optimizer",
)
ALIASES = ("mixed_precision", "preprocessing")  # where Keras has its names of Keras 2
MISSING, OWN = "missing", "only here"


@dataclass(frozen=True)
class Difference:
    """`where` is the public name, `what` says how it differs from Keras'."""

    where: str
    what: str

    def __str__(self):
        return f"{self.where}: {self.what}"


def public(module):
    """Names of functions, classes and constants that a module offers."""
    names = set(getattr(module, "__all__", None) or dir(module))
    return {n for n in names if not n.startswith("_") and not inspect.ismodule(getattr(module, n))}


def parameters(thing):
    """({name: parameter} of a call, without self; whether it takes anything else), or None where
    there is no signature."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    kinds = {p.kind for p in found}
    named = {
        p.name: p
        for p in found
        if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    return named, {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds


def inherited(thing):
    """{name: parameter} that the constructor of a class hands on to those of its bases."""
    found = {}
    if inspect.isclass(thing):
        for base in inspect.getmro(thing):
            if "__init__" in vars(base):
                own = inspect.signature(base.__init__).parameters
                found = {n: p for n, p in own.items() if n != "self"} | found
                if not any(p.kind is p.VAR_KEYWORD for p in own.values()):
                    break
    return found


def _same(a, b):
    """Whether two defaults mean the same: equal, functions of one name, or a number for all axes
    and that number for each."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    for one, many in ((a, b), (b, a)):
        if isinstance(one, int) and isinstance(many, tuple):
            return all(_same(one, each) for each in many)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b and isinstance(a, bool) == isinstance(b, bool)
    return (
        a is b
        or (type(a) is type(b) and a == b)
        or getattr(a, "__name__", a) == getattr(b, "__name__", b)
    )


def _default(parameter):
    return "none" if parameter.default is parameter.empty else repr(parameter.default)


def compare_calls(where, theirs, ours):
    """Differences between two callables."""
    known = inherited(ours)
    theirs, ours = parameters(theirs), parameters(ours)
    if theirs is None or ours is None:
        return
    (theirs, anything), (ours, takes_all) = theirs, ours
    known |= ours
    for name in theirs:
        if name not in known:
            if takes_all:
                continue
            yield Difference(where, f"no argument {name}")
        elif not _same(theirs[name].default, known[name].default):
            yield Difference(
                where,
                f"default of {name} {_default(known[name])}, in Keras {_default(theirs[name])}",
            )
    if not anything:
        for name in ours:
            if name not in theirs:
                yield Difference(where, f"argument {name} of its own")
    common = [n for n in theirs if n in ours]
    if common != [n for n in ours if n in theirs]:
        yield Difference(
            where,
            f"order of {', '.join(n for n in ours if n in theirs)}; in Keras {', '.join(common)}",
        )


def both(name):
    """Keras' module of a name, and unidl's."""
    return tuple(
        importlib.import_module(".".join(filter(None, (package, name))))
        for package in ("keras", "unidl")
    )


def compare_namespace(name):
    """(number of Keras' public names, differences)."""
    theirs, ours = both(name)
    prefix = f"{name}." if name else ""
    found = []
    names = sorted(public(theirs))
    for each in names:
        if not hasattr(ours, each):
            found.append(Difference(prefix + each, MISSING))
        elif callable(getattr(theirs, each)):
            found += compare_calls(prefix + each, getattr(theirs, each), getattr(ours, each))
    found += [
        Difference(prefix + each, OWN)
        for each in sorted(set(getattr(ours, "__all__", ())) - set(names))
    ]
    return len(names), [
        d for d in found if not inspect.ismodule(getattr(ours, d.where.rpartition(".")[2], None))
    ]


@functools.cache
def namespaces():
    """(names of Keras' public modules that unidl has too, the outermost, "", first; names of the
    others). What is inside of a missing one is not looked at."""
    common, missing, waiting = [], [], [""]
    while waiting:
        name = waiting.pop(0)
        common.append(name)
        theirs, ours = both(name)
        for each in sorted(set(dir(theirs)) - KERAS_ALONE):
            if inspect.ismodule(getattr(theirs, each)) and not each.startswith("_"):
                path = f"{name}.{each}" if name else each
                if inspect.ismodule(getattr(ours, each, None)):
                    waiting.append(path)
                else:
                    missing.append(path)
    return common, missing


def compare_modules():
    """(number of Keras' public modules; those that are missing)."""
    common, missing = namespaces()
    return len(common) + len(missing), [Difference(name, MISSING) for name in missing]


@functools.cache
def classes():
    """{(Keras' class, unidl's): public name} of all classes that both have, bases first.

    A class with several names stands under the shortest path.
    """
    found = {}
    for name in sorted(namespaces()[0], key=lambda name: name.partition(".")[0] in ALIASES):
        theirs, ours = both(name)
        for each in sorted(public(theirs)):
            pair = getattr(theirs, each), getattr(ours, each, None)
            if all(map(inspect.isclass, pair)):
                found.setdefault(pair, f"{name}.{each}" if name else each)
    return dict(sorted(found.items(), key=lambda entry: len(entry[0][0].__mro__)))


def members(cls):
    """{name: what stands in the class} of the public methods, `__call__` and attributes that
    Keras itself gives a class."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("keras.") and not base.__module__.startswith(OF_FRAMEWORKS):
            found |= vars(base)
    return {n: m for n, m in sorted(found.items()) if not n.startswith("_") or n == "__call__"}


@functools.cache
def assigned(cls):
    """Names of the attributes that objects get in the methods of a class and of its bases."""
    found = set()
    for base in cls.__mro__:
        found |= set(vars(base).get("__annotations__", ()))
        for method in map(inspect.unwrap, vars(base).values()):
            if inspect.isfunction(method):
                steps = dis.get_instructions(method)
                found |= {step.argval for step in steps if step.opname == "STORE_ATTR"}
    return found


def compare_members(theirs, ours, path):
    """(number of the public members of Keras' class, {member: differences})."""
    listed, found = members(theirs), {}
    for name, member in listed.items():
        where = f"{path}.{name}"
        if not hasattr(ours, name):
            if name not in assigned(ours):
                found[name] = [Difference(where, MISSING)]
        elif inspect.isroutine(getattr(theirs, name)) and not isinstance(member, property):
            mine = getattr(ours, name)
            found[name] = (
                list(compare_calls(where, getattr(theirs, name), mine))
                if callable(mine)
                else [Difference(where, "no method")]
            )
    return len(listed), {name: each for name, each in found.items() if each}


def compare_classes():
    """[(number of Keras' members, differences)] of the classes, each beside its public bases: what
    differs there already, in the same way, is not told again."""
    known, result = {}, []
    for (theirs, ours), path in classes().items():
        count, found = compare_members(theirs, ours, path)
        known[theirs] = {name: [d.what for d in each] for name, each in found.items()}
        told = [known[base] for base in theirs.__mro__[1:] if base in known]
        result.append(
            (
                path,
                count,
                [
                    d
                    for name, each in found.items()
                    if not any(known[theirs][name] == other.get(name) for other in told)
                    for d in each
                ],
            )
        )
    return result


class Reasons:
    """The data file."""

    def __init__(self, path=REASONS):
        self.path = path
        self.by_pattern = json.loads(path.read_text())
        self.used = set()

    def of(self, difference):
        """The reason of a difference, None without one."""
        for pattern, reason in self.by_pattern.items():
            if fnmatch.fnmatchcase(str(difference), pattern):
                self.used.add(pattern)
                return reason
        return None

    def prune(self):
        kept = {
            pattern: reason for pattern, reason in self.by_pattern.items() if pattern in self.used
        }
        self.path.write_text(as_json(kept))


def sections():
    """[(title, number of names, differences)]."""
    spaces = [
        (f"unidl.{name}" if name else "unidl", *compare_namespace(name)) for name in namespaces()[0]
    ]
    of_classes = compare_classes()
    return [
        *spaces,
        (MODULES, *compare_modules()),
        (CLASSES, sum(c for _, c, _ in of_classes), [d for *_, found in of_classes for d in found]),
    ]


def missing_names(reasons):
    """{public name: reason} of the functions, classes, modules and members that unidl lacks."""
    found = [d for _, _, each in sections() for d in each if d.what == MISSING]
    return {d.where: reasons.of(d) for d in sorted(found, key=str)}


def as_json(table):
    return json.dumps(table, indent=2, ensure_ascii=False) + "\n"


def write(reasons):
    """(the page, differences without a reason)."""
    rows, parts, unexplained = [], [], []
    for title, count, found in sections():
        groups = {}
        for difference in found:
            reason = reasons.of(difference)
            if reason is None:
                unexplained.append(difference)
            groups.setdefault(
                (difference.what in (MISSING, OWN) and difference.what, reason), []
            ).append(difference)
        missing = sum(d.what == MISSING for d in found)
        other = len({d.where for d in found if d.what not in (MISSING, OWN)})
        rows.append(f"| {title} | {count} | {count - missing} | {count - missing - other} |")
        if found:
            parts += [
                "",
                f"## {title}",
                "",
                *(
                    _line(kind, reason, group, whole=title in (MODULES, CLASSES))
                    for (kind, reason), group in groups.items()
                ),
            ]
    return "\n".join(
        [HEAD.format(version=importlib.import_module("keras").__version__), *rows, *parts, ""]
    ), unexplained


HEAD = """# unidl and Keras {version}

`make coverage` writes this page from the public names and signatures of both; a test checks it
against them. Two signatures are the same if their arguments have the same names, order and
defaults. `1` and `(1, 1)` count as the same default, and what a class passes to its base in
`**kwargs` counts as its argument. The members of a class are its public methods, `__call__`,
properties and attributes; a difference in a base class is listed only there.

| | Names in Keras | Here too | Same signature |
|---|---|---|---|"""


def _line(kind, reason, group, whole):
    """One line of a section; with `whole` the names are given in full."""
    if kind:
        names = ", ".join(f"`{d.where if whole else d.where.rpartition('.')[2]}`" for d in group)
        return f"- {kind.capitalize()}: {names}. {reason}"
    return f"- {'; '.join(f'`{d.where}`: {d.what}' for d in group)}. {reason}"


def main():
    reasons = Reasons()
    page, unexplained = write(reasons)
    if unexplained:
        sys.exit(
            "Differences without a reason; add a line to docs/coverage_reasons.json:\n"
            + "\n".join(map(str, unexplained))
        )
    PAGE.write_text(page)
    MISSING_NAMES.write_text(as_json(missing_names(reasons)))
    reasons.prune()


if __name__ == "__main__":
    main()
