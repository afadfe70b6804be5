"""MXNet as Gluon's guides write it: hybridized blocks with static memory, gluon.Trainer, the loss
read after every step."""

from __future__ import annotations

import numpy as np

from benchmarks.contestants import gluon_models
from benchmarks.workloads import LEARNING_RATE
from unidl_mxnet.load import load_mxnet  # imports MXNet past what NumPy removed

mx = load_mxnet()
gluon, autograd, nd = mx.gluon, mx.autograd, mx.nd


class Gluon:
    def __init__(self, workload):
        mx.random.seed(0)
        self.rng = np.random.default_rng(0)
        self.batch = workload.batch
        self.images = len(workload.shape) == 3
        self.net = gluon_models.build(workload)
        self.net.initialize(mx.init.Xavier())
        self.net.hybridize(static_alloc=True, static_shape=True)
        self.trainer = gluon.Trainer(
            self.net.collect_params(), "adam", {"learning_rate": LEARNING_RATE}
        )
        self.loss = gluon.loss.SoftmaxCrossEntropyLoss()
        self.loss.hybridize()

    def _inputs(self, x):
        """Images as (n, channels, height, width), the layout of Gluon."""
        return nd.array(x.transpose(0, 3, 1, 2) if self.images else x, dtype=x.dtype)

    def train(self, x, y, gate):
        x, y = self._inputs(x), nd.array(y, dtype="float32")
        for _ in range(gate.epochs):
            gate.begin()
            total, correct = 0.0, 0.0
            order = nd.array(self.rng.permutation(len(x)), dtype="int32")
            for start in range(0, len(x), self.batch):
                index = order[start : start + self.batch]
                xb, yb = nd.take(x, index), nd.take(y, index)
                with autograd.record():
                    output = self.net(xb)
                    loss = self.loss(output, yb)
                loss.backward()
                self.trainer.step(len(xb))
                total += loss.mean().asscalar() * len(xb)
                correct += (output.argmax(1) == yb).sum().asscalar()
            gate.end(total / len(x), correct / len(x))

    def predict(self, x, batch_size):
        return np.concatenate(
            [
                nd.softmax(self.net(self._inputs(x[i : i + batch_size]))).asnumpy()
                for i in range(0, len(x), batch_size)
            ]
        )

    def evaluate(self, x, y, batch_size):
        total, correct = 0.0, 0.0
        for i in range(0, len(x), batch_size):
            xb, yb = (
                self._inputs(x[i : i + batch_size]),
                nd.array(y[i : i + batch_size], dtype="float32"),
            )
            output = self.net(xb)
            total += self.loss(output, yb).sum().asscalar()
            correct += (output.argmax(1) == yb).sum().asscalar()
        return total / len(x), correct / len(x)
