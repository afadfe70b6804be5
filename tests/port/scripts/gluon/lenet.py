# LeNet as in the first tutorials.
import mxnet as mx
import numpy as np
from mxnet import autograd as ag
from mxnet import gluon, nd
from mxnet.gluon import nn

ctx = mx.cpu()
rng = np.random.RandomState(2)
images = rng.rand(24, 1, 16, 16).astype("float32")
digits = rng.randint(0, 10, size=24).astype("float32")

net = nn.HybridSequential(prefix="LeNet_")
with net.name_scope():
    net.add(
        nn.Conv2D(channels=6, kernel_size=5, activation="tanh"),
        nn.AvgPool2D(pool_size=2, strides=2),  # halves
        nn.Conv2D(channels=8, kernel_size=(3, 3), padding=(1, 1), activation="tanh"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Flatten(),
        nn.Dense(20, activation="tanh"),
        nn.Dense(10),
    )
net.initialize(mx.init.Xavier(magnitude=2.24), ctx=ctx)
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
metric = mx.metric.Accuracy()
softmax_cross_entropy_loss = gluon.loss.SoftmaxCrossEntropyLoss()
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images, digits), batch_size=8, shuffle=False, last_batch="discard"
)

for epoch in range(2):
    metric.reset()
    for data, label in loader:
        data = data.as_in_context(ctx)
        label = label.as_in_context(ctx)
        with ag.record():
            output = net(data)
            loss = softmax_cross_entropy_loss(output, label)
        loss.backward()
        trainer.step(data.shape[0])
        metric.update([label], [output])
        print("loss %.6f" % nd.mean(loss).asscalar())
    name, acc = metric.get()
    print("training acc at epoch %d: %s=%f" % (epoch, name, acc))
