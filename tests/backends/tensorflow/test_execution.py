"""Compiled functions and steps: the same as eager, few traces, fresh random numbers, nothing left
behind."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from unidl.backend import Backend, Variable
from unidl.tracing.feed import next_key, next_number


class Counter:
    """A stand-in for a random generator."""

    def __init__(self):
        self.count = 0

    def advance(self):
        self.count += 1
        return self.count, 7


class Model:
    """Dropout, a product, a running sum, and momentum with a learning rate that changes from step
    to step."""

    def __init__(self, backend, compiled):
        rng = np.random.default_rng(0)
        self.b, self.keys, self.rate, self.traced = backend, Counter(), 0.0, 0
        self.w = Variable(rng.standard_normal((6, 3)).astype("float32"), backend=backend)
        self.unused = Variable(np.ones(2, "float32"), backend=backend)
        self.momentum = Variable(np.zeros((6, 3), "float32"), trainable=False, backend=backend)
        self.seen = Variable(np.zeros((), "float32"), trainable=False, backend=backend)
        self.variables = [self.w, self.unused, self.momentum, self.seen]
        args = (self.forward, self.update, [self.w, self.unused], self.variables)
        self.step = (
            backend.compile_step(*args) if compiled else Backend.compile_step(backend, *args)
        )

    def forward(self, x, y):
        b = self.b
        self.traced += 1
        mask = b.dropout(b.full_like(x, 1.0), next_key(self.keys), 0.5)
        self.seen.replace(b.add(self.seen.value, 1.0))
        error = b.subtract(b.matmul(b.multiply(x, mask), self.w.value), y)
        return b.mean(b.square(error)), [mask, self.seen.value]

    def learning_rate(self):
        self.rate += 0.01
        return self.rate

    def update(self, gradients):
        rate = next_number(self.learning_rate)
        params, momenta = self.b.sgd_update(
            [self.w.value],
            gradients[:1],
            [self.momentum.value],
            learning_rate=cast(self.b, rate),
            momentum=0.9,
            nesterov=False,
        )
        self.momentum.replace(momenta[0])
        self.w.replace(params[0])


def cast(b, rate):
    return b.cast(rate, "float32") if b.is_tensor(rate) else rate


def batches(backend, sizes):
    rng = np.random.default_rng(1)
    for n in sizes:
        yield (
            backend.asarray(rng.standard_normal((n, 6)).astype("float32")),
            backend.asarray(rng.standard_normal((n, 3)).astype("float32")),
        )


def test_compiled_steps_equal_eager_ones(tf_backend):
    eager, compiled = Model(tf_backend, False), Model(tf_backend, True)
    for data in batches(tf_backend, [8] * 5):
        wanted, found = eager.step(*data), compiled.step(*data)
        assert np.array_equal(found[1][0].numpy(), wanted[1][0].numpy())  # the masks
        assert float(found[1][1]) == float(wanted[1][1])  # a value read after its assignment
        np.testing.assert_allclose(float(found[0]), float(wanted[0]), rtol=1e-6)
        np.testing.assert_allclose(compiled.w.numpy(), eager.w.numpy(), rtol=1e-5, atol=1e-6)
    assert compiled.keys.count == eager.keys.count == 5
    assert compiled.rate == eager.rate


def test_masks_differ_between_steps(tf_backend):
    model = Model(tf_backend, True)
    ((x, y),) = batches(tf_backend, [8])
    masks = [model.step(x, y)[1][0].numpy() for _ in range(4)]
    assert len({m.tobytes() for m in masks}) == 4


def test_a_ragged_last_batch_costs_one_trace_and_not_one_an_epoch(tf_backend):
    model = Model(tf_backend, True)
    for _ in range(5):
        for data in batches(tf_backend, [8, 8, 3]):
            model.step(*data)
    assert model.traced == 2
    assert float(model.seen.numpy()) == 15


def test_no_tensor_of_the_graph_stays_in_a_variable(tf_backend):
    model = Model(tf_backend, True)
    for data in batches(tf_backend, [4]):
        model.step(*data)
    assert all(isinstance(v._store, tf.Variable) for v in model.variables)
    assert np.isfinite(model.w.numpy()).all()


def test_dtypes_have_graphs_of_their_own(tf_backend):
    double = tf_backend.compile(lambda x: tf_backend.add(x, x), [])
    for dtype in ("float32", "float64", "int32"):
        assert tf_backend.dtype(double(tf_backend.asarray([1], dtype))) == dtype


def test_a_variable_that_came_back_from_elsewhere_is_traced_again(tf_backend):
    v = Variable(np.ones(2, "float32"), backend=tf_backend)
    twice = tf_backend.compile(lambda: tf_backend.multiply(v.value, 2.0), [v])
    assert twice().numpy().tolist() == [2, 2]
    v.to("numpy").assign([5.0, 6.0])
    v.to(tf_backend)
    assert twice().numpy().tolist() == [10, 12]


def test_a_compiled_function_inside_another_one_draws_each_key_once(tf_backend):
    keys = Counter()
    inner = tf_backend.compile(lambda: tf_backend.random_bits(next_key(keys), (3,)), [])
    outer = tf_backend.compile(lambda: [inner(), inner()], [])
    first, second = (t.numpy().tolist() for t in outer())
    third = outer()[0].numpy().tolist()
    assert keys.count == 4
    assert len({tuple(first), tuple(second), tuple(third)}) == 3


def test_xla_computes_the_same(tf_backend):
    rng = np.random.default_rng(0)
    arrays = [
        rng.standard_normal(s).astype("float32")
        for s in ((2, 70, 3), (2, 4), (2, 4), (3, 16), (4, 16), (16,))
    ]
    tensors = [tf_backend.asarray(a) for a in arrays]
    run = lambda *t: tf_backend.lstm(*t)[0]  # noqa: E731
    np.testing.assert_allclose(
        tf_backend.compile(run, [], jit_compile=True)(*tensors), run(*tensors), rtol=1e-4, atol=1e-5
    )


def test_gradients_flow_through_a_compiled_function(tf_backend):
    v = Variable(np.array([1.0, 2.0], "float32"), backend=tf_backend)
    square = tf_backend.compile(tf_backend.square, [])
    _, (gradient,) = tf_backend.value_and_grad(lambda: tf_backend.sum(square(v.value)), [v])
    assert gradient.numpy().tolist() == [2, 4]


def test_graphs_are_freed_with_the_function(tf_backend):
    model = Model(tf_backend, True)
    for data in batches(tf_backend, [4]):
        model.step(*data)
    (graph,) = model.step._programs.values()
    dead = weakref.ref(graph._function.graph)
    del model, graph, data
    gc.collect()
    assert dead() is None


@pytest.mark.serial
def test_memory_is_flat(tf_backend):
    def resident():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * 4096

    model = Model(tf_backend, True)
    ((x, y),) = batches(tf_backend, [512])
    for _ in range(200):
        model.step(x, y)
    gc.collect()
    before = resident()
    for _ in range(1000):
        model.step(x, y)
    gc.collect()
    assert resident() - before < 4e6  # keeping one mask of 512 x 6 floats a step would take 12 MB


def test_a_loss_that_is_no_number_is_refused(tf_backend):
    v = Variable(np.ones(2, "float32"), backend=tf_backend)
    with pytest.raises(ValueError, match=r"shape \(2,\).*mean"):
        tf_backend.value_and_grad(lambda: v.value, [v])


def test_unused_and_gathered_variables_have_dense_gradients(tf_backend):
    table, unused = (Variable(np.ones((4, 2), "float32"), backend=tf_backend) for _ in range(2))
    indices = tf_backend.asarray([1, 1, 3])

    def rows():
        return tf_backend.sum(tf_backend.embedding(table.value, indices)), "kept"

    (value, aux), gradients = tf_backend.value_and_grad(rows, [table, unused], has_aux=True)
    assert (float(value), aux) == (6, "kept")
    assert gradients[0].numpy()[:, 0].tolist() == [0, 2, 0, 1]
    assert not gradients[1].numpy().any()


def test_a_variable_is_not_made_from_what_a_graph_computes(tf_backend):
    with pytest.raises(
        ValueError, match="cannot start from a value that a compiled function computes"
    ):
        tf_backend.compile(lambda x: Variable(x, backend=tf_backend).value, [])(
            tf_backend.asarray([1.0])
        )


def test_a_tensor_without_a_value_says_so(tf_backend):
    with pytest.raises(TypeError, match="no value yet"):
        tf_backend.compile(lambda x: tf_backend.asarray(tf_backend.to_numpy(x)), [])(
            tf_backend.asarray([1.0])
        )
