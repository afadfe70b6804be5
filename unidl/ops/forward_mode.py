"""Derivatives along a direction: by forward mode, or by gradients where a backend has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from unidl.backend import Backend, Variable
from unidl.typing import DType, TensorLike


def jvp(
    backend: Any,
    function: Callable[..., Any],
    primals: Sequence[TensorLike],
    tangents: Sequence[TensorLike],
) -> Any:
    """(outputs, their derivatives along `tangents`), two lists of native tensors.

    function(*primals) gives the outputs. `primals` and `tangents` are lists of native tensors of
    the same shapes and dtypes.
    """
    if type(backend).jvp is not Backend.jvp:
        return backend.jvp(function, primals, tangents)
    variables = [Variable(x, dtype=backend.dtype(x), backend=backend) for x in primals]
    outputs = function(*primals)
    return outputs, [
        _derivative(backend, function, variables, tangents, i, backend.shape(y), backend.dtype(y))
        for i, y in enumerate(outputs)
    ]


def _derivative(
    backend: Any,
    function: Any,
    variables: Any,
    tangents: Any,
    output: TensorLike,
    shape: Any,
    dtype: DType,
) -> Any:
    """That of one output, from as many gradients as it has numbers."""

    def number(place: Any) -> Any:
        outputs = function(*(v.value for v in variables))
        return backend.getitem(backend.reshape(outputs[output], (-1,)), (place,))

    rows = []
    for place in range(math.prod(shape)):
        _, gradients = backend.value_and_grad(lambda place=place: number(place), variables)
        terms = [
            backend.sum(backend.multiply(g, t)) for g, t in zip(gradients, tangents, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = backend.add(total, term)
        rows.append(total)
    if not rows:
        return backend.full(shape, 0, dtype)
    return backend.reshape(backend.stack(rows, 0), shape)
