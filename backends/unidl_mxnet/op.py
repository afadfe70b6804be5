"""One door to all of MXNet's operators, by their registered names, for arrays and for symbols.

`op("Convolution", x, w, kernel=(3, 3), no_bias=True)` runs the operator on arrays, or, if any input
is `Traced`, adds a node to the graph under construction. Going through the registry has three
merits: legacy and NumPy operators take and return the same `mx.np.ndarray`, none of MXNet's Python
front end (with its scalar and dtype surprises) is in between, and arrays and symbols cannot drift
apart.
"""

from __future__ import annotations

from unidl_mxnet.registry import eager, ndarray
from unidl_mxnet.traced import Traced, record


def op(name, *inputs, **attrs):
    """Run an operator, or record it if an input is traced; a list if it has several outputs."""
    for x in inputs:
        if type(x) is not ndarray and isinstance(x, Traced):
            return record(name, inputs, attrs)
    return eager(name, inputs, attrs)
