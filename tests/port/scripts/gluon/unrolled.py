"""Cells on top of each other, unrolled over sequences of a known length."""

import numpy as np
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn

seq_len, batch_size, features = 6, 8, 3


class Classifier(gluon.Block):
    def __init__(self, hidden, classes, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.cells = rnn.SequentialRNNCell()
            with self.cells.name_scope():
                self.cells.add(rnn.LSTMCell(hidden, i2h_bias_initializer=init.LSTMBias(1.0)))
                self.cells.add(rnn.GRUCell(hidden, input_size=hidden))
            self.output = nn.Dense(classes)

    def forward(self, x):
        outputs, states = self.cells.unroll(seq_len, x, layout="NTC", merge_outputs=True)
        # the mean over time, and what the LSTM remembers
        return self.output(nd.concat(outputs.mean(axis=1), states[1], dim=1))


rng = np.random.RandomState(23)
x = nd.array(rng.randn(batch_size, seq_len, features))
y = nd.array(rng.randint(0, 3, batch_size))
net = Classifier(6, 3)
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "rmsprop", {"learning_rate": 0.01})
softmax_loss = gluon.loss.SoftmaxCrossEntropyLoss()
for i in range(4):
    with autograd.record():
        output = net(x)
        L = softmax_loss(output, y)
    L.backward()
    trainer.step(batch_size)
    print("iteration %d: %.6f" % (i, L.mean().asscalar()))
