"""A residual network of Gluon's, in mid-training with its Trainer, moved to unidl, finished on
another framework, and left as plain torch source: every step with its proof.

    UNIDL_BACKEND=torch python leave_mxnet.py
"""

import tempfile
from pathlib import Path

from common import arguments, load_images

import unidl
from unidl_mxnet.load import load_mxnet  # `import mxnet`, past what NumPy has removed since

mx = load_mxnet()
gluon = mx.gluon


def gluon_resnet():
    from mxnet.gluon.model_zoo.vision.resnet import BasicBlockV1, ResNetV1

    net = ResNetV1(BasicBlockV1, [1, 1], [8, 8, 16], classes=10, thumbnail=True)
    net.initialize(mx.init.Xavier())
    return net


def train_in_gluon(net, trainer, x, y, epochs, batch_size=32):
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
    for _ in range(epochs):
        for i in range(0, len(x) - batch_size + 1, batch_size):
            images, labels = mx.nd.array(x[i : i + batch_size]), mx.nd.array(y[i : i + batch_size])
            with mx.autograd.record():
                loss = loss_of(net(images), labels)
            loss.backward()
            trainer.step(batch_size)


def main():
    args = arguments(epochs=4)
    mx.random.seed(0)
    unidl.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = load_images(args)
    x, x_test = x[:, None], x_test[:, None]  # Gluon has the channels second

    net = gluon_resnet()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.003})
    train_in_gluon(net, trainer, x, y, args.epochs)
    right = net(mx.nd.array(x_test)).asnumpy().argmax(-1) == y_test
    print("MXNet, test accuracy", round(float(right.mean()), 3))

    # With the moments of Adam and its count of steps, which the proof goes on from.
    found = unidl.port.from_gluon(net, x[:4], trainer=trainer)
    print(found.proof)
    model = found.model
    model.compile(
        model.optimizer,
        unidl.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(x, y, epochs=args.epochs, batch_size=32, verbose=0)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    print(f"unidl on {model.backend.name}, test accuracy", round(accuracy, 3))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "resnet.py")
        print(unidl.port.to_source(model, "torch", path))
        print(path.read_text().partition("def load(")[0])


if __name__ == "__main__":
    main()
