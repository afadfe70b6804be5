"""Recurrent layers in a list, a penalty beside the loss, and both in one backward pass."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn


class Stacked(gluon.HybridBlock):
    def __init__(self, hidden, prefix=None, params=None):
        super(Stacked, self).__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.rnns = nn.HybridSequential()
            for _ in range(2):
                self.rnns.add(rnn.GRU(hidden))
            self.dec = nn.HybridSequential()
            self.dec.add(nn.Dropout(0.0), nn.Dense(3, flatten=False))

    def hybrid_forward(self, F, x):
        for layer in self.rnns:
            x = layer(x)
        return self.dec(F.swapaxes(x, 0, 1))


net = Stacked(4)
net.initialize(init.Xavier())
net.hybridize()
x = nd.array(np.random.RandomState(28).randn(5, 2, 3))
y = nd.array([[0, 1, 2, 0, 1], [1, 1, 1, 0, 0]])
loss = gluon.loss.SoftmaxCELoss()
perplexity = mx.metric.Perplexity(ignore_label=None)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5, "wd": 1e-3})
for i in range(3):
    with autograd.record():
        scores = net(x)
        L = loss(scores, y)
        penalty = scores.square().mean()
    autograd.backward([L, penalty])
    trainer.step(2)
    perplexity.reset()
    perplexity.update([y], [nd.softmax(scores).reshape((-1, 3))])
    print(i, "%.5f" % L.mean().asscalar(), "%s %.5f" % perplexity.get())
