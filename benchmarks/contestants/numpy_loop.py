"""The MLP in plain NumPy, written by hand: forward, backward and Adam in place, all float32."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads import CLASSES, LEARNING_RATE

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7


class NumPyMLP:
    def __init__(self, workload):
        self.rng = np.random.default_rng(0)
        self.batch = workload.batch
        self.params = []
        for fan_in, fan_out in ((784, 64), (64, CLASSES)):
            limit = np.sqrt(6 / (fan_in + fan_out))
            self.params += [
                self.rng.uniform(-limit, limit, (fan_in, fan_out)).astype("float32"),
                np.zeros(fan_out, "float32"),
            ]
        self.means, self.squares = ([np.zeros_like(p) for p in self.params] for _ in range(2))
        self.t = 0

    def _forward(self, x):
        w1, b1, w2, b2 = self.params
        hidden = np.maximum(x @ w1 + b1, 0)
        logits = hidden @ w2 + b2
        logits -= logits.max(1, keepdims=True)
        probabilities = np.exp(logits)
        probabilities /= probabilities.sum(1, keepdims=True)
        return hidden, probabilities

    def _step(self, x, y):
        """The loss and the number of right answers, before the update."""
        hidden, probabilities = self._forward(x)
        rows = np.arange(len(y))
        loss = -np.log(probabilities[rows, y]).mean()
        correct = (probabilities.argmax(1) == y).sum()
        delta = probabilities
        delta[rows, y] -= 1
        delta /= len(y)
        back = delta @ self.params[2].T
        back *= hidden > 0
        self._adam([x.T @ back, back.sum(0), hidden.T @ delta, delta.sum(0)])
        return loss, correct

    def _adam(self, gradients):
        self.t += 1
        alpha = np.float32(LEARNING_RATE * np.sqrt(1 - BETA2**self.t) / (1 - BETA1**self.t))
        for p, g, m, v in zip(self.params, gradients, self.means, self.squares, strict=True):
            m += (1 - BETA1) * (g - m)
            v += (1 - BETA2) * (g * g - v)
            p -= alpha * m / (np.sqrt(v) + EPSILON)

    def train(self, x, y, gate):
        for _ in range(gate.epochs):
            gate.begin()
            total, correct = 0.0, 0
            order = self.rng.permutation(len(x))
            for start in range(0, len(x), self.batch):
                index = order[start : start + self.batch]
                loss, right = self._step(x[index], y[index])
                total += float(loss) * len(index)
                correct += int(right)
            gate.end(total / len(x), correct / len(x))

    def predict(self, x, batch_size):
        return np.concatenate(
            [self._forward(x[i : i + batch_size])[1] for i in range(0, len(x), batch_size)]
        )

    def evaluate(self, x, y, batch_size):
        total, correct = 0.0, 0
        for i in range(0, len(x), batch_size):
            probabilities, yb = self._forward(x[i : i + batch_size])[1], y[i : i + batch_size]
            total -= np.log(probabilities[np.arange(len(yb)), yb]).sum()
            correct += (probabilities.argmax(1) == yb).sum()
        return total / len(x), correct / len(x)
