"""PyTorch as people write it: nn.Module, torch.optim.Adam, loss.item() after every step.

Batches are gathered by a permutation, which is a good deal faster than a DataLoader over a TensorDataset.
"""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.contestants import torch_models
from benchmarks.workloads import LEARNING_RATE


class Torch:
    optimizer_options: dict = {}

    def __init__(self, workload):
        torch.manual_seed(0)
        self.batch = workload.batch
        self.images = len(workload.shape) == 3
        self.model = torch_models.build(workload)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), LEARNING_RATE, **self.optimizer_options
        )
        self.loss = nn.CrossEntropyLoss()

    def _inputs(self, x):
        """Images as (n, channels, height, width), the layout of torch."""
        x = torch.from_numpy(x)
        return x.permute(0, 3, 1, 2).contiguous() if self.images else x

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
                self.optimizer.zero_grad()
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


class FusedTorch(Torch):
    optimizer_options = {"fused": True}


class CompiledTorch(FusedTorch):
    def __init__(self, workload):
        super().__init__(workload)
        self.model = torch.compile(self.model)
