"""Compiled functions and training steps."""

from __future__ import annotations

import gc
import resource

import numpy as np
import pytest

from unidl.backend import Variable
from unidl.tracing.feed import next_number


class Model:
    """One dense layer with a running mean, trained by Adam with a step-dependent factor."""

    def __init__(self, backend, dtype="float64", units=3):
        rng = np.random.RandomState(0)
        self.b, self.time = backend, 0
        self.params = [
            Variable(rng.randn(4, units).astype(dtype), backend=backend),
            Variable(np.zeros(units, dtype), backend=backend),
        ]
        self.m = [Variable(np.zeros(p.shape, dtype), backend=backend) for p in self.params]
        self.v = [Variable(np.zeros(p.shape, dtype), backend=backend) for p in self.params]
        self.running = Variable(np.zeros((), dtype), backend=backend, trainable=False)
        self.iterations = Variable(0, dtype="int64", backend=backend, trainable=False)
        self.variables = [*self.params, *self.m, *self.v, self.running, self.iterations]
        self.traces = 0

    def alpha(self):
        self.time += 1
        return 0.1 / self.time

    def forward(self, x, y):
        b, (w, bias) = self.b, self.params
        self.traces += 1
        out = b.add(b.matmul(x, w.value), bias.value)
        loss = b.mean(b.square(b.subtract(out, y)))
        self.running.replace(b.add(b.multiply(self.running.value, 0.9), b.multiply(loss, 0.1)))
        return loss, [out]

    def update(self, grads):
        b = self.b
        new = b.adam_update(
            [p.value for p in self.params], grads, [m.value for m in self.m],
            [v.value for v in self.v], alpha=next_number(self.alpha), beta_1=0.9, beta_2=0.999,
            epsilon=1e-7,
        )  # fmt: skip
        for group, values in zip((self.params, self.m, self.v), new, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.replace(value)
        self.iterations.replace(b.add(self.iterations.value, 1))

    def compiled(self):
        return self.b.compile_step(self.forward, self.update, self.params, self.variables)

    def eager(self, *tensors):
        value, grads = self.b.value_and_grad(
            lambda: self.forward(*tensors), self.params, has_aux=True
        )
        self.update(grads)
        return value

    def state(self):
        return [v.numpy() for v in self.variables]


def batch(backend, n=5, dtype="float64", units=3):
    rng = np.random.RandomState(n)
    return backend.asarray(rng.randn(n, 4).astype(dtype)), backend.asarray(
        rng.randn(n, units).astype(dtype)
    )


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 2e-5)])
def test_a_compiled_step_is_the_eager_step(backend, dtype, rtol):
    eager, compiled = Model(backend, dtype), Model(backend, dtype)
    step = compiled.compiled()
    for n in (5, 5, 2, 5, 2):
        want, got = eager.eager(*batch(backend, n, dtype)), step(*batch(backend, n, dtype))
        np.testing.assert_allclose(backend.to_numpy(got[0]), backend.to_numpy(want[0]), rtol=rtol)
        np.testing.assert_allclose(
            backend.to_numpy(got[1][0]), backend.to_numpy(want[1][0]), rtol=rtol, atol=rtol
        )
        for a, b in zip(compiled.state(), eager.state(), strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    assert compiled.traces == 2  # the ragged batch cost one more, not one each time
    assert compiled.iterations.numpy() == 5


def test_results_are_not_overwritten_by_later_steps(backend):
    model = Model(backend)
    step = model.compiled()
    kept, copies = [], []
    for _ in range(4):
        loss, (out,) = step(*batch(backend))
        kept += [loss, out]
        copies += [backend.to_numpy(loss), backend.to_numpy(out)]
    for array, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(array), copy)


def test_assignment_between_steps_counts(backend):
    model = Model(backend)
    step = model.compiled()
    step(*batch(backend))
    model.params[0].assign(np.zeros((4, 3)))
    model.params[1].assign(np.zeros(3))
    x, y = batch(backend)
    loss, (out,) = step(x, y)
    np.testing.assert_array_equal(backend.to_numpy(out), np.zeros((5, 3)))
    np.testing.assert_allclose(backend.to_numpy(loss), (backend.to_numpy(y) ** 2).mean())


def test_a_value_read_before_a_step_is_kept_by_copy(backend):
    model = Model(backend)
    step = model.compiled()
    step(*batch(backend))
    kept = backend.copy(model.params[0].value)
    before = backend.to_numpy(kept)
    step(*batch(backend))
    np.testing.assert_array_equal(backend.to_numpy(kept), before)
    assert not np.array_equal(model.params[0].numpy(), before)


def test_nothing_of_a_step_is_left_on_the_tape(backend):
    model = Model(backend)
    step = model.compiled()
    for _ in range(2):
        loss, (out,) = step(*batch(backend))
    for array in (loss, out, *(v.value for v in model.variables)):
        assert array.grad is None
        with pytest.raises(Exception, match="nothing that this depends on"):
            array.backward()


@pytest.mark.serial
def test_memory_is_flat_over_a_thousand_steps(backend):
    model = Model(backend, "float32", units=256)
    step, tensors = model.compiled(), batch(backend, 256, "float32", 256)
    for _ in range(200):
        step(*tensors)
    backend.synchronize()
    gc.collect()
    objects, peak = len(gc.get_objects()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i in range(1000):
        step(*tensors)
        if i % 50 == 0:
            backend.synchronize()
    backend.synchronize()
    gc.collect()
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 8 * 1024
    )  # KiB; the outputs alone are 256 KiB a step
    assert len(gc.get_objects()) - objects < 100


def test_no_read_back_in_a_step(backend, monkeypatch):
    model = Model(backend)
    step, tensors = model.compiled(), batch(backend)
    step(*tensors)

    def forbidden(*_):
        raise AssertionError("a step waited for the device")

    for name in ("asnumpy", "wait_to_read", "item", "asscalar"):
        monkeypatch.setattr(type(tensors[0]), name, forbidden)
    step(*tensors)


def test_compile_keeps_structure_assigns_and_lets_gradients_through(backend):
    v = Variable(np.array(2.0), backend=backend, trainable=False)

    def fn(x):
        v.assign(backend.add(v.value, 1))
        return backend.multiply(x, v.value), x, backend.asarray(np.float64(7))

    compiled = backend.compile(fn, [v])
    x = backend.asarray(np.ones(2))
    first, through, constant = compiled(x)
    assert isinstance(compiled(x), tuple)
    assert v.numpy() == 4
    np.testing.assert_array_equal(backend.to_numpy(first), [3, 3])
    through[:] = 9  # an output that was an input is a copy
    np.testing.assert_array_equal(backend.to_numpy(x), [1, 1])
    assert backend.to_numpy(constant) == 7

    w = Variable(np.ones(2), backend=backend)
    square = backend.compile(lambda x: backend.square(x), [])
    _, (grad,) = backend.value_and_grad(lambda: backend.sum(square(w.value)), [w])
    np.testing.assert_array_equal(backend.to_numpy(grad), [2, 2])


def test_a_trainable_variable_that_the_loss_ignores(backend):
    used, unused = Variable(np.ones(2), backend=backend), Variable(np.ones(3), backend=backend)
    seen = [Variable(np.ones(v.shape), backend=backend) for v in (used, unused)]
    step = backend.compile_step(
        lambda: (backend.sum(used.value), []),
        lambda grads: [
            s.replace(backend.multiply(g, 2.0)) for s, g in zip(seen, grads, strict=True)
        ],
        [used, unused],
        [used, unused, *seen],
    )
    step()
    np.testing.assert_array_equal(seen[0].numpy(), [2, 2])
    np.testing.assert_array_equal(seen[1].numpy(), [0, 0, 0])


def test_errors_teach(backend):
    v = Variable(np.ones(2), backend=backend)
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        backend.compile_step(lambda: (v.value, []), lambda g: None, [v], [v])()
    for bad in (
        lambda x: x if backend.sum(x) else -1,
        lambda x: np.asarray(x),
        lambda x: float(x),
        lambda x: backend.to_numpy(x),
    ):
        with pytest.raises(TypeError, match="compiled"):
            backend.compile(bad, [])(v.value)
    with pytest.raises(Exception, match=r"(?i)shape|broadcast|incompatible"):
        backend.compile(lambda x: backend.add(x, backend.asarray(np.ones(3))), [])(v.value)
    leaked = []
    backend.compile(lambda x: leaked.append(backend.add(x, 1.0)) or x, [])(v.value)
    with pytest.raises(RuntimeError, match="recorded"):
        backend.add(leaked[0], 1.0)
