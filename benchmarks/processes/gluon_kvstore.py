"""Gluon by hand: a hybridized block, gluon.Trainer with the kvstore dist_sync."""

from benchmarks.processes.work import BATCH, CLASSES, INPUTS, LEARNING_RATE, WIDTH, data, train
from unidl_mxnet.load import load_mxnet

mx = load_mxnet()
gluon, autograd, nd = mx.gluon, mx.autograd, mx.nd
store = mx.kv.create("dist_sync")
mx.random.seed(0)
net = gluon.nn.HybridSequential()
net.add(
    gluon.nn.Dense(WIDTH, activation="relu", in_units=INPUTS),
    gluon.nn.Dense(WIDTH, activation="relu", in_units=WIDTH),
    gluon.nn.Dense(CLASSES, in_units=WIDTH),
)
net.initialize(mx.init.Xavier())
net.hybridize(static_alloc=True, static_shape=True)
trainer = gluon.Trainer(
    net.collect_params(), "adam", {"learning_rate": LEARNING_RATE}, kvstore=store,
    update_on_kvstore=False,
)  # fmt: skip
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
loss_of.hybridize()
x, y = data()
x, y = nd.array(x), nd.array(y, dtype="float32")


def step(xb, yb):
    with autograd.record():
        loss = loss_of(net(xb), yb)
    loss.backward()
    trainer.step(BATCH)
    return loss.mean().asscalar()


train(step, x, y, store.rank, store.num_workers)
nd.waitall()
