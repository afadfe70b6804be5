"""A cell without a network around it, in both layouts, and outputs in a list."""

import numpy as np
from mxnet import autograd, gluon, nd

cell = gluon.rnn.RNNCell(4, i2h_weight_initializer="uniform", prefix="rnn_")
cell.initialize()
cell.hybridize()
rng = np.random.RandomState(26)
x, y = nd.array(rng.randn(5, 3, 2)), nd.array(rng.randn(3, 4) / 5)
trainer = gluon.Trainer(cell.collect_params(), "sgd", {"learning_rate": 0.3})
loss_fn = gluon.loss.L2Loss()
for step in range(3):
    with autograd.record():
        outputs, states = cell.unroll(5, x, layout="TNC")
        loss = loss_fn(outputs[-1], y) + loss_fn(states[0], y)
    loss.backward()
    trainer.step(3)
    cell.reset()
    print(step, len(outputs), "%.6f" % loss.mean().asscalar())
merged, _ = cell.unroll(
    5, x, begin_state=cell.begin_state(batch_size=3, func=nd.ones), layout="TNC", merge_outputs=True
)
print(tuple(merged.shape), "%.5f" % merged.sum().asscalar())
