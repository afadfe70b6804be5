"""Training steps on arrays that stay in place: what is shared with them, and what is not."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

import unidl
from unidl import ops
from unidl.backend.variable import Variable
from unidl.ops import fused


def make_step(backend, w, count):
    def forward(x):
        count.replace(ops.add(count.value, 1.0))
        return ops.sum(ops.multiply(w, ops.sum(x, 0))), [ops.multiply(w, 1.0)]

    return backend.compile_step(
        forward, lambda grads: w.replace(ops.subtract(w.value, grads[0])), [w], [w, count]
    )


def test_batches_of_two_sizes_take_turns_on_the_same_variables():
    with unidl.use_backend("mxnet") as backend:
        w, count = Variable(np.zeros(3, "float32")), Variable(np.zeros((), "float32"))
        step = make_step(backend, w, count)
        for rows in (4, 2, 4, 4, 2):
            step(backend.asarray(np.ones((rows, 3), "float32")))
        np.testing.assert_array_equal(w.numpy(), -16.0 * np.ones(3))
        assert count.numpy() == 5


def test_values_read_before_the_first_step_and_outputs_keep_theirs():
    with unidl.use_backend("mxnet") as backend:
        w, count = Variable(np.zeros(3, "float32")), Variable(np.zeros((), "float32"))
        shared = Variable(np.ones(3, "float32"))
        shared.replace(w.value)
        before = w.value
        step = make_step(backend, w, count)
        x = backend.asarray(np.ones((4, 3), "float32"))
        loss, (first,) = step(x)
        step(x)
        assert loss.asnumpy() == 0
        for kept in (before, shared.value, first):
            np.testing.assert_array_equal(kept.asnumpy(), np.zeros(3))


def test_assigned_variables_are_seen_by_the_next_step():
    with unidl.use_backend("mxnet") as backend:
        w, count = Variable(np.zeros(3, "float32")), Variable(np.zeros((), "float32"))
        step = make_step(backend, w, count)
        x = backend.asarray(np.ones((4, 3), "float32"))
        step(x)
        w.assign(np.full(3, 10.0, "float32"))
        count.assign(100.0)
        loss, _ = step(x)
        assert loss.asnumpy() == 120
        np.testing.assert_array_equal(w.numpy(), np.full(3, 6.0))
        assert count.numpy() == 101


def test_batch_norm_of_a_step_with_nothing_to_train_uses_the_batch():
    x = np.random.default_rng(0).normal(5, 3, size=(8, 6, 6, 2)).astype("float32")
    with unidl.use_backend("mxnet") as backend:
        kernel = Variable(np.eye(2, dtype="float32")[None, None])

        def forward(x):
            y, _, _ = fused.batch_norm_training(ops.conv(x, kernel), None, None, (0, 1, 2), 1e-3)
            return ops.sum(y), [y]

        _, (y,) = backend.compile_step(forward, lambda grads: None, [], [kernel])(
            backend.asarray(x)
        )
    np.testing.assert_allclose(
        y.asnumpy(),
        (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-3),
        rtol=1e-4,
        atol=1e-5,
    )


def test_nothing_is_printed_and_the_environment_stays():
    code = """
import os, numpy as np, unidl
before = dict(os.environ)
model = unidl.Sequential([unidl.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), verbose=0)
assert dict(os.environ) == before
"""
    environment = {**os.environ, "UNIDL_BACKEND": "mxnet"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
