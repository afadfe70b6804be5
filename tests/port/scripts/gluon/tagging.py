"""A tag for each word: a GRU that takes (batch, time, channels), in a network without a class."""

import mxnet as mx
import numpy as np

rng = np.random.RandomState(22)
words = mx.nd.array(rng.randint(0, 12, size=(10, 6)))
tags = mx.nd.array(words.asnumpy() % 3)

net = mx.gluon.nn.HybridSequential()
with net.name_scope():
    net.add(mx.gluon.nn.Embedding(12, 5))
    net.add(mx.gluon.rnn.GRU(7, 2, layout="NTC", h2h_weight_initializer="xavier"))
    net.add(mx.gluon.nn.Dense(3, flatten=False))
net.initialize(mx.init.Normal(0.3))
net.hybridize()

loss_fn = mx.gluon.loss.SoftmaxCrossEntropyLoss()
trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5, "momentum": 0.9})
for epoch in range(4):
    with mx.autograd.record():
        scores = net(words)
        loss = loss_fn(scores, tags)
    loss.backward()
    trainer.step(words.shape[0])
    right = (scores.argmax(axis=2) == tags).mean().asscalar()
    print("epoch %d: loss %.6f, accuracy %.3f" % (epoch, loss.mean().asscalar(), right))
