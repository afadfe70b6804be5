"""The merging layers as functions: `add([a, b])` is `Add()([a, b])`."""

from unidl.layers.merging import merge_layers as merging


def add(inputs, **kwargs):
    """`Add` of a list of tensors; `kwargs` are the layer's."""
    return merging.Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """`Subtract` of two tensors."""
    return merging.Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """`Multiply` of a list of tensors."""
    return merging.Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """`Average` of a list of tensors."""
    return merging.Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """`Maximum` of a list of tensors."""
    return merging.Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """`Minimum` of a list of tensors."""
    return merging.Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """`Concatenate` of a list of tensors along `axis`."""
    return merging.Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """`Dot` of two tensors along `axes`; `normalize=True` for the cosine."""
    return merging.Dot(axes=axes, **kwargs)(inputs)
