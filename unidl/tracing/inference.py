"""Shape inference: what a function returns for symbolic tensors, some of whose axes may be open."""

from __future__ import annotations

from contextlib import contextmanager

from unidl.backend.frame import standing_in
from unidl.backend.variable import Variable
from unidl.tracing.feed import KeyFeed
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arrays.creation import of_value
from unidl.tracing.sizes import is_open, running_with, stand_ins
from unidl.tracing.structures import flatten_tensors, map_tensors


def infer(name, function, structure, taken=set, carry=None):
    """The outputs of function(structure) as new KerasTensors, also where they do not depend on
    those in `structure`.

    Args:
        name: of the function, for errors.
        function: takes `structure` with tensors in place of its own KerasTensors, all of whose
            sizes are numbers.
        taken: taken() are sizes that the function may compare with those of its inputs: no open
            axis gets one of them.
        carry: carry(old, new, like_new) is told of each tensor that was made for another, to hand
            on what is noted of it;
            like_new(tensor) makes a new tensor in the same way.
    """
    tensors = flatten_tensors(structure)
    if not any(None in t.shape for t in tensors):
        with _without_a_trace():
            return _combined(name, carry, (function(structure),))
    taken = {size for t in tensors for size in t.shape}.union(taken())
    first, second = stand_ins(taken)
    results = []
    for size in (first, second):
        with running_with(size), _without_a_trace():
            results.append(function(_with_sizes(structure, size, carry)))
    return _combined(name, carry, results)


@contextmanager
def _without_a_trace():
    """A context in which nothing is assigned and no generator moves on; what is built inside gets
    its numbers all the same."""
    with standing_in((), ()), KeyFeed().tracing(lambda i: (0, 0), lambda i: 0.0):
        yield


def _with_sizes(structure, size, carry):
    made = {}  # a tensor that is given twice is one tensor in the function too

    def give(tensor):
        if id(tensor) not in made:
            shape = tuple(size if s is None else s for s in tensor.shape)
            made[id(tensor)] = KerasTensor(shape, tensor.dtype)
            if carry is not None:
                carry(tensor, made[id(tensor)], give)
        return made[id(tensor)]

    return map_tensors(give, structure)


def closed(tensor):
    """`tensor` as it is seen outside: with None for its open sizes."""
    return KerasTensor([None if is_open(s) else s for s in tensor.shape], tensor.dtype)


def _again(tensor):
    return tensor


def _combined(name, carry, results):
    """The result of all runs as one structure, with None for each size that differs."""
    first, last = results[0], results[-1]
    if isinstance(first, dict):
        return {key: _combined(name, carry, [r[key] for r in results]) for key in first}
    if isinstance(first, list | tuple):
        if len(first) != len(last):
            raise ValueError(
                f"{name}: the number of outputs depends on the size of an open axis, so a model "
                "cannot be built from them. Give the axis a size in Input(shape=...), or return "
                "the outputs as one tensor: ops.stack."
            )
        items = [_combined(name, carry, parts) for parts in zip(*results, strict=True)]
        return type(first)(*items) if hasattr(first, "_fields") else type(first)(items)
    if not is_tensor(first):
        return first
    specs = [of_value(result) for result in results]
    if len(specs[0].shape) != len(specs[-1].shape) or specs[0].dtype != specs[-1].dtype:
        raise ValueError(
            f"{name}: the number of axes or the dtype of the output depends on the size of an "
            "open axis. Give the axis a size in Input(shape=...)."
        )
    if len(specs) == 1:  # within a run of the function around, whose sizes are still numbers
        shape, like_new = specs[0].shape, _again
    else:
        pairs = zip(specs[0].shape, specs[-1].shape, strict=True)
        shape = [None if is_open(a) or is_open(b) or a != b else a for a, b in pairs]
        like_new = closed
    output = KerasTensor(shape, specs[0].dtype)
    if carry is not None:
        carry(first, output, like_new)
    return output


def is_tensor(x):
    """Whether an output is a tensor of any kind: symbolic, native, an array or a Variable."""
    return isinstance(x, KerasTensor | Variable) or (hasattr(x, "shape") and hasattr(x, "dtype"))
