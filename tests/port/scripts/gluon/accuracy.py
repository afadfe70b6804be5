"""The multilayer perceptron of the straight dope: argmax by hand, losses summed up."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

data_ctx = mx.cpu()
model_ctx = mx.cpu()
rng = np.random.RandomState(7)
train_data = gluon.data.DataLoader(
    gluon.data.ArrayDataset(
        rng.rand(32, 12).astype("float32"), rng.randint(0, 3, 32).astype("float32")
    ),
    16,
    shuffle=False,
)


class MLP(gluon.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.dense0 = gluon.nn.Dense(16)
            self.dense1 = gluon.nn.Dense(3)

    def forward(self, x):
        x = nd.relu(self.dense0(x))
        return self.dense1(x)


net = MLP()
net.collect_params().initialize(mx.init.Normal(sigma=0.01), ctx=model_ctx)
softmax_cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})


def evaluate_accuracy(data_iterator, net):
    acc = mx.metric.Accuracy()
    for i, (data, label) in enumerate(data_iterator):
        data = data.as_in_context(model_ctx).reshape((-1, 12))
        label = label.as_in_context(model_ctx)
        output = net(data)
        predictions = nd.argmax(output, axis=1)
        acc.update(preds=predictions, labels=label)
    return acc.get()[1]


for e in range(2):
    cumulative_loss = 0
    for i, (data, label) in enumerate(train_data):
        data = data.as_in_context(model_ctx).reshape((-1, 12))
        label = label.as_in_context(model_ctx)
        with autograd.record():
            output = net(data)
            loss = softmax_cross_entropy(output, label)
        loss.backward()
        trainer.step(data.shape[0])
        cumulative_loss += nd.sum(loss).asscalar()
    print(
        "Epoch %s. Loss: %.6f, Train_acc %.4f"
        % (e, cumulative_loss / 32, evaluate_accuracy(train_data, net))
    )
