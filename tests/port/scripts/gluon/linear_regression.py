"""Linear regression with Gluon's data, loss and trainer."""

import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

rng = np.random.RandomState(0)
true_w, true_b = np.array([2.0, -3.4]), 4.2
features = nd.array(rng.normal(size=(40, 2)))
labels = nd.array(features.asnumpy() @ true_w + true_b)
batch_size = 10
dataset = gluon.data.ArrayDataset(features, labels)
data_iter = gluon.data.DataLoader(dataset, batch_size, shuffle=False)

net = nn.Sequential()
net.add(nn.Dense(1))
net.initialize()
l2 = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.03})
for epoch in range(1, 4):
    for X, y in data_iter:
        with autograd.record():
            l = l2(net(X), y)
        l.backward()
        trainer.step(batch_size)
    l = l2(net(features), labels)
    print("epoch %d, loss: %.6f" % (epoch, l.mean().asnumpy()))
