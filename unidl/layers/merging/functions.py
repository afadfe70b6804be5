"""The merging layers as functions: `add([a, b])` is `Add()([a, b])`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.layers.merging import merge_layers as merging
from unidl.typing import Tensor, TensorLike


def add(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Add` of a list of tensors; `kwargs` are the layer's.

    Examples:
        >>> unidl.layers.add([np.array([1.0]), np.array([10.0]), np.array([100.0])])
        array([111.], dtype=float32)
    """
    return merging.Add(**kwargs)(inputs)


def subtract(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Subtract` of two tensors.

    Examples:
        >>> unidl.layers.subtract([np.array([5.0, 7.0]), np.array([1.0, 2.0])])
        array([4., 5.], dtype=float32)
    """
    return merging.Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Multiply` of a list of tensors.

    Examples:
        >>> unidl.layers.multiply([np.array([2.0, 3.0]), np.array([10.0, 10.0])])
        array([20., 30.], dtype=float32)
    """
    return merging.Multiply(**kwargs)(inputs)


def average(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Average` of a list of tensors.

    Examples:
        >>> unidl.layers.average([np.array([1.0, 2.0]), np.array([3.0, 6.0])])
        array([2., 4.], dtype=float32)
    """
    return merging.Average(**kwargs)(inputs)


def maximum(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Maximum` of a list of tensors.

    Examples:
        >>> unidl.layers.maximum([np.array([1.0, 5.0]), np.array([3.0, 2.0])])
        array([3., 5.], dtype=float32)
    """
    return merging.Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Minimum` of a list of tensors.

    Examples:
        >>> unidl.layers.minimum([np.array([1.0, 5.0]), np.array([3.0, 2.0])])
        array([1., 2.], dtype=float32)
    """
    return merging.Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[TensorLike], axis: int = -1, **kwargs: Any) -> Tensor:
    """`Concatenate` of a list of tensors along `axis`.

    Examples:
        >>> unidl.layers.concatenate([np.array([[1.0, 2.0]]), np.array([[3.0]])])
        array([[1., 2., 3.]], dtype=float32)
        >>> unidl.layers.concatenate([np.ones((2, 3)), np.ones((4, 3))], axis=0).shape
        (6, 3)
    """
    return merging.Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[TensorLike], axes: Any = -1, **kwargs: Any) -> Tensor:
    """`Dot` of two tensors along `axes`; `normalize=True` for the cosine.

    Examples:
        >>> a, b = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]])
        >>> unidl.layers.dot([a, b])
        array([[24.]], dtype=float32)
        >>> unidl.layers.dot([a, b], normalize=True)
        array([[0.96]], dtype=float32)
    """
    return merging.Dot(axes=axes, **kwargs)(inputs)
