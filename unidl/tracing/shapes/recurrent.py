"""Shape rules of `contract/recurrent.py`: one step stands for the loop."""

from __future__ import annotations

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import shapes_agree
from unidl.tracing.sizes import is_open, merged


class Recurrent:
    def scan(self, step, state, xs, reverse=False):
        lengths = [x.shape[0] for x in xs]
        if len({n for n in lengths if not is_open(n)}) > 1:
            raise ValueError(
                f"scan: all sequences must have the same number of time steps, got {lengths}."
            )
        state, y = step(state, tuple(KerasTensor(x.shape[1:], x.dtype) for x in xs))
        return state, KerasTensor((merged(lengths), *y.shape), y.dtype)

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
            f"{name}: expected x (batch, time, d), kernel (d, {gates} * units) and "
            f"recurrent_kernel (units, {gates} * units), got "
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
