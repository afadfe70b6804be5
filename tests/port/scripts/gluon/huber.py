"""Regression with other losses, and a penalty written out."""

import numpy as np
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn

rng = np.random.RandomState(9)
x = nd.array(rng.randn(24, 4))
y = nd.array(rng.randn(24, 2) * 3)
for loss_fn in (gluon.loss.HuberLoss(), gluon.loss.L1Loss()):
    net = nn.Sequential()
    net.add(nn.Dense(6, activation="softrelu"), nn.Dropout(0.0), nn.Dense(2))
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    for step in range(3):
        with autograd.record():
            out = net(x)
            loss = loss_fn(out, y) + 0.01 * nd.sum(nd.square(out), axis=1)
            loss.backward()
        trainer.step(24)
        print(step, "%.6f" % nd.mean(loss).asscalar())
