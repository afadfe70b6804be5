"""Recurrent layers on torch's whole-sequence kernels (cuDNN's on a GPU)."""

from __future__ import annotations

import torch

from unidl.backend import contract


class Recurrent(contract.Recurrent):
    def lstm(self, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
        weights = [kernel.t(), recurrent_kernel.t()]
        if bias is not None:
            weights += [bias, torch.zeros_like(bias)]  # torch adds one bias for the input, one for the state
        states = (h.unsqueeze(0), c.unsqueeze(0))
        wanted = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *states, *weights))
        # While gradients are enabled the kernel keeps its workspace, three times as slow, whether anybody wants one or not.
        with torch.set_grad_enabled(wanted):
            outputs, h, c = torch.lstm(_in_time(x, reverse), states, weights, bias is not None, 1, 0.0, True, False, True)
        return _in_time(outputs, reverse), h.squeeze(0), c.squeeze(0)

    def simple_rnn(self, x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False):
        weights = [kernel.t(), recurrent_kernel.t()]
        if bias is not None:
            weights += [bias, torch.zeros_like(bias)]
        run = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[activation]
        outputs, h = run(_in_time(x, reverse), h.unsqueeze(0), weights, bias is not None, 1, 0.0, True, False, True)
        return _in_time(outputs, reverse), h.squeeze(0)

    def gru(self, x, h, kernel, recurrent_kernel, bias, reverse=False):
        weights = [_reset_first(kernel).t(), _reset_first(recurrent_kernel).t()]
        if bias is not None:
            weights += _reset_first(bias).unbind(0)
        outputs, h = torch.gru(_in_time(x, reverse), h.unsqueeze(0), weights, bias is not None, 1, 0.0, True, False, True)
        return _in_time(outputs, reverse), h.squeeze(0)


def _in_time(x, reverse):
    return x.flip(1) if reverse else x


def _reset_first(weights):
    """Gates z, r, h along the last axis -> torch's order r, z, h."""
    update, reset, candidate = weights.chunk(3, -1)
    return torch.cat((reset, update, candidate), -1)
