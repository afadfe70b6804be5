"""Softmax regression, with a function that trains and one that evaluates."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, init
from mxnet.gluon import loss as gloss
from mxnet.gluon import nn

mx.random.seed(1)
rng = np.random.RandomState(1)
X = rng.rand(48, 1, 4, 4).astype("float32")
Y = rng.randint(0, 3, size=48)


def evaluate_accuracy(data_iter, net):
    acc_sum, n = 0.0, 0
    for X, y in data_iter:
        acc_sum += (net(X).argmax(axis=1) == y.astype("float32")).sum().asscalar()
        n += y.size
    return acc_sum / n


def train(net, train_iter, loss, num_epochs, batch_size, trainer):
    for epoch in range(num_epochs):
        train_l_sum, n = 0.0, 0
        for X, y in train_iter:
            with autograd.record():
                y_hat = net(X)
                l = loss(y_hat, y).sum()
            l.backward()
            trainer.step(batch_size)
            train_l_sum += l.asscalar()
            n += len(y)
        print(
            "epoch %d, loss %.6f, acc %.3f"
            % (epoch, train_l_sum / n, evaluate_accuracy(train_iter, net))
        )


net = nn.Sequential()
net.add(nn.Dense(3))
net.initialize(init.Normal(sigma=0.01))
loss = gloss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
train_iter = gluon.data.DataLoader(
    gluon.data.ArrayDataset(X, Y.astype("float32")), 16, shuffle=False
)
train(net, train_iter, loss, 3, 16, trainer)
