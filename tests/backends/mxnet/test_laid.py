"""Variables kept in the layout of their kernels: everybody else sees Keras' layout."""

from __future__ import annotations

import numpy as np
import pytest

import unidl
from unidl import ops
from unidl.backend.variable import Variable
from unidl.tracing.feed import next_number
from unidl_mxnet.laid import Laid

SHAPES = {"dense": (64, 80), "conv": (3, 3, 4, 8)}
INPUTS = {"dense": (16, 64), "conv": (5, 7, 7, 4)}


class Trained:
    """One weight, trained by Adam."""

    def __init__(self, kind):
        rng = np.random.default_rng(0)
        self.kind = kind
        self.w, self.m, self.v = (
            Variable(rng.random(SHAPES[kind]).astype("float32")) for _ in range(3)
        )
        self.variables = [self.w, self.m, self.v]

    def loss(self, x):
        y = ops.matmul(x, self.w) if self.kind == "dense" else ops.conv(x, self.w)
        return ops.mean(ops.square(y)), []

    def update(self, grads):
        backend = self.w.backend
        new = backend.adam_update(
            [self.w.value], grads, [self.m.value], [self.v.value],
            alpha=next_number(lambda: 0.01), beta_1=0.9, beta_2=0.999, epsilon=1e-7,
        )  # fmt: skip
        for variable, (value,) in zip(self.variables, new, strict=True):
            variable.replace(value)

    def compiled(self):
        return self.w.backend.compile_step(self.loss, self.update, [self.w], self.variables)

    def batch(self, seed, n=None):
        shape = (n or INPUTS[self.kind][0], *INPUTS[self.kind][1:])
        return self.w.backend.asarray(np.random.default_rng(seed).random(shape).astype("float32"))


def run(backend, kind, steps):
    with unidl.use_backend(backend):
        model = Trained(kind)
        step = model.compiled()
        for seed in range(steps):
            step(model.batch(seed))
        return model, step, [v.numpy() for v in model.variables]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_weight_and_its_slots_are_kept_in_the_kernels_layout_and_read_in_their_own(kind):
    model, _, found = run("mxnet", kind, 4)
    assert all(type(v._store) is Laid for v in model.variables)
    for got, want in zip(found, run("numpy", kind, 4)[2], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7)


def test_a_step_moves_no_weight():
    _, step, _ = run("mxnet", "dense", 1)
    program, *_ = step._programs.values()
    plan = program.executor._executor.debug_str()
    assert "FullyConnected" in plan
    assert "transpose" not in plan


@pytest.mark.parametrize("kind", SHAPES)
def test_assignments_and_other_programs_meet_the_same_value(kind):
    with unidl.use_backend("mxnet") as backend:
        model, step, _ = run("mxnet", kind, 2)
        before = model.w.value
        kept = before.asnumpy()
        step(model.batch(2, n=9))  # another program
        np.testing.assert_array_equal(before.asnumpy(), kept)
        predict = backend.compile(lambda x: model.loss(x)[0], model.variables)
        x = model.batch(3, n=1)
        for value in (None, np.full(SHAPES[kind], 0.5, "float32"), None):
            if value is not None:
                model.w.assign(value)
                np.testing.assert_array_equal(model.w.numpy(), value)
            want = model.loss(x)[0].asnumpy()
            np.testing.assert_allclose(predict(x).asnumpy(), want, rtol=1e-5)
            np.testing.assert_allclose(step(x)[0].asnumpy(), want, rtol=1e-5)


def test_gradients_through_a_compiled_function_of_such_a_weight():
    with unidl.use_backend("mxnet") as backend:
        model, _, _ = run("mxnet", "dense", 2)
        compiled = backend.compile(lambda x: model.loss(x)[0], model.variables)
        x = model.batch(5)
        assert type(model.w._store) is Laid
        for function in (compiled, lambda x: model.loss(x)[0]):
            value, (gradient,) = backend.value_and_grad(lambda: function(x), [model.w])  # noqa: B023
            assert gradient.shape == SHAPES["dense"]
            if function is compiled:
                first = value.asnumpy(), gradient.asnumpy()
        np.testing.assert_allclose(first[0], value.asnumpy(), rtol=1e-6)
        np.testing.assert_allclose(first[1], gradient.asnumpy(), rtol=1e-5, atol=1e-7)
        assert type(model.w._store) is Laid


@pytest.mark.parametrize("kind", SHAPES)
def test_one_launch_of_several_steps_is_as_many_steps(kind):
    with unidl.use_backend("mxnet") as backend:
        one, step, _ = run("mxnet", kind, 0)
        for seed in range(3):
            want, _ = step(one.batch(seed))
        several, step, _ = run("mxnet", kind, 0)
        stacked = np.stack([several.batch(seed).asnumpy() for seed in range(3)])
        got, _ = backend.in_one_launch(step)(backend.asarray(stacked))
        np.testing.assert_array_equal(got.asnumpy(), want.asnumpy())
        for a, b in zip(one.variables, several.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
