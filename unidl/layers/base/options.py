"""The arguments that every layer takes, for type checkers: what `**kwargs` hand on to `Layer`.

A layer that names one of them itself leaves it out of its `**kwargs`, so there are several sets.
"""

from __future__ import annotations

from typing import TypedDict

from unidl.typing import PolicyLike, RegularizerLike, Shape


class _Options(TypedDict, total=False):
    trainable: bool
    dtype: PolicyLike
    autocast: bool
    # The first layer of a Sequential may say what it gets.
    input_shape: int | Shape
    batch_shape: Shape
    batch_input_shape: Shape
    batch_size: int | None


class PlainLayerOptions(_Options, total=False):
    """Of layers with an `activity_regularizer` of their own."""

    name: str | None
    input_dim: int


class LayerOptions(PlainLayerOptions, total=False):
    """Of most layers."""

    activity_regularizer: RegularizerLike


class PoolingOptions(_Options, total=False):
    """Of layers with a `name` of their own."""

    input_dim: int
    activity_regularizer: RegularizerLike


class EmbeddingOptions(_Options, total=False):
    """Of layers with an `input_dim` of their own."""

    name: str | None
    activity_regularizer: RegularizerLike
    input_length: int | None  # of Keras 2, and without effect


class CellOptions(LayerOptions, total=False):
    """Of cells of recurrent layers."""

    implementation: int  # of Keras 2, and without effect


class RecurrentOptions(PlainLayerOptions, total=False):
    """Of recurrent layers."""

    implementation: int  # of Keras 2, and without effect
