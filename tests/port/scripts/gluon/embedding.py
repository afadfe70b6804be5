"""Bags of words: an embedding, its mean, a sigmoid loss."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn


class Bag(nn.Block):
    def __init__(self, vocabulary, size):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, size)
        self.norm = nn.LayerNorm()
        self.decoder = nn.Dense(1, flatten=False)

    def forward(self, words):
        found = nd.mean(self.embedding(words), axis=1)
        return self.decoder(self.norm(found))


rng = np.random.RandomState(6)
words = nd.array(rng.randint(0, 20, size=(16, 6)))
labels = nd.array(rng.randint(0, 2, size=(16,)))
net = Bag(20, 8)
net.initialize(mx.init.Uniform(0.1))
loss_fn = gluon.loss.SigmoidBinaryCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adagrad", dict(learning_rate=0.1))
for step in range(4):
    with autograd.record():
        loss = loss_fn(net(words), labels)
    loss.backward()
    trainer.step(16)
    print(step, "%.6f" % loss.mean().asscalar())
