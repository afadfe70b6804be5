"""A time series, one step after the other: cells that are called by hand, and clipped gradients."""

import mxnet as mx
import numpy as np
from mxnet import autograd
from mxnet.gluon import Trainer, nn
from mxnet.gluon import rnn as cells
from mxnet.gluon.loss import L2Loss
from mxnet.gluon.utils import clip_global_norm


class Forecast(nn.HybridBlock):
    def __init__(self, hidden):
        super(Forecast, self).__init__()
        self.first = cells.RNNCell(hidden, activation="relu")
        self.second = cells.LSTMCell(hidden)
        self.out = nn.Dense(1, flatten=False)

    def forward(self, series):
        steps, batch = series.shape[:2]
        below = self.first.begin_state(batch_size=batch)
        above = self.second.begin_state(batch)
        found = []
        for t in range(steps):
            h, below = self.first(series[t], below)
            h, above = self.second(h, above)
            found.append(self.out(h))
        return mx.nd.stack(*found, axis=0)


waves = np.sin(np.arange(9).reshape(-1, 1, 1) * np.linspace(0.4, 0.9, 5).reshape(1, -1, 1))
series = mx.nd.array(waves)
net = Forecast(4)
net.initialize()
trainer = Trainer(net.collect_params(), "nag", {"learning_rate": 0.3})
l2 = L2Loss()
for step in range(4):
    with autograd.record():
        forecast = net(series[:-1])
        loss = l2(forecast, series[1:])
    loss.backward()
    params = net.collect_params().values()
    grads = [p.grad() for p in params if p.grad_req != "null"]
    norm = clip_global_norm(grads, 0.5)
    trainer.step(batch_size=5)
    print("step %d: loss %.6f, norm of the gradients %.5f" % (step, loss.mean().asscalar(), norm))
