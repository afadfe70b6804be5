"""torch by hand: DistributedDataParallel, fused Adam."""

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.processes.work import CLASSES, INPUTS, LEARNING_RATE, WIDTH, data, train

dist.init_process_group("gloo")
number, processes = dist.get_rank(), dist.get_world_size()
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.manual_seed(0)
net = nn.Sequential(
    nn.Linear(INPUTS, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(),
    nn.Linear(WIDTH, CLASSES),
)  # fmt: skip
model = DistributedDataParallel(net) if processes > 1 else net
optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE, fused=True)
loss_of = nn.CrossEntropyLoss()
x, y = data()
x, y = torch.from_numpy(x), torch.from_numpy(y).long()


def step(xb, yb):
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(model(xb), yb)
    loss.backward()
    optimizer.step()
    return loss.item()


train(step, x, y, number, processes)
dist.destroy_process_group()
