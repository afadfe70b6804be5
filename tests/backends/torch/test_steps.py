"""Gradients of variables, training steps, and what they leave behind."""

import gc
import subprocess
import sys

import numpy as np
import pytest
import torch

from unidl.backend import Variable
from unidl.tracing import feed
from unidl.tracing.capture import CaptureWarning

rng = np.random.default_rng(5)


class Keys:
    """A generator as `unidl.tracing.feed` asks for one."""

    def __init__(self):
        self.count = 0

    def advance(self):
        self.count += 1
        return 1000 * self.count, 17


def variable(*shape, trainable=True):
    return Variable(
        rng.standard_normal(shape), dtype="float32", trainable=trainable, backend="torch"
    )


def test_value_and_gradients(backend):
    w, unused = variable(3), variable(2)
    value, (g, zero) = backend.value_and_grad(
        lambda: backend.sum(backend.square(w.value)), [w, unused]
    )
    assert not value.requires_grad
    np.testing.assert_allclose(g, 2 * w.numpy())
    assert zero.tolist() == [0, 0]
    assert not w.value.requires_grad


def test_a_constant_has_gradients_of_zero(backend):
    w = variable(3)
    value, (g,) = backend.value_and_grad(lambda: backend.asarray(3.0), [w])
    assert value == 3
    assert g.tolist() == [0, 0, 0]
    assert backend.value_and_grad(lambda: backend.asarray(3.0), [])[1] == []


def test_aux_is_free_of_the_tape(backend):
    w = variable(3)
    (value, aux), _ = backend.value_and_grad(
        lambda: (backend.sum(w.value), {"y": [backend.exp(w.value), 5]}), [w], has_aux=True
    )
    assert not value.requires_grad
    assert not aux["y"][0].requires_grad
    assert aux["y"][1] == 5


def test_gradients_inside_no_grad(backend):
    w = variable(3)
    with torch.no_grad():
        _, (g,) = backend.value_and_grad(lambda: backend.sum(w.value), [w])
    assert g.tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(3,), (1,)])
def test_only_a_scalar_has_gradients(backend, shape):
    w = variable(*shape)
    with pytest.raises(ValueError, match="Reduce it first"):
        backend.value_and_grad(lambda: w.value, [w])
    assert not w.value.requires_grad  # restored after the error
    with pytest.raises(ValueError, match="float"):
        backend.value_and_grad(lambda: 1.0, [w])


def test_what_is_assigned_inside_stays_assigned_without_a_graph(backend):
    w, state = variable(3), variable(3, trainable=False)
    before = w.numpy()

    def loss():
        y = backend.square(w.value)
        state.assign(y)
        w.assign_add(backend.ones((3,), "float32"))
        return backend.sum(y)

    _, (g,) = backend.value_and_grad(loss, [w])
    np.testing.assert_allclose(g, 2 * before)
    np.testing.assert_allclose(w.numpy(), before + 1)
    np.testing.assert_allclose(state.numpy(), before**2)
    assert not state.value.requires_grad
    assert not w.value.requires_grad


def test_a_users_own_tensors_keep_torchs_autograd(backend):
    w = variable(3)
    x = torch.ones(3, requires_grad=True)
    backend.sum(backend.multiply(x, w.value)).backward()
    assert torch.equal(x.grad, w.value)
    assert not backend.exp(w.value).requires_grad


class Model:
    """Dropout, a dense layer, a running mean and Adam, written on the contract."""

    def __init__(self, backend):
        self.backend, self.keys, self.steps = backend, Keys(), 0
        self.w, self.m, self.v = variable(8, 4), variable(8, 4), variable(8, 4)
        self.running = variable(8, trainable=False)
        for slot in (self.m, self.v, self.running):
            slot.assign(np.zeros(slot.shape))

    def forward(self, x):
        b = self.w.backend  # while a step is captured, not torch itself
        h = b.dropout(x, feed.next_key(self.keys), 0.5)
        self.running.assign(
            b.add(b.multiply(self.running.value, 0.9), b.multiply(b.mean(h, 0), 0.1))
        )
        return b.mean(b.square(b.matmul(h, self.w.value))), [h]

    def rate(self):
        self.steps += 1
        return 0.1 / self.steps

    def update(self, gradients):
        alpha = feed.next_number(self.rate)
        (w,), (m,), (v,) = self.w.backend.adam_update(
            [self.w.value],
            gradients,
            [self.m.value],
            [self.v.value],
            alpha=alpha,
            beta_1=0.9,
            beta_2=0.999,
            epsilon=1e-7,
        )
        self.w.replace(w)
        self.m.replace(m)
        self.v.replace(v)

    def step(self, **options):
        variables = [self.w, self.m, self.v, self.running]
        return self.backend.compile_step(self.forward, self.update, [self.w], variables, **options)


X = rng.standard_normal((5, 8)).astype("float32")


def test_eager_step_returns_values_free_of_the_tape(backend):
    model = Model(backend)
    before = model.w.numpy()
    loss, (h,) = model.step()(backend.asarray(X))
    assert not loss.requires_grad
    assert not h.requires_grad
    assert not np.array_equal(model.w.numpy(), before)


@pytest.mark.slow
def test_torch_compile_gives_the_same_run(backend):
    """The same keys and learning rates each step, another dropout mask in each, and a ragged last
    batch."""
    eager, compiled = Model(backend), Model(backend)
    compiled.w.assign(eager.w)
    steps = eager.step(), compiled.step(jit_compile=True)
    masks = []
    for rows in (5, 5, 3, 5, 3):
        x = backend.asarray(X[:rows])
        (loss, (h,)), (jit_loss, (jit_h,)) = (step(x) for step in steps)
        assert torch.equal(h, jit_h)
        np.testing.assert_allclose(jit_loss, loss, rtol=1e-5)
        masks.append(tuple((jit_h[:3] == 0).flatten().tolist()))
    assert len(set(masks)) == 5
    assert eager.keys.count == compiled.keys.count
    assert eager.steps == compiled.steps
    for name in ("w", "m", "v", "running"):
        np.testing.assert_allclose(
            getattr(compiled, name).numpy(), getattr(eager, name).numpy(), rtol=2e-4, atol=1e-6
        )


@pytest.mark.slow
def test_torch_compile_of_a_function_with_many_random_calls(backend):
    generator = Keys()

    def draw(x):
        for _ in range(70):
            x = backend.add(x, backend.uniform(feed.next_key(generator), (2,), "float32"))
        return x

    compiled, again = backend.compile(draw, [], jit_compile=True), Keys()
    found = [compiled(torch.zeros(2)) for _ in range(2)]
    generator = again
    for f in found:
        np.testing.assert_allclose(f, draw(torch.zeros(2)), rtol=1e-6)


def test_what_calls_torch_itself_runs_as_it_is_and_says_so(backend):
    run = backend.compile(lambda x: torch.mul(x, 2.0), [])
    with pytest.warns(CaptureWarning, match="could not be captured"):
        assert run(torch.ones(2)).tolist() == [2, 2]


def test_a_store_is_contiguous_whatever_is_assigned(backend):
    w = variable(3, 4)
    for value in (torch.ones(4, 3).t(), torch.ones(1, 4).expand(3, 4)):
        w.replace(value)
        assert w.value.is_contiguous()
        assert w.value.untyped_storage().nbytes() == 48


def test_the_adapter_imports_no_compiler_and_no_other_framework():
    code = (
        "import sys; from unidl_torch.adapter import TorchBackend; TorchBackend();"
        "print([m for m in ('tensorflow', 'mxnet', 'keras', 'jax', 'torch._dynamo', "
        "'torch._inductor') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def live_tensors():
    return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())


@pytest.mark.serial
def test_nothing_is_left_behind_by_a_thousand_steps(backend):
    model = Model(backend)
    step, x = model.step(), backend.asarray(X)
    for _ in range(10):
        step(x)
    gc.collect()
    gc.disable()
    try:
        tensors, objects = live_tensors(), len(gc.get_objects())
        for _ in range(1000):
            step(x)
        assert live_tensors() <= tensors
        assert len(gc.get_objects()) <= objects + 50
    finally:
        gc.enable()
