"""The contract's fused functions, as the layers call them. Shapes and formulas are in
`unidl.backend.contract`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unidl.backend.contract.recurrent import Recurrent
from unidl.ops.dispatch import call, call_promoted, op, prepare
from unidl.ops.elementwise import logical_and, logical_not
from unidl.ops.reductions import any as any_
from unidl.typing import TensorLike


@op
def linear(x: TensorLike, kernel: TensorLike, bias: TensorLike | None = None) -> Any:
    """x @ kernel + bias: (..., d), (d, u), (u,) or None -> (..., u)."""
    return call_promoted("linear", x, kernel, bias)


@op
def embedding(table: TensorLike, indices: TensorLike) -> Any:
    """Rows of `table` (n, d) by integers (...,) -> (..., d)."""
    return call("embedding", table, indices)


@op
def layer_norm(x: TensorLike, gamma: TensorLike, beta: TensorLike, axes: Any, epsilon: Any) -> Any:
    """Normalize over the tuple `axes`; `gamma` and `beta` are None or broadcast against `x`."""
    return call("layer_norm", x, gamma, beta, axes=axes, epsilon=epsilon)


@op
def batch_norm_training(
    x: TensorLike, gamma: TensorLike, beta: TensorLike, axes: Any, epsilon: Any
) -> Any:
    """(y, mean, biased variance) by the batch's own moments over the tuple `axes`."""
    return call("batch_norm_training", x, gamma, beta, axes=axes, epsilon=epsilon)


@op
def batch_norm_inference(
    x: TensorLike,
    gamma: TensorLike,
    beta: TensorLike,
    mean: TensorLike,
    var: Any,
    axes: Any,
    epsilon: Any,
) -> Any:
    """Normalize by given 1-D moments."""
    return call("batch_norm_inference", x, gamma, beta, mean, var, axes=axes, epsilon=epsilon)


def hidden_keys(keep: TensorLike) -> tuple[Any, Any]:
    """(which keys get a large negative bias, which queries see any), for the mask `keep`
    (..., t, s) and (..., t, 1).

    Of a query that sees nothing no key is hidden: beside the large number its scores would lose
    their digits, and kernels err in the gradients of what is left.
    """
    seen = any_(keep, axis=-1, keepdims=True)
    return logical_and(logical_not(keep), seen), seen


@op
def attention(
    query: TensorLike, key: Any, value: Any, bias: TensorLike | None = None, scale: Any = 1.0
) -> Any:
    """softmax(query @ key^T * scale + bias) @ value on the last two axes."""
    return call_promoted("attention", query, key, value, bias, scale=scale)


@op
def grouped_attention(
    query: TensorLike, key: Any, value: Any, bias: TensorLike | None = None, scale: Any = 1.0
) -> Any:
    """`attention` of (n, heads, time, size) where key and value have a fraction of the query's
    heads."""
    return call_promoted("grouped_attention", query, key, value, bias, scale=scale)


@op
def lstm(
    x: TensorLike,
    h: Any,
    c: Any,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike,
    reverse: bool = False,
) -> Any:
    """A whole LSTM sequence: (outputs (n, t, u), h, c)."""
    return call("lstm", x, h, c, kernel, recurrent_kernel, bias, reverse=reverse)


@op
def gru(
    x: TensorLike,
    h: Any,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike,
    reverse: bool = False,
) -> Any:
    """A whole GRU sequence: (outputs (n, t, u), h)."""
    return call("gru", x, h, kernel, recurrent_kernel, bias, reverse=reverse)


@op
def simple_rnn(
    x: TensorLike,
    h: Any,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike,
    activation: Any = "tanh",
    reverse: bool = False,
) -> Any:
    """A whole sequence of h' = activation(x @ kernel + h @ recurrent_kernel + bias): (outputs (n,
    t, u), h)."""
    return call(
        "simple_rnn", x, h, kernel, recurrent_kernel, bias, activation=activation, reverse=reverse
    )


def resize(x: TensorLike, size: Any, interpolation: Any, antialias: bool = False) -> Any:
    """Images (n, h, w, c) -> (n, *size, c), see the contract."""
    return call("resize", x, size=size, interpolation=interpolation, antialias=antialias)


def scan(
    step: Callable[..., Any], state: Any, xs: Any, reverse: bool = False, unroll: bool = False
) -> Any:
    """(last state, ys (t, ...)) of a loop over the leading axis: step(state, x) -> (state, y), see
    the contract.

    `state` and `xs` are tuples of tensors. With `unroll` the steps are written out, also where the
    framework has a loop.
    """
    backend, tensors = prepare([*state, *xs])
    state, xs = tuple(tensors[: len(state)]), tuple(tensors[len(state) :])
    if unroll and backend.has_values:
        return Recurrent.scan(backend, step, state, xs, reverse)
    return backend.scan(step, state, xs, reverse)
