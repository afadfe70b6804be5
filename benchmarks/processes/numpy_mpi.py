"""NumPy by hand: forward, backward, one Allreduce of all gradients, Adam in place."""

from itertools import count

import numpy as np
from mpi4py import MPI

from benchmarks.processes.work import CLASSES, INPUTS, LEARNING_RATE, WIDTH, data, train

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7

comm = MPI.COMM_WORLD
draw = np.random.default_rng(0)
sizes = [(INPUTS, WIDTH), (WIDTH, WIDTH), (WIDTH, CLASSES)]
total = sum(a * b + b for a, b in sizes)
weights, gradient, mean, square = (np.zeros(total, "float32") for _ in range(4))


def parts(flat):
    """Views of each kernel and bias."""
    found, begin = [], 0
    for a, b in sizes:
        found.append((flat[begin : begin + a * b].reshape(a, b), flat[begin + a * b :][:b]))
        begin += a * b + b
    return found


layers, gradients = parts(weights), parts(gradient)
for kernel, _ in layers:
    limit = np.sqrt(6 / sum(kernel.shape))
    kernel[:] = draw.uniform(-limit, limit, kernel.shape)


updates = count(1)


def step(x, y):
    t = next(updates)
    inputs = [x]
    for kernel, bias in layers[:-1]:
        inputs.append(np.maximum(inputs[-1] @ kernel + bias, 0))
    logits = inputs[-1] @ layers[-1][0] + layers[-1][1]
    logits -= logits.max(1, keepdims=True)
    p = np.exp(logits)
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(y))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    p /= len(y) * comm.size
    for i in reversed(range(len(layers))):
        np.matmul(inputs[i].T, p, out=gradients[i][0])
        p.sum(0, out=gradients[i][1])
        if i:
            p = (p @ layers[i][0].T) * (inputs[i] > 0)
    if comm.size > 1:
        comm.Allreduce(MPI.IN_PLACE, gradient)
    mean[:] = BETA1 * mean + (1 - BETA1) * gradient
    square[:] = BETA2 * square + (1 - BETA2) * gradient * gradient
    rate = LEARNING_RATE * np.sqrt(1 - BETA2**t) / (1 - BETA1**t)
    weights[:] -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(EPSILON))
    return loss


x, y = data()
train(step, x, y, comm.rank, comm.size)
