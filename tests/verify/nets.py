"""Small networks that end in a global average, whose rounding in training is the hardest to judge.

The average hands every pixel the same gradient, so that the sums over pixels add thousands of equal
terms, and ReLUs that stand near zero go one way on one backend and the other way on another.
"""

import numpy as np

import unidl
from unidl import layers

CLASSES = 10


def _conv(x, filters, norm, strides=1):
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=not norm)(x)
    return layers.BatchNormalization()(x) if norm else x


def plain(depth, norm=False):
    """Convolutions with ReLU, the global average, and a dense layer."""
    inputs = x = unidl.Input((8, 8, 1))
    for _ in range(depth):
        x = layers.ReLU()(_conv(x, 8, norm))
    return _ended(inputs, x)


def residual(blocks, norm=False):
    """Blocks of two convolutions beside a shortcut."""
    inputs = unidl.Input((8, 8, 1))
    x = layers.ReLU()(_conv(inputs, 8, norm))
    for _ in range(blocks):
        h = _conv(layers.ReLU()(_conv(x, 8, norm)), 8, norm)
        x = layers.ReLU()(layers.Add()([x, h]))
    return _ended(inputs, x)


def preactivated(blocks):
    """Blocks that normalize first, so that every convolution has a bias."""
    inputs = unidl.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same")(inputs)
    for _ in range(blocks):
        h = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(h)])
    return _ended(inputs, layers.ReLU()(layers.BatchNormalization()(x)))


def narrowing(depth):
    """Convolutions with strides that double their channels."""
    inputs = x = unidl.Input((8, 8, 1))
    for i in range(depth):
        x = layers.ReLU()(_conv(x, 4 * 2**i, False, strides=2))
    return _ended(inputs, x)


def _ended(inputs, x):
    return unidl.Model(inputs, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x)))


NETS = {
    **{f"plain {n}, {o}": (plain, (n,), o) for n in (1, 2, 3, 5) for o in ("adam", "sgd")},
    "plain 3, BN, adam": (plain, (3, True), "adam"),
    **{f"residual {n}, adam": (residual, (n,), "adam") for n in (1, 2, 4)},
    "residual 4, sgd": (residual, (4,), "sgd"),
    **{f"residual {n}, BN, adam": (residual, (n, True), "adam") for n in (2, 4)},
    "residual 4, BN, sgd": (residual, (4, True), "sgd"),
    **{f"preactivated {n}, adam": (preactivated, (n,), "adam") for n in (2, 5)},
    "preactivated 5, momentum": (preactivated, (5,), "momentum"),
    "narrowing 2, adam": (narrowing, (2,), "adam"),
}


def make(name, seed):
    """(model, x, y): the network compiled, and 64 of the digits, or noise where `seed` is odd."""
    build, arguments, optimizer = NETS[name]
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(seed)
    model = build(*arguments)
    if optimizer == "momentum":
        optimizer = unidl.optimizers.SGD(0.05, momentum=0.9)
    model.compile(optimizer, unidl.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(seed)
    if seed % 2:
        return model, rng.normal(size=(64, 8, 8, 1)).astype("float32"), rng.integers(0, 10, 64)
    (x, y), _ = unidl.datasets.digits.load_data()
    order = rng.permutation(len(x))[:64]
    return model, (x[order, ..., None] / 16).astype("float32"), y[order]
