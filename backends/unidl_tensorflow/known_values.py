"""Values that are known while a graph is recorded: of constants, and of what is computed from them
as from a shape."""

from __future__ import annotations

import numpy as np

from unidl_tensorflow.load import tf

# What sizes go through on their way into a shape; `tf.get_static_value` stops at most of them.
_COMPUTED = {
    "AddV2": np.add,
    "ConcatV2": lambda *parts: np.concatenate(parts[:-1], int(parts[-1])),
    "ExpandDims": lambda x, axis: np.expand_dims(x, int(axis)),
    "FloorDiv": np.floor_divide,
    "Identity": lambda x: x,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mul": np.multiply,
    "Reshape": np.reshape,
    "Sub": np.subtract,
}


def known_value(x):
    """The value of a graph's tensor as an array; None if it takes a run to know it."""
    value = tf.get_static_value(x)
    if value is not None:
        return np.asarray(value)
    function = _COMPUTED.get(x.op.type)
    parts = [known_value(part) for part in x.op.inputs] if function else [None]
    return None if any(part is None for part in parts) else np.asarray(function(*parts))
