"""What an object leads to: the parts of a model, also those behind a user's functions and objects.

A model is more than its attributes: a Lambda calls a layer that its function holds in a closure, a
loss reads a weight of the global `model`, a method calls a layer that stands beside its class.
"""

from __future__ import annotations

import gc
import sys
import sysconfig
import types
import weakref

import numpy as np

from unidl.backend import Backend, registry
from unidl.backend.variable import Variable
from unidl.training.trainer import Trainer

LEAVES = (
    type(None), bool, int, float, complex, str, bytes, bytearray, np.generic, Backend,
    types.CodeType, types.FrameType, types.TracebackType, types.BuiltinFunctionType,
)  # fmt: skip
_INSTALLED = tuple({sysconfig.get_paths()[kind] for kind in ("stdlib", "purelib", "platlib")})


def is_ours(item) -> bool:
    """Whether an object is unidl's, or of a class derived from one of unidl's; backends are
    nobody's state."""
    if isinstance(item, type | Backend) or not hasattr(item, "__dict__"):
        return False
    return any(cls.__module__.partition(".")[0] == "unidl" for cls in type(item).__mro__)


class Reach:
    """All that `root` leads to.

    Attributes:
        met: {id: object}, which keeps the objects, and so their ids, alive.
    """

    def __init__(self, root):
        self.met = {}
        inside: dict[int, list] = {}  # by a part, what it is a part of
        waiting = [root]
        while waiting:
            item = waiting.pop()
            if id(item) in self.met:
                continue
            self.met[id(item)] = item
            for part in _parts(item):
                inside.setdefault(id(part), []).append(id(item))
                waiting.append(part)
        self._leading: set[int] = set()
        pending = [key for key, item in self.met.items() if is_ours(item)]
        while pending:
            key = pending.pop()
            if key not in self._leading:
                self._leading.add(key)
                pending += inside.get(key, ())

    def leads(self, item) -> bool:
        """Whether `item` is an object of unidl's, or comes to one."""
        return id(item) in self._leading


def _parts(item):
    """What `item` refers to, as far as a model's state may be behind it."""
    if isinstance(item, (*LEAVES, types.ModuleType)):
        return []  # what a function takes out of a module is a part of the function
    if isinstance(item, type):
        return methods(item).values()
    if isinstance(item, types.FunctionType):
        if _is_found_by_name(item):
            return []
        return [*_own_parts(item), *globals_of(item).values(), *_from_modules(item)]
    if isinstance(item, property):
        return [item.fget, item.fset, item.fdel]
    if isinstance(item, weakref.ref):
        return [item()]
    if isinstance(item, np.ndarray):
        return item.reshape(-1).tolist() if item.dtype.hasobject else []
    if is_ours(item):
        return [*state_of(item).values(), type(item)]
    if registry.owner_of_type(type(item)) is not None:
        return []
    return [*gc.get_referents(item), type(item)]


def methods(cls) -> dict:
    """{name: function or property} of a user's class, whose own functions may lead somewhere."""
    found: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.partition(".")[0] not in ("unidl", "builtins"):
            found |= vars(base)
    return {n: x for n, x in found.items() if isinstance(x, types.FunctionType | property)}


def state_of(item) -> dict:
    """The attributes of an object of unidl's that a copy of it gets: what a model has compiled, and
    where a Variable has its value, it has for itself."""
    if isinstance(item, Trainer):
        return Trainer.__getstate__(item)
    apart = ("_backend", "_store") if isinstance(item, Variable) else ()
    return {name: value for name, value in list(vars(item).items()) if name not in apart}


def _is_found_by_name(function):
    """Whether it is one of unidl's own, such as an activation, of which there is one."""
    module = sys.modules.get(function.__module__)
    return (
        str(function.__module__).startswith("unidl")
        and getattr(module, function.__name__, None) is function
    )


def _own_parts(function):
    cells = [cell for cell in function.__closure__ or () if _is_full(cell)]
    return [
        *(cell.cell_contents for cell in cells),
        *(function.__defaults__ or ()),
        *(function.__kwdefaults__ or {}).values(),
        *list(vars(function).values()),
    ]


def _is_full(cell):
    try:
        cell.cell_contents  # noqa: B018 - an empty one raises
    except ValueError:
        return False
    return True


def globals_of(function) -> dict:
    """{name: value} of the globals that a user's function names, but for modules."""
    names = _names(function)
    there = function.__globals__
    found = {n: there[n] for n in names if n in there}
    return {n: x for n, x in found.items() if not isinstance(x, types.ModuleType | type)}


def modules_of(function) -> dict:
    """{name: module} of the user's modules among these globals."""
    there = function.__globals__
    found = {n: there[n] for n in _names(function) if n in there}
    return {n: x for n, x in found.items() if isinstance(x, types.ModuleType) and _is_users(x)}


def taken_from(module, function) -> dict:
    """{name: value} of what a function may take out of a module, `module.name`."""
    own = vars(module)
    found = {n: own[n] for n in _names(function) if n in own}
    return {n: x for n, x in found.items() if not isinstance(x, types.ModuleType | type)}


def _from_modules(function):
    for module in modules_of(function).values():
        yield from taken_from(module, function).values()


def _names(function):
    """Names of globals and attributes in a user's function, those inside of it too; of others,
    which know of no user's objects, none."""
    code = function.__code__
    if str(function.__module__).partition(".")[0] == "unidl" or _is_installed(code.co_filename):
        return ()
    found: dict[str, None] = {}
    waiting = [code]
    while waiting:
        code = waiting.pop()
        found |= dict.fromkeys(code.co_names)
        waiting += [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return tuple(found)


def _is_users(module):
    place = getattr(module, "__file__", None)
    root = module.__name__.partition(".")[0]
    return place is not None and root != "unidl" and not _is_installed(place)


def _is_installed(place):
    return place.startswith((*_INSTALLED, "<frozen"))
