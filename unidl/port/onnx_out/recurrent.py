"""Writers: whole recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.port.onnx_out.table import writes

_ORDER_OF_LSTM = (0, 3, 1, 2)  # i, f, c, o as i, o, f, c


@writes("lstm")
def lstm(
    to: Any, spec: Any, x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any,
    reverse: bool = False,
) -> Any:  # fmt: skip
    def sorted_gates(w: Any) -> Any:
        parts = to.split(w, 4, -1)
        return to.concatenate([parts[i] for i in _ORDER_OF_LSTM], -1)

    if bias is not None:
        bias = sorted_gates(bias)
        bias = to.concatenate([bias, to.asarray(np.zeros(bias.shape), x.dtype)], 0)
    weights = [_first(to, w) for w in map(sorted_gates, (kernel, recurrent_kernel))]
    return _whole(to, spec, "LSTM", x, weights, bias, [h, c], reverse)


@writes("gru")
def gru(
    to: Any, spec: Any, x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any,
    reverse: bool = False,
) -> Any:  # fmt: skip
    if bias is not None:
        bias = to.reshape(bias, (-1,))
    weights = [_first(to, w) for w in (kernel, recurrent_kernel)]
    return _whole(to, spec, "GRU", x, weights, bias, [h], reverse, linear_before_reset=1)


@writes("simple_rnn")
def simple_rnn(
    to: Any, spec: Any, x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any,
    activation: str = "tanh", reverse: bool = False,
) -> Any:  # fmt: skip
    if bias is not None:
        bias = to.concatenate([bias, to.asarray(np.zeros(bias.shape), x.dtype)], 0)
    weights = [_first(to, w) for w in (kernel, recurrent_kernel)]
    how = {"activations": [activation.title()]}
    return _whole(to, spec, "RNN", x, weights, bias, [h], reverse, **how)


def _first(to: Any, weight: Any) -> Any:
    """(d, u) -> (1, u, d), where the first axis counts directions."""
    return to.expand_dims(to.transpose(weight, (1, 0)), 0)


def _whole(
    to: Any, spec: Any, operator: str, x: Any, weights: Any, bias: Any, states: Any, reverse: bool,
    **how: Any,
) -> Any:  # fmt: skip
    """(outputs, *last states) of an operator that has time first and directions beside."""
    bias = None if bias is None else to.expand_dims(bias, 0)
    states = [to.expand_dims(s, 0) for s in states]
    found = to.node(
        operator, to(x, (1, 0, 2)), *weights, bias, None, *states, outputs=1 + len(states),
        hidden_size=weights[1].shape[-1], direction="reverse" if reverse else "forward", **how,
    )  # fmt: skip
    outputs = to.value(spec[0], to.node("Squeeze", found[0], to.ints([1])), (1, 0, 2))
    return outputs, *(to.node("Squeeze", name, to.ints([0])) for name in found[1:])
