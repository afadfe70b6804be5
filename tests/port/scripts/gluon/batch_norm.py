"""Batch normalization, a metric of the loss, weight decay, a learning rate of one's own."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

rng = np.random.RandomState(4)
x = rng.rand(30, 3, 8, 8).astype("float32")
y = rng.randint(0, 4, size=30).astype("float32")
net = nn.HybridSequential()
net.add(nn.Conv2D(4, kernel_size=3, strides=2, padding=1, use_bias=False))
net.add(nn.BatchNorm())
net.add(nn.Activation("relu"))
net.add(nn.GlobalAvgPool2D())
net.add(nn.Dense(4))
net.initialize(mx.initializer.MSRAPrelu())
criterion = gluon.loss.SoftmaxCELoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 0.001})
train_loss = mx.metric.Loss()
for epoch in range(3):
    train_loss.reset()
    for data, label in gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=10):
        with autograd.record():
            loss = criterion(net(data), label)
        loss.backward()
        trainer.step(10)
        train_loss.update(0, loss)
    print("epoch", epoch, "%.5f" % train_loss.get()[1])
print("predicted", np.round(net(mx.nd.array(x[:2])).asnumpy().sum(), 3))
