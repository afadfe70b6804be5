"""TensorFlow's comparisons meet unidl's symbols: `ops.ones((3,)) > x` in a layer's own `call`.

For `+` and the other operators with a reflected form TensorFlow answers NotImplemented when it
does not know the right operand, and Python asks that. For comparisons it raises; here they answer
in the same way.
"""

from __future__ import annotations

import functools

from unidl.tracing import KerasTensor
from unidl_tensorflow.load import tf


def _asking(comparison):
    @functools.wraps(comparison)
    def ask_or_compare(self, other):
        return NotImplemented if isinstance(other, KerasTensor) else comparison(self, other)

    return ask_or_compare


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _method = f"__{_name}__"
    setattr(tf.Tensor, _method, _asking(getattr(tf.Tensor, _method)))
