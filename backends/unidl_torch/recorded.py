"""Gradients without autograd: what it does in one run is written down and repeated, call by call.

In a small model a quarter of a step is autograd's own work: nodes, saved tensors, an engine. Which
kernels run, on what and in which order, depends on shapes and strides alone, so the calls that
reach the kernels in one run are those of every run and give the same bits.

That does not hold where a value becomes a number of Python, or the size of a result, or where a
tensor comes from elsewhere, from NumPy say. There autograd does the work each time.
"""

from __future__ import annotations

import math

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

_PLAIN = (int, bool, type(None))
_ATEN = torch.ops.aten

# Without a gradient to follow, the tensor itself.
_SAME = frozenset((_ATEN.detach.default, _ATEN.alias.default))
_DEPENDS_ON_VALUES = frozenset((torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape))


class Repeated:
    """run(arguments, values) -> (outputs, gradients), like the `run` given, from which it learns.

    `arguments` are those of a captured program: keys and numbers, then tensors. `constants` are the
    tensors that it uses beside them. `decides`: whether it takes a branch, or goes round a loop, by
    a value, which is read where no call of a kernel tells.
    """

    def __init__(self, run, constants, decides):
        self._run, self._constants, self._decides = run, constants, decides
        self._made = None  # (strides of the tensors, function), (None, None) where it cannot be

    def __call__(self, arguments, values):
        tensors = arguments[2:]
        if self._made is None:
            return self._record(arguments, values)
        strides, repeat = self._made
        if strides is None or [t.stride() for t in tensors] != strides:
            return self._run(arguments, values)
        try:
            return repeat(*tensors)
        except Exception:
            self._run(arguments, values)  # fails as well, where the layer is named
            raise

    def _record(self, arguments, values):
        keys, numbers, *tensors = arguments
        # The host's own values are told to autograd's run alone.
        if (
            keys
            or numbers
            or self._decides
            or not all(t.is_cpu and not t.requires_grad for t in tensors)
        ):
            self._made = None, None
            return self._run(arguments, values)
        with _Recorder(tensors, self._constants) as recorder:
            outputs, gradients = self._run(arguments, values)
        repeat = recorder.function(outputs, gradients)
        self._made = (None if repeat is None else [t.stride() for t in tensors]), repeat
        return outputs, gradients


class _Unknown(Exception):
    """A tensor that no recorded call has made."""


class _Recorder(TorchDispatchMode):
    """`with _Recorder(inputs) as recorder:` writes down the calls of its block."""

    def __init__(self, inputs, constants):
        super().__init__()
        self._inputs = [f"x{i}" for i in range(len(inputs))]
        self._storages = {}
        self._constants = {}  # name -> value
        self._name_of = {}  # id of a constant -> its name
        self._calls = []  # (names of results, names of arguments, line of code, whether it writes)
        self._names = {self._view(x): name for name, x in zip(self._inputs, inputs, strict=True)}
        self._repeatable = len(self._names) == len(inputs)
        for constant in constants:
            self._names.setdefault(self._view(constant), self._constant(constant))

    def _view(self, tensor):
        """What tells a tensor from others: autograd returns the same memory in new objects."""
        storage = tensor.untyped_storage()
        # A weak reference keeps the address from being given to another storage.
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = StorageWeakRef(storage)
        place = tensor.storage_offset(), tuple(tensor.shape), tensor.stride()
        return storage._cdata, *place, tensor.dtype

    @classmethod
    def _should_skip_dynamo(cls):
        """Else torch imports half of its compiler, a second's work, to keep it out of here."""
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not self._repeatable:
            return func(*args, **kwargs)
        try:
            used = []
            parts = [self._code(a, used) for a in args]
            parts += [f"{k}={self._code(v, used)}" for k, v in kwargs.items()]
        except _Unknown:
            self._repeatable = False
            return func(*args, **kwargs)
        function, result = _called(func, args, kwargs)
        if _DEPENDS_ON_VALUES.intersection(func.tags):
            self._repeatable = False
        elif func in _SAME:
            self._names[self._view(result)] = used[0]
        else:
            self._add(function, used, ", ".join(parts), result, func._schema.is_mutable)
        return result

    def _add(self, function, used, code, result, writes):
        several = isinstance(result, list | tuple)
        names = []
        for i, tensor in enumerate(result if several else [result]):
            name = "_"
            if isinstance(tensor, torch.Tensor):
                view = self._view(tensor)
                # What is written in place keeps its name.
                if not (writes and view in self._names):
                    name = self._names[view] = f"t{len(self._calls)}_{i}"
            names.append(name)
        targets = f"[{', '.join(names)}]" if several else names[0]
        line = f"{targets} = {self._constant(function)}({code})"
        self._calls.append((names, used, line, writes))

    def _constant(self, value):
        name = self._name_of.setdefault(id(value), f"c{len(self._constants)}")
        self._constants[name] = value  # keeps it alive, so that its id stays its own
        return name

    def _code(self, value, used):
        if isinstance(value, torch.Tensor):
            used.append(self._name(value))
            return used[-1]
        if isinstance(value, list | tuple):
            return f"[{', '.join(self._code(v, used) for v in value)}]"
        if isinstance(value, _PLAIN) or (isinstance(value, float) and math.isfinite(value)):
            return repr(value)
        return self._constant(value)

    def _name(self, tensor):
        name = self._names.get(self._view(tensor))
        if name is None:
            raise _Unknown
        return name

    def function(self, outputs, gradients):
        """f(*inputs) -> (outputs, gradients), None where its results could be others than here."""
        if not self._repeatable:
            return None
        try:
            outputs = [self._name(t) for t in outputs]
            gradients = [self._name(t) for t in gradients]
        except _Unknown:
            return None
        needed = {*outputs, *gradients}
        body, alive = [], needed | {*self._inputs} | self._constants.keys()
        for names, used, line, writes in reversed(self._calls):
            if not writes and not needed.intersection(names):
                continue
            needed.update(used)
            last = sorted({*used, *names} - alive - {"_"})
            alive.update(used)
            body += [f"    del {', '.join(last)}"] if last else []
            body.append(f"    {line}")
        head = f"def repeat({', '.join(self._inputs)}):"
        end = f"    return [{', '.join(outputs)}], [{', '.join(gradients)}]"
        namespace = dict(self._constants)
        exec("\n".join([head, *reversed(body), end]), namespace)
        return namespace["repeat"]


def _called(func, args, kwargs):
    """(function, its result): Python's own binding if it takes the arguments, at half the cost."""
    name = func._schema.name.removeprefix("aten::")
    for place in (torch._C._VariableFunctions, torch.Tensor):
        function = getattr(place, name, None)
        if function is not None:
            try:
                return function, function(*args, **kwargs)
            except TypeError:
                continue
    return func._op, func(*args, **kwargs)
