"""A HybridBlock of one's own, with Adam."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn


class Net(gluon.HybridBlock):
    def __init__(self, hidden, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.fc1 = nn.Dense(hidden)
            self.fc2 = nn.Dense(hidden)
            self.out = nn.Dense(2)

    def hybrid_forward(self, F, x):
        x = F.relu(self.fc1(x))
        # two views of the same
        h = F.concat(F.tanh(self.fc2(x)), F.sigmoid(x), dim=1)
        return self.out(h)


rng = np.random.RandomState(3)
x = mx.nd.array(rng.randn(32, 5))
y = mx.nd.array((x.asnumpy().sum(axis=1) > 0).astype("float32"))
net = Net(8)
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
for step in range(5):
    with autograd.record():
        loss = loss_fn(net(x), y)
    loss.backward()
    trainer.step(batch_size=32)
    print("step", step, "loss %.6f" % loss.mean().asscalar())
