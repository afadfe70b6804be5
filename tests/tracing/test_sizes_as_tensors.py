"""A size that was made a tensor is a size still: `ops.cast(ops.shape(x)[0], "int32")`."""

import numpy as np

import unidl
from unidl import layers, ops


class Repeated(layers.Layer):
    def call(self, x):
        count = ops.cast(ops.shape(x)[0], "int32")
        return x * ops.ones((count, 2)) + ops.zeros(shape=(unidl.ops.convert_to_tensor(1), 2))


def test_in_a_compiled_step(backend):
    model = unidl.Sequential([unidl.Input((2,)), Repeated(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((6, 2), "float32")
    model.fit(x, x[:, :1], batch_size=4, verbose=0)
    assert model.predict(x, verbose=0).shape == (6, 1)


def test_without_one(backend):
    assert Repeated()(np.ones((3, 2), "float32")).shape == (3, 2)
    assert ops.full((unidl.Variable(2, dtype="int32"),), 1.5).shape == (2,)
