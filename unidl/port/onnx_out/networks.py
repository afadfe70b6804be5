"""Writers: softmax, normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.port.onnx_out.elementwise import needs_digits
from unidl.port.onnx_out.layouts import channels_second, moved, plain
from unidl.port.onnx_out.table import Laid, writes


def _along(operator: str) -> Any:
    def writer(to: Any, spec: Any, x: Any, axis: Any = -1) -> Any:
        if isinstance(axis, tuple | list):
            if len(axis) != 1:
                return NotImplemented
            (axis,) = axis
        name, axes = to.any_order(x)
        return Laid(to.node(operator, name, axis=moved(axes, [axis])[0]), axes)

    return writer


writes("softmax")(_along("Softmax"))
writes("log_softmax")(_along("LogSoftmax"))


@writes("batch_norm_inference")
def batch_norm_inference(
    to: Any, spec: Any, x: Any, gamma: Any, beta: Any, mean: Any, var: Any, axes: Any, epsilon: Any
) -> Any:
    rank = len(x.shape)
    (axis,) = set(range(rank)) - {a % rank for a in axes}
    if (
        axis == 0
        or needs_digits(x)
        or any(p is not None and p.dtype != x.dtype for p in (gamma, beta, mean, var))
    ):
        return NotImplemented
    order = plain(rank) if axis == 1 else channels_second(rank)
    if order[1] != axis:
        return NotImplemented
    count = x.shape[axis]
    given = [
        to.asarray(np.full(count, number), x.dtype) if p is None else p
        for p, number in ((gamma, 1.0), (beta, 0.0))
    ]
    made = to.node("BatchNormalization", to(x, order), *given, mean, var, epsilon=float(epsilon))
    return Laid(made, order)


@writes("layer_norm")
def layer_norm(to: Any, spec: Any, x: Any, gamma: Any, beta: Any, axes: Any, epsilon: Any) -> Any:
    """LayerNormalization, if it is over the last axes and the parameters are of their sizes."""
    rank = len(x.shape)
    axes = sorted(a % rank for a in axes)
    first = axes[0] if axes else 0
    sizes = tuple(x.shape[first:])
    if (
        needs_digits(x)
        or axes != list(range(first, rank))
        or not axes
        or any(type(s) is not int for s in sizes)
    ):
        return NotImplemented
    given = []
    for parameter in (gamma, beta):
        if parameter is not None:
            extra = len(parameter.shape) - len(sizes)
            if extra < 0 or parameter.shape[extra:] != sizes or parameter.dtype != x.dtype:
                return NotImplemented
            parameter = to.reshape(parameter, sizes)
        given.append(parameter)
    if given[0] is None:
        given[0] = to.asarray(np.ones(sizes), x.dtype)
    return to.node("LayerNormalization", x, *given, axis=first, epsilon=float(epsilon))
