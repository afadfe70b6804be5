"""The way out for a `call` that uses NumPy or a framework: shapes by the framework's own tensors
without values."""

from __future__ import annotations

from unidl.backend.frame import standing_in
from unidl.layers.base import call_context
from unidl.layers.base.annotations import masks
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.structures import leaves
from unidl.tracing import KerasTensor, graph
from unidl.tracing.inference import is_tensor

# What code that knows nothing of symbolic tensors raises for one.
FOREIGN = (TypeError, AttributeError, ValueError, AssertionError, NotImplementedError)


class NeedsRule(TypeError):
    """Neither way tells the shape of a layer's output."""


def met_foreign_code(error):
    """Whether a symbolic tensor came where it was not known, rather than one of a wrong shape."""
    told = isinstance(error, NeedsRule)  # by a layer inside
    return not told and KerasTensor.__name__ in str(error)


def outputs(layer, training, given, first_error):
    """What `call` returns for the symbolic tensors in `given`, all of whose sizes are numbers;
    `first_error` is why it did not run on these."""
    tensors = list({id(t): t for t in graph.flatten_tensors(given)}.values())
    noted = [masks.get(t) for t in tensors]
    carried = [m for m in noted if isinstance(m, KerasTensor)]
    structure = []

    def call(*natives):
        stands_for = {id(t): n for t, n in zip((*tensors, *carried), natives, strict=True)}
        for tensor, mask in zip(tensors, noted, strict=True):
            if mask is not None:
                masks.set(stands_for[id(tensor)], stands_for.get(id(mask), mask))
        args, kwargs = graph.map_tensors(lambda t: stands_for[id(t)], given)
        with call_context.entered(CallContext(training=training)) as inner:
            result = layer._run(inner, args, kwargs)
        structure.append(result)
        return [leaf for leaf in leaves(result) if is_tensor(leaf)]

    specs = [(tuple(int(s) for s in t.shape), t.dtype) for t in (*tensors, *carried)]
    try:
        # What is assigned inside has no value, and is dropped with the stand-ins.
        with standing_in([], []):
            made = layer.backend.abstract_call(call, specs)
    except NeedsRule:
        raise
    except Exception as error:
        first = getattr(first_error, "reason", first_error)
        # What the framework said is in the exception that this one is raised from: it says it in
        # words of its own, and about tensors that only it knows.
        raise NeedsRule(
            f"{layer._who()}: its output shape is unknown. call() was run on tensors with a shape "
            f"but no value, and failed: {first} {getattr(first_error, 'instead', '')}\n"
            "Running it on the framework's own tensors without values failed too.\n"
            "Either write call() with unidl.ops (ops.where or ops.cond in place of an if on a "
            "tensor), or define the shape: def compute_output_shape(self, input_shape): return ..."
        ) from error
    symbols = iter([KerasTensor(shape, dtype) for shape, dtype in made])
    return _map_leaves(structure[-1], lambda leaf: next(symbols))


def _map_leaves(structure, function):
    if isinstance(structure, list | tuple):
        items = [_map_leaves(item, function) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    if isinstance(structure, dict):
        return {key: _map_leaves(item, function) for key, item in structure.items()}
    return function(structure) if is_tensor(structure) else structure
