"""PyTorch as those write it who care for speed: nn.Module, fused Adam, images in channels_last.

Batches are gathered by a permutation, which is a good deal faster than a DataLoader over a
TensorDataset. On a CPU `loss.item()` after every step costs less than a sum of tensors.
"""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.contestants import torch_models
from benchmarks.workloads import LEARNING_RATE


class Torch:
    optimizer_options: dict = {"fused": True}
    memory_format = torch.channels_last

    def __init__(self, workload):
        torch.manual_seed(0)
        self.batch = workload.batch
        self.images = len(workload.shape) == 3
        self.model = torch_models.build(workload)
        if self.images:
            self.model = self.model.to(memory_format=self.memory_format)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), LEARNING_RATE, **self.optimizer_options
        )
        self.loss = nn.CrossEntropyLoss()

    def _inputs(self, x):
        """Images as (n, channels, height, width), in memory as the model has its weights."""
        x = torch.from_numpy(x)
        if not self.images:
            return x
        return x.permute(0, 3, 1, 2).contiguous(memory_format=self.memory_format)

    def train(self, x, y, gate):
        x, y = self._inputs(x), torch.from_numpy(y).long()
        self.model.train()
        for _ in range(gate.epochs):
            gate.begin()
            total, correct = 0.0, 0
            order = torch.randperm(len(x))
            for start in range(0, len(x), self.batch):
                index = order[start : start + self.batch]
                xb, yb = x[index], y[index]
                self.optimizer.zero_grad(set_to_none=True)
                output = self.model(xb)
                loss = self.loss(output, yb)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(xb)
                correct += (output.argmax(1) == yb).sum().item()
            gate.end(total / len(x), correct / len(x))

    def predict(self, x, batch_size):
        self.model.eval()
        with torch.inference_mode():
            parts = [
                torch.softmax(self.model(self._inputs(x[i : i + batch_size])), 1)
                for i in range(0, len(x), batch_size)
            ]
            return torch.cat(parts).numpy()

    def evaluate(self, x, y, batch_size):
        self.model.eval()
        x, y = self._inputs(x), torch.from_numpy(y).long()
        total, correct = 0.0, 0
        with torch.inference_mode():
            for i in range(0, len(x), batch_size):
                xb, yb = x[i : i + batch_size], y[i : i + batch_size]
                output = self.model(xb)
                total += self.loss(output, yb).item() * len(xb)
                correct += (output.argmax(1) == yb).sum().item()
        return total / len(x), correct / len(x)


class PlainTorch(Torch):
    """With what torch.optim.Adam(parameters) and torch.nn.Conv2d are by default."""

    optimizer_options = {}
    memory_format = torch.contiguous_format


class CompiledTorch(Torch):
    def __init__(self, workload):
        super().__init__(workload)
        self.model = torch.compile(self.model)
