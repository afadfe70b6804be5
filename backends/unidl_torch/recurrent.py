"""Recurrent layers on torch's whole-sequence kernels (cuDNN's on a GPU)."""

from __future__ import annotations

import torch

from unidl.backend import contract
from unidl_torch.recurrent_op import run


class Recurrent(contract.Recurrent):
    def lstm(self, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
        return _run("lstm", x, (h, c), [kernel, recurrent_kernel, *_of_input(bias)], reverse)

    def simple_rnn(self, x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False):
        return _run(
            f"rnn_{activation}", x, (h,), [kernel, recurrent_kernel, *_of_input(bias)], reverse
        )

    def gru(self, x, h, kernel, recurrent_kernel, bias, reverse=False):
        biases = () if bias is None else bias.unbind(0)
        return _run(
            "gru", x, (h,), [_reset_first(w) for w in (kernel, recurrent_kernel, *biases)], reverse
        )


def _run(mode, x, states, weights, reverse):
    kernel, recurrent_kernel, *biases = weights
    states = [s.unsqueeze(0) for s in states]
    outputs, *last = run(
        mode, x.flip(1) if reverse else x, states, [kernel.t(), recurrent_kernel.t(), *biases]
    )
    return outputs.flip(1) if reverse else outputs, *(s.squeeze(0) for s in last)


def _of_input(bias):
    """The biases that torch adds, one for the input and one for the state."""
    return () if bias is None else (bias, torch.zeros_like(bias))


def _reset_first(weights):
    """Gates z, r, h along the last axis -> torch's order r, z, h."""
    update, reset, candidate = weights.chunk(3, -1)
    return torch.cat((reset, update, candidate), -1)
