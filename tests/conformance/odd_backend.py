"""A stranger's backend whose tensors are as odd as the contract allows.

They wrap NumPy arrays in a class of their own. Native shapes are lists, native dtypes have no hash,
tensors know no `==`, no truth value and no operator: whoever looks at a tensor other than through
the backend fails at once. What is abstract in the contract goes to the NumPy adapter's functions;
all else is the contract's own bodies.
"""

from __future__ import annotations

from abc import update_abstractmethods

import numpy as np

from unidl.backend import Backend, BackendSpec
from unidl.backend.frame import standing_in
from unidl.backend.variable import commit, stores_of
from unidl.tracing.capture import CapturedExecution
from unidl_numpy.adapter import NumpyBackend
from unidl_numpy.tape import Tape, plain, plain_tree
from unidl_numpy.tape_array import TapeArray

spec = BackendSpec(
    name="odd",
    adapter="tests.conformance.odd_backend:OddBackend",
    framework="numpy",
    distributions=("numpy",),
    tensor_roots=("tests",),
    install="pip install unidl-odd",
)

_numpy = NumpyBackend()


class OddDtype:
    """A dtype that cannot be a key."""

    __hash__ = None


class OddTensor:
    __slots__ = ("array",)
    __hash__ = None

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        return list(self.array.shape)

    @property
    def dtype(self):
        return OddDtype()

    def __eq__(self, other):
        raise TypeError("odd tensors are not compared")

    def __bool__(self):
        raise TypeError("odd tensors have no truth value")


def _unwrapped(tree):
    if isinstance(tree, OddTensor):
        return tree.array
    if isinstance(tree, dict):
        return {key: _unwrapped(item) for key, item in tree.items()}
    return type(tree)(map(_unwrapped, tree)) if type(tree) in (list, tuple) else tree


def _wrapped(tree):
    if isinstance(tree, np.ndarray | np.generic | TapeArray):
        return OddTensor(tree)
    return type(tree)(map(_wrapped, tree)) if type(tree) in (list, tuple) else tree


class OddBackend(CapturedExecution, Backend):
    name = "odd"
    version = "1.0"
    tensor_types = (OddTensor,)
    dtypes = NumpyBackend.dtypes

    def devices(self):
        return ["cpu:0"]

    def scope(self):
        return _numpy.scope()

    def is_tensor(self, x):
        return isinstance(x, OddTensor)

    def shape(self, x):
        return tuple(x.shape)

    def dtype(self, x):
        return _numpy.dtype(x.array)

    def to_numpy(self, x):
        return _numpy.to_numpy(x.array)

    def value_and_grad(self, fn, variables, has_aux=False):
        tape, values = Tape(), stores_of(variables)
        leaves = [OddTensor(tape.array(value.array)) for value in values]
        with standing_in(variables, leaves) as stand_ins:
            result = fn()
        gradients = _gradients(tape, result[0] if has_aux else result, leaves)
        commit(*stand_ins.assigned())
        return _free(result), gradients

    def gradients(self, function, values):
        tape = Tape()
        leaves = [OddTensor(tape.array(value.array)) for value in values]
        outputs = function(leaves)
        gradients = _gradients(tape, outputs[0], leaves)
        return _free(outputs), gradients


def _gradients(tape, loss, leaves):
    if isinstance(loss.array, TapeArray):
        return _wrapped(tape.gradients(loss.array, _unwrapped(leaves)))
    return [_wrapped(np.zeros_like(plain(leaf.array))) for leaf in leaves]


def _free(tree):
    return _wrapped(plain_tree(_unwrapped(tree)))


def _bind(name):
    function = getattr(_numpy, name)

    def method(self, *args, **kwargs):
        return _wrapped(function(*_unwrapped(args), **_unwrapped(kwargs)))

    setattr(OddBackend, name, method)


for _name in OddBackend.__abstractmethods__:
    _bind(_name)
update_abstractmethods(OddBackend)
