"""One number for each sequence, from the last output and the last state of an LSTM."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

ctx = mx.cpu()
num_hidden, num_layers = 6, 2


class Net(gluon.nn.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layers = nn.Sequential()
        self.layers.add(nn.Dense(5, flatten=False, activation="tanh"))
        self.lstm = mx.gluon.rnn.LSTM(
            hidden_size=num_hidden,
            num_layers=num_layers,
            layout="NTC",
            bidirectional=True,
            i2h_weight_initializer=mx.init.Xavier(),
            h2h_weight_initializer="xavier",
            i2h_bias_initializer="lstmbias",
        )
        self.output = nn.Dense(1)

    def forward(self, x, *args):
        states = self.lstm.begin_state(batch_size=x.shape[0], ctx=x.context)
        y, (h, c) = self.lstm(self.layers(x), states)
        last = y[:, -1, :]
        return self.output(nd.concat(last, h[-1], dim=1))


net = Net()
net.initialize(mx.init.Xavier(), ctx=ctx)
x = nd.array(np.random.RandomState(27).randn(4, 5, 3), ctx=ctx)
y = nd.array([1, 2, 3, 4.0]).reshape((-1, 1))
trainer = gluon.Trainer(
    net.collect_params(), optimizer="adam", optimizer_params={"learning_rate": 1e-2}
)
l2 = gluon.loss.L2Loss()
for epoch in range(3):
    with autograd.record():
        out = net(x)
        l = l2(out, y)
    l.backward()
    trainer.step(x.shape[0])
    print(epoch, "%.5f" % l.mean().asscalar())
