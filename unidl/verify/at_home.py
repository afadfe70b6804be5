"""What rounding in float32 may do to a model that only its own backend runs.

What a layer does in a framework's own functions cannot be looked into, so that rounding is
simulated around it: every weight is moved by a relative u with a random sign, and so is what each
call of a layer returns, and the gradient that comes back there. A sum of products that rounds each
of its terms is the exact one of weights that moved so far (Wilkinson's backward error), and the
result is rounded once more when it is stored. To move the inputs of the model alone says nothing
of either: where a function is flat, its inputs move nothing, and it still rounds.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from unidl import ops, tree
from unidl.backend import get_backend
from unidl.conformance.evaluable import Evaluable
from unidl.layers.base.annotations import masks
from unidl.models import Model
from unidl.tracing.graph import FunctionCall
from unidl.verify.trajectory import jitter_weights


class RoundedAtHome(Evaluable):
    """`whole`, a WholeModel, as its rounding in float32 may move it; its inputs are moved by
    `scales.noise`.

    jitter: (NumPy generator, relative change).
    """

    def __init__(self, whole, jitter):
        self.whole, self.jitter = whole, jitter

    def prepare(self, backend, arrays):
        snapshot = self.whole.snapshot
        for variable in snapshot.model.weights:
            variable.assign(snapshot.value(variable))  # what the draw before moved
        program = self.whole.prepare(backend, arrays)
        jitter_weights(snapshot.model, *self.jitter)

        def function():
            with rounding_layers(snapshot.model, self.jitter):
                return program.function()

        return replace(program, function=function)


@contextmanager
def rounding_layers(model, jitter):
    """Inside, what each call of a layer or a function of the graph returns is moved, and so is its
    gradient; nothing is where `jitter` is None."""
    undo = []
    for layer in model._flatten_layers() if jitter is not None else ():
        if isinstance(layer, Model):
            plan = getattr(layer, "_plan", None)
            nodes = [] if plan is None else plan.nodes
            operations = [n.operation for n in nodes if isinstance(n.operation, FunctionCall)]
            for operation in operations:
                undo.append((operation, operation.function))
                operation.function = _rounding(operation.function, *jitter)
        else:
            undo.append((layer, None))
            layer.call = _rounding(layer.call, *jitter)
    try:
        yield
    finally:
        for owner, function in reversed(undo):
            if function is None:
                del owner.call
            else:
                owner.function = function


def _rounding(function, generator, unit):
    def rounded(*args, **kwargs):
        backend = get_backend()
        outputs = function(*args, **kwargs)
        return tree.map_structure(lambda x: _moved(backend, x, generator, unit), outputs)

    return rounded


def _moved(backend, x, generator, unit):
    """`x` * (1 ± u) with the gradient of x * (1 ± u) for signs of its own."""
    if not backend.is_tensor(x) or backend.dtype(x) != "float64":
        return x
    shape = backend.shape(x)
    forth, back = (1 + unit * generator.choice((-1.0, 1.0), shape) for _ in range(2))
    still = ops.stop_gradient(x)
    change = ops.where(ops.isfinite(still), ops.multiply(still, forth - back), 0.0)  # inf stays inf
    moved = ops.add(ops.multiply(x, back), change)
    mask = masks.get(x)
    if mask is not None:
        masks.set(moved, mask)
    return moved
