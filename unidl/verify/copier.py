"""A copy of a model in all that it leads to, to be placed and trained while the model itself is
used.

`copy.deepcopy` leaves a function as it is, and with it the layers that it holds; configs say
nothing of layers of a user's own. So here functions are copied too, where they lead to the model,
and what does not lead there is shared.
"""

from __future__ import annotations

import types
import weakref

import numpy as np

from unidl.backend.variable import Variable
from unidl.training.gate import Gate
from unidl.verify.reach import (
    LEAVES,
    Reach,
    globals_of,
    is_ours,
    methods,
    modules_of,
    state_of,
    taken_from,
)


class Copier:
    """The copy of `root`.

    Args:
        root: what is copied with all that it leads to.
        instead: [(an object, what stands in its place in the copy)].

    Attributes:
        copy: of the root.
        made: the copies of unidl's own objects, wherever they were found.
    """

    def __init__(self, root, instead=()):
        self._reach = Reach(root)
        self._copies = {id(old): new for old, new in instead}
        self._kept = [old for old, _ in instead]  # alive, so that no other object gets their ids
        self._classes: dict[type, type] = {}
        self._unfilled: list = []
        self._unkeyed: list = []  # dicts and sets, whose keys have to be whole to be hashed
        self.made: list = []
        self.copy = self._of(root)
        self._fill_all()

    def _fill_all(self):
        while self._unfilled or self._unkeyed:
            fill, *given = (self._unfilled or self._unkeyed).pop()
            fill(*given)

    def _of(self, item):
        """The copy of a part, or itself where none is needed."""
        if id(item) in self._copies:
            return self._copies[id(item)]
        new = self._made(item)
        if new is not item:
            self._copies[id(item)] = new
            self._kept.append(item)
        return new

    def _made(self, item):
        cls = type(item)
        if isinstance(item, LEAVES):
            return item
        if cls is tuple or cls is frozenset:
            parts = [self._of(part) for part in item]
            same = all(a is b for a, b in zip(parts, item, strict=True))
            return item if same else cls(parts)
        if cls in (list, dict, set):
            new = cls()
            self._copies[id(item)] = new
            (self._unfilled if cls is list else self._unkeyed).append((self._fill, item, new))
            return new
        if cls is np.ndarray and not item.dtype.hasobject:
            return item.copy()
        if is_ours(item):
            return self._own(item)
        if not self._reach.leads(item) or isinstance(item, type | types.ModuleType):
            return item
        if cls is types.FunctionType:
            return self._function(item)
        if cls is types.MethodType:
            return types.MethodType(self._of(item.__func__), self._of(item.__self__))
        if isinstance(item, property):
            return property(*map(self._of, (item.fget, item.fset, item.fdel)), item.__doc__)
        if cls is weakref.ref:
            return weakref.ref(self._of(item()))
        return self._rebuilt(item)

    def _fill(self, item, new):
        if type(item) is dict:
            new.update([(self._of(k), self._of(v)) for k, v in list(item.items())])
        elif type(item) is set:
            new.update([self._of(part) for part in list(item)])
        else:
            new += [self._of(part) for part in list(item)]

    # -- objects -----------------------------------------------------------------------------------

    def _own(self, item):
        if isinstance(item, Gate):
            return Gate()
        try:
            new = object.__new__(self._class(type(item)))
        except TypeError:  # of a class that is a built-in one too
            return self._rebuilt(item)
        self.made.append(new)
        self._unfilled.append((self._fill_own, item, new))
        return new

    def _fill_own(self, item, new):
        vars(new).update({name: self._of(value) for name, value in state_of(item).items()})
        if isinstance(item, Variable):
            backend = item._backend
            with backend.scope():
                new.hold(backend, backend.asarray(item.own_numpy(), item.dtype))

    def _class(self, cls):
        """`cls`, or a class derived from it where its methods lead to the model."""
        if not self._reach.leads(cls):
            return cls
        if cls not in self._classes:
            names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
            leading = {n: x for n, x in methods(cls).items() if self._reach.leads(x)}
            self._classes[cls] = new = type(cls)(cls.__name__, (cls,), names)
            self._unfilled.append((self._fill_class, new, leading))
        return self._classes[cls]

    def _fill_class(self, new, leading):
        for name, method in leading.items():
            setattr(new, name, self._of(method))

    def _rebuilt(self, item):
        """The copy of an object that is none of unidl's, as pickle would make it."""
        try:
            make, given, *more = item.__reduce_ex__(4)
            state, items, pairs = [*more, None, None, None][:3]
            items, pairs = list(items or ()), list(pairs or ())
            new = make(*(self._class(x) if isinstance(x, type) else self._of(x) for x in given))
        except Exception as error:
            raise TypeError(
                f"verify: works on a copy of the model, but a {type(item).__name__} that leads to "
                f"its layers cannot be copied ({type(error).__name__}: {error}). Keep layers in "
                "attributes, lists and dicts of the model, and not inside of such an object."
            ) from error
        self._unfilled.append((self._fill_rebuilt, new, state, items, pairs))
        return new

    def _fill_rebuilt(self, new, state, items, pairs):
        state = self._of(state)
        self._fill_all()  # the state has to be whole
        if state is not None and hasattr(new, "__setstate__"):
            new.__setstate__(state)
        elif state is not None:
            own, slots = state if isinstance(state, tuple) else (state, None)
            if own:
                vars(new).update(own)
            for name, value in (slots or {}).items():
                setattr(new, name, value)
        for part in items:
            new.append(self._of(part))
        for key, value in pairs:
            new[self._of(key)] = self._of(value)

    # -- functions ---------------------------------------------------------------------------------

    def _function(self, function):
        cells = tuple(self._cell(cell) for cell in function.__closure__ or ())
        new = types.FunctionType(
            function.__code__, self._globals(function), function.__name__, None, cells or None
        )
        new.__module__, new.__qualname__ = function.__module__, function.__qualname__
        new.__doc__ = function.__doc__
        self._unfilled.append((self._fill_function, function, new))
        return new

    def _fill_function(self, function, new):
        new.__defaults__ = self._of(function.__defaults__)
        if function.__kwdefaults__ is not None:
            new.__kwdefaults__ = {n: self._of(x) for n, x in function.__kwdefaults__.items()}
        for name, value in list(vars(function).items()):
            setattr(new, name, self._of(value))

    def _cell(self, cell):
        if id(cell) not in self._copies:
            self._copies[id(cell)] = types.CellType()
            self._kept.append(cell)
            self._unfilled.append((self._fill_cell, cell, self._copies[id(cell)]))
        return self._copies[id(cell)]

    def _fill_cell(self, cell, new):
        try:
            content = cell.cell_contents
        except ValueError:
            return  # empty: a name that is not bound yet
        # Of a method, the class in whose body it stands, for super().
        new.cell_contents = content if isinstance(content, type) else self._of(content)

    def _globals(self, function):
        """The function's globals; with copies in place of those that lead to the model, if any."""
        there = function.__globals__
        changes = {n: x for n, x in globals_of(function).items() if self._reach.leads(x)}
        modules = {
            name: taken
            for name, module in modules_of(function).items()
            if (taken := self._leading_in(module, function))
        }
        if not changes and not modules:
            return there
        own = self._namespace(there)
        self._unfilled.append((self._fill_names, own, changes))
        for name, taken in modules.items():
            own[name] = self._module(there[name])
            self._unfilled.append((self._fill_names, vars(own[name]), taken))
        return own

    def _leading_in(self, module, function):
        return {n: x for n, x in taken_from(module, function).items() if self._reach.leads(x)}

    def _namespace(self, names):
        if id(names) not in self._copies:
            self._copies[id(names)] = dict(names)
            self._kept.append(names)
        return self._copies[id(names)]

    def _module(self, module):
        if id(module) not in self._copies:
            self._copies[id(module)] = new = types.ModuleType(module.__name__)
            self._kept.append(module)
            vars(new).update(vars(module))
        return self._copies[id(module)]

    def _fill_names(self, own, names):
        own.update({name: self._of(value) for name, value in names.items()})
