"""Labels as shares, with labels smoothed by hand."""

import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

rng = np.random.RandomState(11)
x = nd.array(rng.rand(20, 6))
classes = nd.array(rng.randint(0, 4, 20))
smooth = nd.one_hot(classes, 4) * 0.9 + nd.ones((20, 4)) * 0.025
net = nn.Sequential()
for units in (8, 8):
    net.add(nn.Dense(units, activation="relu"))
net.add(nn.Dense(4))
net.initialize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=False)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
for step in range(4):
    with autograd.record():
        loss = loss_fn(net(x), smooth)
    loss.backward()
    trainer.step(20)
    print(step, "%.6f" % loss.mean().asscalar())
with autograd.pause():
    found = nd.softmax(net(x)).argmax(axis=1)
print("classes", sorted(set(found.asnumpy().tolist())))
