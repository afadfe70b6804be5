"""Symbolic rules: fused functions whose default bodies would loop, or would name an inner step in their errors."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, broadcast, shapes_agree
from unidl.tracing.shapes.elementwise import common_dtype


class Networks:
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
                    f"batch_normalization: {what} has the shape {parameter.shape}, expected {(x.shape[axis],)}: one number for each of the "
                    f"{x.shape[axis]} entries on axis {axis} of the input {x.shape}."
                )
        return KerasTensor(x.shape, x.dtype)

    def layer_norm(self, x, gamma, beta, axes, epsilon):
        for what, parameter in (("gamma", gamma), ("beta", beta)):
            if parameter is not None and not shapes_agree(
                broadcast(f"layer_normalization ({what})", x.shape, parameter.shape), x.shape
            ):
                raise ValueError(
                    f"layer_normalization: {what} of shape {parameter.shape} does not broadcast to the input {x.shape}."
                )
        return KerasTensor(x.shape, x.dtype)

    # -- attention ---------------------------------------------------------------------------------

    def attention(self, query, key, value, bias=None, scale=1.0):
        q, k, v = query.shape, key.shape, value.shape
        if min(len(q), len(k), len(v)) < 2 or not agree(q[-1], k[-1]) or not agree(k[-2], v[-2]):
            raise ValueError(
                f"attention: expected query (..., t, d), key (..., s, d) and value (..., s, v), got {q}, {k} and {v}: query and key "
                "share their last axis, key and value their last but one."
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
                f"sparse_categorical_crossentropy: the classes {labels.shape} must have the shape of the logits {logits.shape} without the "
                "last axis. One-hot targets belong to categorical_crossentropy."
            )
        return KerasTensor(logits.shape[:-1], logits.dtype)

    def softmax_cross_entropy(self, labels, logits):
        if not shapes_agree(labels.shape, logits.shape):
            raise ValueError(
                f"categorical_crossentropy: target {labels.shape} and output {logits.shape} must have one shape. Class numbers belong to "
                "sparse_categorical_crossentropy."
            )
        return KerasTensor(logits.shape[:-1], logits.dtype)

    # -- loops over time ---------------------------------------------------------------------------

    def scan(self, step, state, xs, reverse=False):
        lengths = {x.shape[0] for x in xs} - {None}
        if len(lengths) > 1:
            raise ValueError(
                f"scan: all sequences need the same number of moments, got {sorted(lengths)}."
            )
        state, y = step(state, tuple(KerasTensor(x.shape[1:], x.dtype) for x in xs))
        return state, KerasTensor((lengths.pop() if lengths else None, *y.shape), y.dtype)

    def lstm(self, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
        units = _check_recurrent("lstm", x, kernel, recurrent_kernel, 4, (h, c))
        _check_bias("lstm", bias, (4 * units,))
        last = (x.shape[0], units)
        return (
            KerasTensor((*x.shape[:2], units), x.dtype),
            KerasTensor(last, x.dtype),
            KerasTensor(last, x.dtype),
        )

    def simple_rnn(self, x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False):
        units = _check_recurrent("simple_rnn", x, kernel, recurrent_kernel, 1, (h,))
        _check_bias("simple_rnn", bias, (units,))
        return KerasTensor((*x.shape[:2], units), x.dtype), KerasTensor(
            (x.shape[0], units), x.dtype
        )

    def gru(self, x, h, kernel, recurrent_kernel, bias, reverse=False):
        units = _check_recurrent("gru", x, kernel, recurrent_kernel, 3, (h,))
        _check_bias("gru", bias, (2, 3 * units))
        return KerasTensor((*x.shape[:2], units), x.dtype), KerasTensor(
            (x.shape[0], units), x.dtype
        )

    # -- gradients ---------------------------------------------------------------------------------

    def value_and_grad(self, fn, variables, has_aux=False):
        raise TypeError(
            "value_and_grad: the function works on symbolic tensors, which have no values and so no gradients. Call it on arrays "
            "or native tensors; while a functional model is built, put what needs gradients into a Layer or train_step."
        )


def _check_recurrent(name, x, kernel, recurrent_kernel, gates, states):
    """Number of units."""
    units = recurrent_kernel.shape[0]
    expected = ((x.shape[-1] if x.ndim else None, gates * units), (units, gates * units))
    if (
        x.ndim != 3
        or not shapes_agree(kernel.shape, expected[0])
        or not shapes_agree(recurrent_kernel.shape, expected[1])
    ):
        raise ValueError(
            f"{name}: expected x (batch, time, d), kernel (d, {gates} * units) and recurrent_kernel (units, {gates} * units), got "
            f"{x.shape}, {kernel.shape} and {recurrent_kernel.shape}."
        )
    for state in states:
        if not shapes_agree(state.shape, (x.shape[0], units)):
            raise ValueError(
                f"{name}: a state must have the shape {(x.shape[0], units)}, got {state.shape}."
            )
    return units


def _check_bias(name, bias, expected):
    if bias is not None and not shapes_agree(bias.shape, expected):
        raise ValueError(f"{name}: the bias must have the shape {expected}, got {bias.shape}.")
