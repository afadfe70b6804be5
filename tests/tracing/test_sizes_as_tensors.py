"""A size that was made a tensor is a size still: `ops.cast(ops.shape(x)[0], "int32")`."""

import numpy as np

import unidl
from unidl import layers, ops


class Repeated(layers.Layer):
    def call(self, x):
        count = ops.cast(ops.shape(x)[0], "int32")
        ones = ops.convert_to_tensor([1, 1])
        both = ops.concatenate([ops.expand_dims(count, 0), [1]])
        square = ops.tile(ops.reshape([[1.0]], ones), both)
        sizes = ops.concatenate([ops.expand_dims(count, -1), ones])
        return x * ops.ones((count, 2)) + 0 * square + 0 * ops.broadcast_to(1.0, sizes)[:, 0]


def test_in_a_compiled_step(backend):
    model = unidl.Sequential([unidl.Input((2,)), Repeated(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((6, 2), "float32")
    model.fit(x, x[:, :1], batch_size=4, verbose=0)
    assert model.predict(x, verbose=0).shape == (6, 1)


def test_without_one(backend):
    assert Repeated()(np.ones((3, 2), "float32")).shape == (3, 2)
    assert ops.full((unidl.Variable(2, dtype="int32"),), 1.5).shape == (2,)
