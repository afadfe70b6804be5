"""Loops over time, and the recurrent layers' whole sequences."""

from __future__ import annotations

from abc import ABC


class Recurrent(ABC):
    def scan(self, step, state, xs, reverse=False):
        """Loop over the leading (time) axis, of known length.

        step(state, x) -> (state, y), where `state` is a tuple of tensors, `xs` a tuple of tensors
        (t, ...) of which `x` is one moment, and `y` one tensor. Returns (last state, ys (t, ...));
        with `reverse` the loop runs from the last moment to the first, and `ys` keeps the order of
        time.
        """
        moments = list(zip(*(self.unstack(x, 0) for x in xs), strict=True))
        ys = []
        for x in reversed(moments) if reverse else moments:
            state, y = step(state, x)
            ys.append(y)
        return state, self.stack(ys[::-1] if reverse else ys, 0)

    def simple_rnn(self, x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False):
        """h' = activation(x @ kernel + h @ recurrent_kernel + bias), with "tanh" or "relu" (Elman
        1990).

        x (n, t, d), h (n, u), kernel (d, u), recurrent_kernel (u, u), bias (u,) or None
        -> (outputs (n, t, u), h); `reverse` as in `lstm`.
        """
        z = self.matmul(x, kernel)
        if bias is not None:
            z = self.add(z, bias)
        squash = getattr(self, activation)

        def step(state, moment):
            h = squash(self.add(moment[0], self.matmul(state[0], recurrent_kernel)))
            return (h,), h

        (h,), outputs = self.scan(step, (h,), (self.transpose(z, (1, 0, 2)),), reverse)
        return self.transpose(outputs, (1, 0, 2)), h

    def lstm(self, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
        """Hochreiter & Schmidhuber's LSTM with forget gates (Gers et al. 2000), tanh and sigmoid,
        gates i, f, c, o.

        x (n, t, d), h and c (n, u), kernel (d, 4u), recurrent_kernel (u, 4u), bias (4u,) or None
        -> (outputs (n, t, u), h, c); with `reverse` time runs backwards and `outputs[:, t]` belongs
        to `x[:, t]`.
        """
        z = self.matmul(x, kernel)
        if bias is not None:
            z = self.add(z, bias)

        def step(state, moment):
            h, c = state
            gates = self.add(moment[0], self.matmul(h, recurrent_kernel))
            i, f, g, o = self.split(gates, 4, -1)
            c = self.add(
                self.multiply(self.sigmoid(f), c), self.multiply(self.sigmoid(i), self.tanh(g))
            )
            h = self.multiply(self.sigmoid(o), self.tanh(c))
            return (h, c), h

        (h, c), outputs = self.scan(step, (h, c), (self.transpose(z, (1, 0, 2)),), reverse)
        return self.transpose(outputs, (1, 0, 2)), h, c

    def gru(self, x, h, kernel, recurrent_kernel, bias, reverse=False):
        """Cho et al.'s GRU in the variant of cuDNN (Keras' `reset_after=True`), tanh and sigmoid,
        gates z, r, h.

        x (n, t, d), h (n, u), kernel (d, 3u), recurrent_kernel (u, 3u), bias (2, 3u) (input,
        recurrent) or None -> (outputs (n, t, u), h); `reverse` as in `lstm`.
        """
        z = self.matmul(x, kernel)
        if bias is not None:
            z = self.add(z, self.getitem(bias, (0,)))

        def step(state, moment):
            (h,) = state
            inner = self.matmul(h, recurrent_kernel)
            if bias is not None:
                inner = self.add(inner, self.getitem(bias, (1,)))
            xz, xr, xh = self.split(moment[0], 3, -1)
            hz, hr, hh = self.split(inner, 3, -1)
            update, reset = self.sigmoid(self.add(xz, hz)), self.sigmoid(self.add(xr, hr))
            candidate = self.tanh(self.add(xh, self.multiply(reset, hh)))
            h = self.add(
                self.multiply(update, h), self.multiply(self.subtract(1.0, update), candidate)
            )
            return (h,), h

        (h,), outputs = self.scan(step, (h,), (self.transpose(z, (1, 0, 2)),), reverse)
        return self.transpose(outputs, (1, 0, 2)), h
