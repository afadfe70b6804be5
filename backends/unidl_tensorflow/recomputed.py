"""Recomputation: the first run goes past the tapes, by inputs that they do not watch, and they get
one operation in its place.

`tf.recompute_grad` does it by tf.custom_gradient, which in graphs enters a closure into a table of
the process, for good; and it looks for tf.Variables in the function, where ours are values.
"""

from __future__ import annotations

from unidl.backend.errors import AroundError
from unidl_tensorflow.execution import is_traced_for_xla
from unidl_tensorflow.load import tf

from tensorflow.compiler.tf2xla.ops.gen_xla_ops import xla_optimization_barrier  # isort: skip
from tensorflow.python.eager import record


def recomputed(function, tensors):
    """See `contract.Autodiff.remat`."""
    outputs, read = function(*map(tf.stop_gradient, tensors))
    inputs = [*tensors, *(v.uncast for v in read)]
    floats = [i for i, x in enumerate(inputs) if x.dtype.is_floating]
    places = [i for i, y in enumerate(outputs) if y.dtype.is_floating]
    if record.should_record_backprop([outputs[i] for i in places]):
        raise AroundError
    if not record.should_record_backprop([inputs[i] for i in floats]):
        return outputs
    with record.stop_recording():
        outputs = [tf.identity(y) for y in outputs]

    def backward(*upstream):
        given = _after(upstream, inputs)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            watched = [given[i] for i in floats]
            tape.watch(watched)
            again = function(*given)[0]
        return tape.gradient(
            [again[i] for i in places],
            watched,
            output_gradients=list(upstream),
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    record.record_operation(
        "Recomputed", [outputs[i] for i in places], [inputs[i] for i in floats], backward
    )
    return outputs


def _after(upstream, inputs):
    """`inputs`, in a graph as they are once `upstream` is there: else it would take what is equal
    to the first run for the same, and keep it."""
    if tf.executing_eagerly():
        return [tf.identity(x) for x in inputs]
    if is_traced_for_xla():
        return xla_optimization_barrier([*inputs, *upstream])[: len(inputs)]
    with tf.control_dependencies(upstream):
        return [tf.identity(x) for x in inputs]
