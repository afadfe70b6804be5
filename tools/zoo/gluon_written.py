"""Networks that users write themselves, in Gluon: as its tutorials and example/ have them."""

from __future__ import annotations

from tools.zoo.rows import Case, image, tokens
from unidl_mxnet.load import load_mxnet

mx = load_mxnet()
from mxnet.gluon import nn, rnn  # noqa: E402

TITLE = "written in Gluon"
ABOUT = "Networks of the kinds that users write, in the manner of MXNet's tutorials and examples."
FRAMEWORK = "gluon"


class RNNModel(mx.gluon.HybridBlock):
    """The model of example/gluon/word_language_model: tables, gluon.rnn, a decoder."""

    def __init__(self, kind, words=40, width=16, layers=2, dropout=0.2):
        super().__init__()
        with self.name_scope():
            self.drop = nn.Dropout(dropout)
            self.encoder = nn.Embedding(words, width)
            options = {"dropout": dropout, "input_size": width}
            if kind == "rnn_relu":
                self.rnn = rnn.RNN(width, layers, activation="relu", **options)
            else:
                self.rnn = {"lstm": rnn.LSTM, "gru": rnn.GRU}[kind](width, layers, **options)
            self.decoder = nn.Dense(words, in_units=width, flatten=False)

    def hybrid_forward(self, F, words):
        y = self.rnn(self.drop(self.encoder(words)))
        return self.decoder(self.drop(y))


class Classifier(mx.gluon.HybridBlock):
    """A bidirectional LSTM over words, the batch first."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.encoder = nn.Embedding(40, 16)
            self.rnn = rnn.LSTM(12, layout="NTC", bidirectional=True, input_size=16)
            self.head = nn.Dense(3, in_units=24)

    def hybrid_forward(self, F, words):
        return self.head(F.mean(self.rnn(self.encoder(words)), axis=1))


class UNet(mx.gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.down1, self.down2, self.bottom = _double(8), _double(16), _double(32)
            self.pool = nn.MaxPool2D()
            self.up2, self.up1 = nn.Conv2DTranspose(16, 2, 2), nn.Conv2DTranspose(8, 2, 2)
            self.join2, self.join1, self.head = _double(16), _double(8), nn.Conv2D(4, 1)

    def hybrid_forward(self, F, x):
        a = self.down1(x)
        b = self.down2(self.pool(a))
        x = self.bottom(self.pool(b))
        x = self.join2(F.concat(b, self.up2(x), dim=1))
        return self.head(self.join1(F.concat(a, self.up1(x), dim=1)))


def _double(channels):
    found = nn.HybridSequential()
    for _ in range(2):
        found.add(
            nn.Conv2D(channels, 3, padding=1, use_bias=False), nn.BatchNorm(), nn.Activation("relu")
        )
    return found


class SSD(mx.gluon.HybridBlock):
    """The heads of "Dive into Deep Learning": boxes and classes at two sizes."""

    def __init__(self, classes=5, boxes=3):
        super().__init__()
        self.classes = classes
        with self.name_scope():
            self.body, self.more = _double(16), nn.HybridSequential()
            self.more.add(nn.MaxPool2D(), _double(32))
            self.places = [nn.Conv2D(boxes * 4, 3, padding=1) for _ in range(2)]
            self.scores = [nn.Conv2D(boxes * classes, 3, padding=1) for _ in range(2)]
            self.register_children(*self.places, *self.scores)

    def register_children(self, *blocks):
        for block in blocks:
            self.register_child(block)

    def hybrid_forward(self, F, x):
        maps = [self.body(x)]
        maps.append(self.more(maps[0]))
        places = [
            F.flatten(F.transpose(p(m), (0, 2, 3, 1)))
            for p, m in zip(self.places, maps, strict=True)
        ]
        scores = [
            F.flatten(F.transpose(s(m), (0, 2, 3, 1)))
            for s, m in zip(self.scores, maps, strict=True)
        ]
        scores = F.reshape(F.concat(*scores, dim=1), (0, -1, self.classes))
        return F.concat(*places, dim=1), scores


class VAE(mx.gluon.HybridBlock):
    """As in example/vae-gan, with the noise as an input."""

    def __init__(self, latent=4):
        super().__init__()
        with self.name_scope():
            self.encoder, self.decoder = nn.HybridSequential(), nn.HybridSequential()
            self.encoder.add(nn.Dense(32, activation="relu"), nn.Dense(2 * latent))
            self.decoder.add(nn.Dense(32, activation="relu"), nn.Dense(64, activation="sigmoid"))

    def hybrid_forward(self, F, x, noise):
        mean, logarithm = F.split(self.encoder(x), num_outputs=2, axis=1)
        z = mean + F.exp(0.5 * logarithm) * noise
        return self.decoder(z), mean, logarithm


def _generator():
    found = nn.HybridSequential()
    for channels, window, stride, pad in ((32, 4, 1, 0), (16, 4, 2, 1)):
        found.add(
            nn.Conv2DTranspose(channels, window, stride, pad, use_bias=False), nn.BatchNorm(),
            nn.Activation("relu"),
        )  # fmt: skip
    found.add(nn.Conv2DTranspose(3, 4, 2, 1, use_bias=False), nn.Activation("tanh"))
    return found


def _drawn(*shape):
    import numpy as np

    return np.random.default_rng(0).normal(size=shape).astype("float32")


_MODELS = {
    "LSTM language model": (lambda: RNNModel("lstm"), lambda: (tokens(40, 2, 7),)),
    "GRU language model": (lambda: RNNModel("gru"), lambda: (tokens(40, 2, 7),)),
    "RNN language model": (lambda: RNNModel("rnn_relu"), lambda: (tokens(40, 2, 7),)),
    "bidirectional LSTM": (Classifier, lambda: (tokens(40, 6),)),
    "U-Net": (UNet, lambda: image(32)),
    "SSD heads": (SSD, lambda: image(16)),
    "VAE": (VAE, lambda: (_drawn(2, 64), _drawn(2, 4))),
    "DCGAN generator": (_generator, lambda: (_drawn(2, 10, 1, 1),)),
}


def names():
    return list(_MODELS)


def make(name):
    mx.random.seed(0)
    build, examples = _MODELS[name]
    model, examples = build(), examples()
    model.initialize(mx.initializer.Xavier())
    model(*(mx.nd.array(x, dtype=x.dtype) for x in examples))
    return Case(model, examples)
