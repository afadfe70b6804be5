"""The merging layers as functions: `add([a, b])` is `Add()([a, b])`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.layers.merging import merge_layers as merging
from unidl.typing import Tensor, TensorLike


def add(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Add` of a list of tensors; `kwargs` are the layer's."""
    return merging.Add(**kwargs)(inputs)


def subtract(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Subtract` of two tensors."""
    return merging.Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Multiply` of a list of tensors."""
    return merging.Multiply(**kwargs)(inputs)


def average(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Average` of a list of tensors."""
    return merging.Average(**kwargs)(inputs)


def maximum(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Maximum` of a list of tensors."""
    return merging.Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[TensorLike], **kwargs: Any) -> Tensor:
    """`Minimum` of a list of tensors."""
    return merging.Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[TensorLike], axis: int = -1, **kwargs: Any) -> Tensor:
    """`Concatenate` of a list of tensors along `axis`."""
    return merging.Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[TensorLike], axes: Any = -1, **kwargs: Any) -> Tensor:
    """`Dot` of two tensors along `axes`; `normalize=True` for the cosine."""
    return merging.Dot(axes=axes, **kwargs)(inputs)
