"""Parts of complex numbers, for tensors that are real: there are no complex dtypes here.

Complex tensors are pairs (real, imaginary part), as the Fourier transforms take and return them.
"""

from __future__ import annotations

import math
from typing import Any

from unidl.ops.creation import zeros_like
from unidl.ops.dispatch import call, op, tensor_of, to_float
from unidl.ops.elementwise import isnan, less
from unidl.ops.indexing import where
from unidl.ops.joining import stack
from unidl.typing import Tensor, TensorLike


@op
def real(x: TensorLike) -> Tensor:
    """x, as a real tensor is its own real part.

    Examples:
        >>> unidl.ops.real([1.0, -2.0])
        array([ 1., -2.], dtype=float32)
        >>> unidl.ops.real(np.array([1 + 2j]))
        Traceback (most recent call last):
            ...
        unidl.backend.errors.NoTensorError: real: cannot make a tensor of an...
    """
    return tensor_of(x)[1]


@op
def imag(x: TensorLike) -> Tensor:
    """Zeros, the imaginary part of a real tensor.

    Examples:
        >>> unidl.ops.imag([1.0, -2.0])  # tensors are real
        array([0., 0.], dtype=float32)
    """
    return zeros_like(x)


@op
def conjugate(x: TensorLike) -> Tensor:
    """x, as a real tensor is its own conjugate.

    Examples:
        >>> unidl.ops.conjugate([1.0, -2.0])
        array([ 1., -2.], dtype=float32)
    """
    return tensor_of(x)[1]


@op
def conj(x: TensorLike) -> Tensor:
    """x, as a real tensor is its own conjugate.

    Examples:
        >>> unidl.ops.conj([1.0, -2.0])
        array([ 1., -2.], dtype=float32)
    """
    return tensor_of(x)[1]


@op
def isreal(x: TensorLike) -> Tensor:
    """Whether the imaginary part is 0: True for all elements of a real tensor.

    Examples:
        >>> unidl.ops.isreal([1.0, -2.0])
        array([ True,  True])
    """
    return call("full_like", x, value=True, dtype="bool")


@op
def angle(x: TensorLike) -> Tensor:
    """Angle of x in the complex plane: 0, and pi where x is negative. Of a pair it is
    ops.arctan2(imag, real). Gradient 0.

    Examples:
        >>> unidl.ops.angle([2.0, -2.0])
        array([0.    , 3.1416], dtype=float32)
    """
    backend, x = tensor_of(x)
    x = backend.stop_gradient(to_float(backend, x))
    return where(isnan(x), x, where(less(x, 0), math.pi, zeros_like(x)))


def polar(abs_: TensorLike, angle: TensorLike) -> Any:
    """Refused: the result is complex.

    Examples:
        >>> unidl.ops.polar([2.0], [np.pi])
        Traceback (most recent call last):
            ...
        TypeError: polar: the result would be complex, but there are no complex...
        >>> 2.0 * unidl.ops.cos([np.pi]), 2.0 * unidl.ops.sin([np.pi])  # what to write
        (array([-2.], dtype=float32), array([-0.], dtype=float32))
    """
    raise _complex("polar", "the pair (abs_ * ops.cos(angle), abs_ * ops.sin(angle))")


def view_as_complex(x: TensorLike) -> Any:
    """Refused: the result is complex.

    Examples:
        >>> unidl.ops.view_as_complex([[1.0, 2.0], [3.0, -4.0]])
        Traceback (most recent call last):
            ...
        TypeError: view_as_complex: the result would be complex, but there are...
        >>> unidl.ops.unstack([[1.0, 2.0], [3.0, -4.0]], axis=-1)  # what to write
        [array([1., 3.], dtype=float32), array([ 2., -4.], dtype=float32)]
    """
    raise _complex("view_as_complex", "the pair (x[..., 0], x[..., 1])")


@op
def view_as_real(x: TensorLike) -> Tensor:
    """Real and imaginary part side by side on a new last axis: (...,) -> (..., 2), the latter 0 for
    a real tensor.

    Examples:
        >>> unidl.ops.view_as_real([1.0, -2.0])
        array([[ 1.,  0.],
               [-2.,  0.]], dtype=float32)
    """
    return stack([x, zeros_like(x)], -1)


def _complex(name: str, instead: Any) -> Any:
    return TypeError(
        f"{name}: the result would be complex, but there are no complex dtypes. Write {instead}."
    )
