"""The workloads: what is trained, on which made-up data, and how many steps an epoch has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLASSES = 10
LEARNING_RATE = 1e-3
VOCABULARY = 10_000


@dataclass(frozen=True)
class Workload:
    """
    Attributes:
        title: for tables.
        shape: of one sample.
        batch: samples in a step.
        steps: steps in an epoch; `--quick` has `quick_steps`.
        dtype: of the samples; integers are tokens below `VOCABULARY`.
    """

    name: str
    title: str
    shape: tuple
    batch: int
    steps: int
    quick_steps: int
    dtype: str = "float32"

    def data(self, quick):
        """(x, y): samples around one centre for each class, with a tenth of the labels drawn anew,
        so that losses end above 0."""
        rng = np.random.default_rng(len(self.name))
        n = self.batch * (self.quick_steps if quick else self.steps)
        y = rng.integers(0, CLASSES, n)
        if self.dtype == "int32":
            # Each class has words of its own, a third of every text.
            x = rng.integers(0, VOCABULARY, (n, *self.shape))
            x = np.where(rng.random(x.shape) < 1 / 3, x // CLASSES * CLASSES + y[:, None], x)
        else:
            # A centre is one number for each row of the sample, so that pooling and convolutions
            # keep it.
            centres = rng.normal(size=(CLASSES, self.shape[0], *[1] * (len(self.shape) - 1)))
            x = 0.3 * centres[y] + rng.normal(size=(n, *self.shape))
        y = np.where(rng.random(n) < 0.1, rng.integers(0, CLASSES, n), y)
        return np.ascontiguousarray(x, dtype=self.dtype), y.astype("int32")


WORKLOADS = {
    w.name: w
    for w in (
        Workload("mlp", "MLP 784-64-10, batch 32", (784,), 32, 512, 256),
        Workload("cnn", "CNN 28x28, conv 32 and 64, batch 64", (28, 28, 1), 64, 32, 12),
        Workload("lstm", "LSTM(64) on 50x32, batch 32", (50, 32), 32, 64, 32),
        Workload("transformer", "transformer block 64x64, 4 heads, batch 32", (64, 64), 32, 64, 24),
        Workload("resnet", "ResNet-20 on 32x32x3, batch 32", (32, 32, 3), 32, 12, 4),
        Workload(
            "text", "text classifier, embedding 10000x64, batch 32", (100,), 32, 128, 64, "int32"
        ),
    )
}
