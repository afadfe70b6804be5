"""Recurrent layers over whole sequences: one GEMM for the inputs, one a step for the state, one for
each weight gradient.

Inside, time is the leading axis, so that every step is one contiguous block.
"""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl_numpy.logistic import sigmoid_in_place
from unidl_numpy.products import dot, dot_weights
from unidl_numpy.sums import total
from unidl_numpy.tape import primitive


def _time_major(x):
    return np.ascontiguousarray(x.swapaxes(0, 1))


def _order(steps, reverse):
    return range(steps - 1, -1, -1) if reverse else range(steps)


def _state_before(outputs, first, reverse):
    """The state that each step started from: `outputs` (t, n, u) moved by one step."""
    before = np.empty_like(outputs)
    if len(outputs):
        before[-1 if reverse else 0] = first
        if reverse:
            before[:-1] = outputs[1:]
        else:
            before[1:] = outputs[:-1]
    return before


def _input_gradients(xt, dz, kernel, needs):
    """Gradients for x (n, t, d) and the kernel."""
    return (
        dot(dz, kernel.T).swapaxes(0, 1) if needs[0] else None,
        dot_weights(xt, dz) if needs[1] else None,
    )


@primitive(6)
def lstm(x, h, c, kernel, recurrent_kernel, bias, reverse=False):
    xt = _time_major(x)
    gates = dot(xt, kernel)
    if bias is not None:
        gates += bias
    steps, n, _ = gates.shape
    u = h.shape[-1]
    outputs, cells, squashed = (np.empty((steps, n, u), x.dtype) for _ in range(3))
    h_t, c_t = h, c
    for t in _order(steps, reverse):
        z = gates[t]
        z += h_t @ recurrent_kernel
        sigmoid_in_place(z[:, : 2 * u])
        sigmoid_in_place(z[:, 3 * u :])
        i, f, g, o = z[:, :u], z[:, u : 2 * u], z[:, 2 * u : 3 * u], z[:, 3 * u :]
        np.tanh(g, out=g)
        np.multiply(f, c_t, out=cells[t])
        c_t = cells[t]
        c_t += i * g
        np.tanh(c_t, out=squashed[t])
        h_t = np.multiply(o, squashed[t], out=outputs[t])

    def backward(gs, needs):
        g_out, g_h, g_c = gs
        g_out = None if g_out is None else g_out.swapaxes(0, 1)
        dh = np.zeros_like(h) if g_h is None else g_h
        dc = np.zeros_like(c) if g_c is None else g_c
        c_before = _state_before(cells, c, reverse)
        dz = np.empty_like(gates)
        for t in _order(steps, not reverse):
            if g_out is not None:
                dh = dh + g_out[t]
            z, tc = gates[t], squashed[t]
            i, f, g, o = z[:, :u], z[:, u : 2 * u], z[:, 2 * u : 3 * u], z[:, 3 * u :]
            dc = dc + dh * o * (1 - tc * tc)
            d = dz[t]
            d[:, :u] = dc * g * i * (1 - i)
            d[:, u : 2 * u] = dc * c_before[t] * f * (1 - f)
            d[:, 2 * u : 3 * u] = dc * i * (1 - g * g)
            d[:, 3 * u :] = dh * tc * o * (1 - o)
            dh = d @ recurrent_kernel.T
            dc = dc * f
        dx, dk = _input_gradients(xt, dz, kernel, (needs[0], needs[3]))
        dr = dot_weights(_state_before(outputs, h, reverse), dz) if needs[4] else None
        return dx, dh, dc, dk, dr, total(dz, (0, 1)) if needs[5] else None

    # The last state is copied: as a view it would keep the whole sequence alive.
    return (outputs.swapaxes(0, 1), h_t.copy(), c_t.copy()), backward


@primitive(5)
def gru(x, h, kernel, recurrent_kernel, bias, reverse=False):
    xt = _time_major(x)
    gates = dot(xt, kernel)
    if bias is not None:
        gates += bias[0]
    steps, n, _ = gates.shape
    u = h.shape[-1]
    outputs, inners = (np.empty((steps, n, u), x.dtype) for _ in range(2))
    h_t = h
    for t in _order(steps, reverse):
        z = gates[t]
        inner = h_t @ recurrent_kernel
        if bias is not None:
            inner += bias[1]
        inners[t] = inner[:, 2 * u :]
        z[:, : 2 * u] += inner[:, : 2 * u]
        sigmoid_in_place(z[:, : 2 * u])
        update, reset, candidate = z[:, :u], z[:, u : 2 * u], z[:, 2 * u :]
        candidate += reset * inners[t]
        np.tanh(candidate, out=candidate)
        np.subtract(h_t, candidate, out=outputs[t])
        outputs[t] *= update
        outputs[t] += candidate
        h_t = outputs[t]

    def backward(gs, needs):
        g_out, g_h = gs
        g_out = None if g_out is None else g_out.swapaxes(0, 1)
        dh = np.zeros_like(h) if g_h is None else g_h
        before = _state_before(outputs, h, reverse)
        dz, dinner = np.empty_like(gates), np.empty_like(gates)
        for t in _order(steps, not reverse):
            if g_out is not None:
                dh = dh + g_out[t]
            z = gates[t]
            update, reset, candidate = z[:, :u], z[:, u : 2 * u], z[:, 2 * u :]
            d = dz[t]
            d_candidate = dh * (1 - update) * (1 - candidate * candidate)
            d[:, :u] = dh * (before[t] - candidate) * update * (1 - update)
            d[:, u : 2 * u] = d_candidate * inners[t] * reset * (1 - reset)
            d[:, 2 * u :] = d_candidate
            dinner[t] = d
            dinner[t][:, 2 * u :] *= reset
            dh = dh * update + dinner[t] @ recurrent_kernel.T
        dx, dk = _input_gradients(xt, dz, kernel, (needs[0], needs[2]))
        dr = dot_weights(before, dinner) if needs[3] else None
        return (
            dx,
            dh,
            dk,
            dr,
            np.stack([total(dz, (0, 1)), total(dinner, (0, 1))]) if needs[4] else None,
        )

    return (outputs.swapaxes(0, 1), h_t.copy()), backward


@primitive(5)
def simple_rnn(x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False):
    xt = _time_major(x)
    outputs = dot(xt, kernel)
    if bias is not None:
        outputs += bias
    steps = len(outputs)
    h_t = h
    for t in _order(steps, reverse):
        z = outputs[t]
        z += h_t @ recurrent_kernel
        if activation == "tanh":
            np.tanh(z, out=z)
        else:
            np.maximum(z, 0, out=z)
        h_t = z

    def backward(gs, needs):
        g_out, g_h = gs
        g_out = None if g_out is None else g_out.swapaxes(0, 1)
        dh = np.zeros_like(h) if g_h is None else g_h
        dz = np.empty_like(outputs)
        for t in _order(steps, not reverse):
            if g_out is not None:
                dh = dh + g_out[t]
            dz[t] = dh * (1 - outputs[t] * outputs[t] if activation == "tanh" else outputs[t] > 0)
            dh = dz[t] @ recurrent_kernel.T
        dx, dk = _input_gradients(xt, dz, kernel, (needs[0], needs[2]))
        dr = dot_weights(_state_before(outputs, h, reverse), dz) if needs[3] else None
        return dx, dh, dk, dr, total(dz, (0, 1)) if needs[4] else None

    return (outputs.swapaxes(0, 1), h_t.copy()), backward


class Recurrent(contract.Recurrent):
    simple_rnn = staticmethod(simple_rnn)
    lstm = staticmethod(lstm)
    gru = staticmethod(gru)
