"""Recurrent layers over whole sequences by MXNet's fused RNN operator."""

from __future__ import annotations

from unidl_mxnet.loop import Loop
from unidl_mxnet.op import op
from unidl_mxnet.wanted import wanted_too


class Recurrent(Loop):
    def lstm(self, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
        if 0 in x.shape:  # the operator divides by the batch size
            return super().lstm(x, h, c, kernel, recurrent_kernel, bias, reverse)
        units = recurrent_kernel.shape[0]
        zeros = self.full((4 * units,), 0, self.dtype(x))
        weights = (kernel, recurrent_kernel, zeros if bias is None else bias, zeros)
        y, h, c = self._rnn("lstm", x, (h, c), weights, units, reverse)
        return y, h, c

    def gru(self, x, h, kernel, recurrent_kernel, bias, reverse=False):
        if 0 in x.shape:
            return super().gru(x, h, kernel, recurrent_kernel, bias, reverse)
        units = recurrent_kernel.shape[0]
        if bias is None:
            bias = self.full((2, 3 * units), 0, self.dtype(x))
        # The operator has the gates in the order r, z, n; here they are z, r, h.
        weights = (kernel, recurrent_kernel, self.getitem(bias, (0,)), self.getitem(bias, (1,)))
        weights = tuple(self._gates_swapped(w, units) for w in weights)
        y, h = self._rnn("gru", x, (h,), weights, units, reverse)
        return y, h

    def simple_rnn(self, x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False):
        # Of relu the operator keeps no more digits than float32 has.
        if 0 in x.shape or (activation == "relu" and self.dtype(x) != "float32"):
            return super().simple_rnn(x, h, kernel, recurrent_kernel, bias, activation, reverse)
        units = recurrent_kernel.shape[0]
        zeros = self.full((units,), 0, self.dtype(x))
        weights = (kernel, recurrent_kernel, zeros if bias is None else bias, zeros)
        y, h = self._rnn(f"rnn_{activation}", x, (h,), weights, units, reverse)
        return y, h

    def _gates_swapped(self, w, units):
        z, r, n = self.split(w, 3, -1)
        return self.concatenate([r, z, n], -1)

    def _rnn(self, mode, x, states, weights, units, reverse):
        """(outputs, *last states); `weights` are (d, g * u), (u, g * u) and two biases (g * u,)."""
        if self.dtype(x) == "float16":  # no kernel
            wide = ([self.cast(t, "float32") for t in group] for group in ((x,), states, weights))
            (x,), states, weights = wide
            return [
                self.cast(t, "float16") for t in self._rnn(mode, x, states, weights, units, reverse)
            ]
        kernel, recurrent, *biases = weights
        flat = [self.reshape(self.transpose(w, (1, 0)), (-1,)) for w in (kernel, recurrent)]
        parameters = [*flat, *biases]
        if mode == "lstm":
            parameters = self.concatenate(parameters, 0)
        else:
            # MXNet's own kernels for GRU and the simple recurrence, which compute all but float32,
            # go on from what they left in the gradient of the parameters. Where nobody wants that
            # they leave nothing, and gradients of inputs and states are off by up to their size.
            parameters = wanted_too(self, parameters, (x, *states))
        x = self.transpose(x, (1, 0, 2))
        if reverse:
            x = self.flip(x, 0)
        states = [self.expand_dims(s, 0) for s in states]
        y, *last = op(
            "RNN",
            x,
            parameters,
            *states,
            state_size=units,
            num_layers=1,
            mode=mode,
            state_outputs=True,
        )
        if reverse:
            y = self.flip(y, 0)
        return self.transpose(y, (1, 0, 2)), *(self.squeeze(s, 0) for s in last)
