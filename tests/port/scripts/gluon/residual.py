"""Residual blocks: blocks in blocks, and a list of them."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn


class Residual(nn.HybridBlock):
    def __init__(self, channels, same_shape=True, **kwargs):
        super().__init__(**kwargs)
        self.same_shape = same_shape
        with self.name_scope():
            strides = 1 if same_shape else 2
            self.conv1 = nn.Conv2D(channels, kernel_size=3, padding=1, strides=strides)
            self.bn1 = nn.BatchNorm()
            self.conv2 = nn.Conv2D(channels, kernel_size=3, padding=1)
            if not same_shape:
                self.conv3 = nn.Conv2D(channels, kernel_size=1, strides=strides)

    def hybrid_forward(self, F, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.conv2(out)
        if not self.same_shape:
            x = self.conv3(x)
        return F.relu(out + x)


net = nn.HybridSequential()
for channels in (4, 6):
    net.add(Residual(channels, same_shape=False))
    net.add(Residual(channels))
net.add(nn.GlobalAvgPool2D(), nn.Dense(3))
net.initialize(mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2))
rng = np.random.RandomState(8)
x, y = nd.array(rng.rand(8, 3, 8, 8)), nd.array(rng.randint(0, 3, 8))
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "nag", {"learning_rate": 0.01, "momentum": 0.9})
for _ in range(3):
    with autograd.record():
        loss = loss_fn(net(x), y)
    loss.backward()
    trainer.step(8)
    print("%.5f" % loss.mean().asscalar())
