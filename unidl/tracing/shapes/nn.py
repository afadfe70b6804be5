"""Shape rules of `contract/nn.py`: functions whose bodies would name an inner step in their
errors."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, broadcast, shapes_agree, some_axes
from unidl.tracing.shapes.arrays.indexing import check_integers
from unidl.tracing.shapes.operands import common_dtype, same_shape

ACTIVATIONS = ("relu", "relu6", "leaky_relu", "elu", "selu", "softplus", "silu", "gelu")


class NN:
    def softmax(self, x, axis=-1):
        return _along("softmax", x, axis)

    def log_softmax(self, x, axis=-1):
        return _along("log_softmax", x, axis)

    def embedding(self, table, indices):
        check_integers("embedding", indices)
        return KerasTensor((*indices.shape, *table.shape[1:]), table.dtype)

    # -- normalization -----------------------------------------------------------------------------

    def batch_norm_training(self, x, gamma, beta, axes, epsilon):
        (axis,) = set(range(x.ndim)) - {a % x.ndim for a in axes}
        moments = KerasTensor((x.shape[axis],), x.dtype)
        return (
            self.batch_norm_inference(x, gamma, beta, moments, moments, axes, epsilon),
            moments,
            KerasTensor(moments.shape, x.dtype),
        )

    def batch_norm_inference(self, x, gamma, beta, mean, var, axes, epsilon):
        (axis,) = set(range(x.ndim)) - {a % x.ndim for a in axes}
        for what, parameter in (
            ("gamma", gamma),
            ("beta", beta),
            ("mean", mean),
            ("variance", var),
        ):
            if parameter is not None and not shapes_agree(parameter.shape, (x.shape[axis],)):
                raise ValueError(
                    f"batch_normalization: {what} has the shape {parameter.shape}, expected "
                    f"{(x.shape[axis],)}: one number for each of the "
                    f"{x.shape[axis]} entries on axis {axis} of the input {x.shape}."
                )
        return KerasTensor(x.shape, x.dtype)

    def layer_norm(self, x, gamma, beta, axes, epsilon):
        for what, parameter in (("gamma", gamma), ("beta", beta)):
            if parameter is not None and not shapes_agree(
                broadcast(f"layer_normalization ({what})", x.shape, parameter.shape), x.shape
            ):
                raise ValueError(
                    f"layer_normalization: {what} of shape {parameter.shape} does not broadcast to "
                    f"the input {x.shape}."
                )
        return KerasTensor(x.shape, x.dtype)

    # -- attention ---------------------------------------------------------------------------------

    def attention(self, query, key, value, bias=None, scale=1.0):
        q, k, v = query.shape, key.shape, value.shape
        if min(len(q), len(k), len(v)) < 2 or not agree(q[-1], k[-1]) or not agree(k[-2], v[-2]):
            raise ValueError(
                "attention: expected query (..., t, d), key (..., s, d) and value (..., s, v), got "
                f"{q}, {k} and {v}: query and key share their last axis, key and value their "
                "second to last."
            )
        scores = (*broadcast("attention", q[:-2], k[:-2]), q[-2], k[-2])
        if bias is not None:
            scores = broadcast("attention (bias)", scores, bias.shape)
        batch = broadcast("attention", scores[:-2], v[:-2])
        return KerasTensor(
            (*batch, q[-2], v[-1]), common_dtype("attention", query, key, value, bias)
        )

    # -- losses ------------------------------------------------------------------------------------

    def sparse_softmax_cross_entropy(self, labels, logits):
        if not shapes_agree(labels.shape, logits.shape[:-1]):
            raise ValueError(
                f"sparse_categorical_crossentropy: the classes {labels.shape} must have the shape "
                f"of the logits {logits.shape} without the last axis. For one-hot targets use "
                "categorical_crossentropy."
            )
        return KerasTensor(logits.shape[:-1], logits.dtype)

    def softmax_cross_entropy(self, labels, logits):
        if not shapes_agree(labels.shape, logits.shape):
            raise ValueError(
                f"categorical_crossentropy: target {labels.shape} and output {logits.shape} must "
                "have the same shape. For class numbers use sparse_categorical_crossentropy."
            )
        return KerasTensor(logits.shape[:-1], logits.dtype)


def _along(name, x, axis):
    some_axes(name, axis, x.ndim, x.shape)
    return KerasTensor(x.shape, x.dtype)


for _name in ACTIVATIONS:
    setattr(NN, _name, same_shape(_name))
