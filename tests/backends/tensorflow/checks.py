"""One helper for all functions: values and gradients, eager and compiled, in float64 and
float32."""

import numpy as np

from unidl.backend import Variable, get_backend

STEP = 1e-6
TOLERANCE = {"float64": 1e-12, "float32": 3e-5}


def check(function, reference, *inputs, gradients=None, dtypes=("float64", "float32")):
    """`function(backend, *tensors)`, one tensor, against the NumPy function `reference(*arrays)`.

    Gradients, of a sum with fixed weights, are held against `gradients(weights, *arrays)` or
    against central differences of `reference`; `gradients=False` checks none.
    """
    inputs = [np.asarray(x) for x in inputs]
    for dtype in dtypes:
        arrays = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
        exact = [x.astype("float64") if x.dtype.kind == "f" else x for x in arrays]
        wanted = np.asarray(reference(*exact))
        weights = np.random.default_rng(3).uniform(0.5, 1.5, wanted.shape)
        expected = [wanted]
        if gradients is not False:
            expected += (
                gradients(weights, *exact)
                if gradients
                else central_differences(reference, weights, exact)
            )
        for compiled in (False, True):
            found = outputs(function, arrays, None if gradients is False else weights, compiled)
            assert len(found) == len(expected)
            for i, (a, b) in enumerate(zip(found, expected, strict=True)):
                loose = 1e-7 if i and not gradients else 0
                assert_close(a, np.asarray(b), max(TOLERANCE[dtype], loose))


def outputs(function, arrays, weights, compiled):
    """The value, and with `weights` the gradients of its weighted sum for the floating inputs, as
    arrays."""
    backend = get_backend("tensorflow")
    leaves = [
        Variable(x, backend="tensorflow") if x.dtype.kind == "f" else backend.asarray(x)
        for x in arrays
    ]
    variables = [v for v in leaves if isinstance(v, Variable)]

    def value():
        return function(backend, *(v.value if isinstance(v, Variable) else v for v in leaves))

    def scalar():
        y = value()
        return backend.sum(backend.multiply(y, backend.asarray(weights, backend.dtype(y)))), y

    def both():
        if weights is None:
            return [value()]
        (_, y), grads = backend.value_and_grad(scalar, variables, has_aux=True)
        return [y, *grads]

    run = backend.compile(both, variables) if compiled else both
    return [backend.to_numpy(t) for t in run()]


def central_differences(reference, weights, arrays):
    gradients = []
    for k, x in enumerate(arrays):
        if x.dtype.kind != "f":
            continue
        gradient = np.empty(x.shape)
        for i in np.ndindex(x.shape):
            high, low = x.copy(), x.copy()
            high[i] += STEP
            low[i] -= STEP
            change = reference(*arrays[:k], high, *arrays[k + 1 :]) - reference(
                *arrays[:k], low, *arrays[k + 1 :]
            )
            gradient[i] = np.sum(weights * change) / (2 * STEP)
        gradients.append(gradient)
    return gradients


def assert_close(found, wanted, tolerance):
    assert found.shape == wanted.shape
    assert (found.dtype.kind == "b") == (wanted.dtype.kind == "b")
    found, wanted = found.astype("float64"), wanted.astype("float64")
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0) or 1.0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * scale)
