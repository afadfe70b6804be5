"""linspace and logspace between tensors."""

import numpy as np
import pytest

import unidl
from unidl import ops

ENDS = np.array([0.5, -1.0]), np.array([3.0, 4.0])


@pytest.mark.parametrize(
    "arguments",
    [{"num": 4}, {"num": 4, "axis": -1}, {"num": 3, "endpoint": False}, {"num": 1}, {"num": 0}],
)
def test_as_numpys(backend, arguments):
    start, stop = (ops.convert_to_tensor(end) for end in ENDS)
    found = ops.convert_to_numpy(ops.linspace(start, stop, **arguments))
    np.testing.assert_allclose(found, np.linspace(*ENDS, **arguments), rtol=1e-13)
    found = ops.convert_to_numpy(ops.logspace(start, 2, base=3.0, **arguments))
    np.testing.assert_allclose(found, np.logspace(ENDS[0], 2, base=3.0, **arguments), rtol=1e-12)


def test_step_and_dtype(backend):
    values, step = ops.linspace(unidl.Variable(1.0), 2, 5, retstep=True, dtype="float64")
    assert (backend.dtype(values), float(step)) == ("float64", 0.25)


def test_gradients(backend):
    end = unidl.Variable(4.0)
    _, (found,) = unidl.value_and_grad(lambda: ops.sum(ops.linspace(0.0, end, 5)), [end])
    assert float(found) == 2.5  # 0 + 1/4 + 1/2 + 3/4 + 1


def test_in_a_model(backend):
    x = unidl.Input((2,))
    y = ops.linspace(x, 2 * x, 3, axis=1)
    assert y.shape == (None, 3, 2)
    found = unidl.Model(x, y).predict(np.ones((4, 2)), verbose=0)
    np.testing.assert_allclose(found[0, :, 1], [1, 1.5, 2])
