"""Convolutions over time, for sequences with the channels last."""

import numpy as np
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn

rng = np.random.RandomState(10)
x = nd.array(rng.randn(16, 3, 10))
y = nd.array(rng.randint(0, 2, 16))
net = nn.HybridSequential()
net.add(nn.Conv1D(5, 3, activation="relu"))
net.add(nn.MaxPool1D(2))
net.add(nn.LeakyReLU(0.1))
net.add(nn.Dense(8, activation="sigmoid", weight_initializer=init.Normal(0.1)))
net.add(nn.Dense(2))
net.initialize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01, "beta1": 0.8})
for step in range(3):
    with autograd.record():
        scores = net(x)
        loss = loss_fn(scores, y)
    loss.backward()
    trainer.step(16)
    print(step, "%.6f" % loss.mean().asscalar(), tuple(scores.shape))
