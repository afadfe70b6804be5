"""An autoencoder with transposed convolutions."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

x = mx.nd.array(np.random.RandomState(5).rand(12, 1, 8, 8))
net = nn.HybridSequential()
net.add(nn.Conv2D(4, kernel_size=4, strides=2, padding=1, activation="relu"))
net.add(nn.Conv2DTranspose(1, kernel_size=4, strides=2, padding=1))
net.initialize(mx.init.Normal(0.02))
trainer = gluon.Trainer(net.collect_params(), "rmsprop", {"learning_rate": 0.01})
l2_loss = gluon.loss.L2Loss()
for i in range(4):
    with autograd.record():
        out = net(x)
        loss = l2_loss(out, x)
    loss.backward()
    trainer.step(12)
    print("iteration %d: %.6f" % (i, loss.mean().asscalar()))
