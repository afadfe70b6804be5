"""Central differences in float64, and helpers to differentiate a function of plain arrays."""

import numpy as np

from unidl_numpy.adapter import NumpyBackend
from unidl_numpy.tape import Tape, plain
from unidl_numpy.tape_array import TapeArray

B = NumpyBackend()


def weighted(result):
    """The outputs of a primitive (floats alone) as one scalar, each element with a weight of its
    own."""
    parts = result if isinstance(result, (tuple, list)) else [result]
    loss = None
    for part in parts:
        if part.dtype.kind == "f":
            weight = np.cos(np.arange(part.size) + 1.0).reshape(part.shape).astype(part.dtype)
            term = B.sum(B.multiply(part, weight))
            loss = term if loss is None else B.add(loss, term)
    return loss


def gradients(function, *arrays):
    """(value, gradients) of the scalar `function` of `arrays`, by the tape."""
    tape = Tape()
    leaves = [tape.array(x) for x in arrays]
    result = function(*leaves)
    assert type(result) is TapeArray, "the result is not on the tape"
    return plain(result), tape.gradients(result, leaves)


def central_differences(function, arrays, step=1e-5):
    """Fourth-order central differences of the scalar `function` of float64 `arrays`."""
    results = []
    for i, x in enumerate(arrays):
        slope = np.empty(x.shape)
        for place in np.ndindex(x.shape):
            values = []
            for move in (-2, -1, 1, 2):
                moved = [a.copy() for a in arrays]
                moved[i][place] += move * step
                values.append(float(function(*moved)))
            slope[place] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        results.append(slope)
    return results


def worst(results, references):
    """max |difference| / max |reference|, over all pairs."""
    error = 0.0
    for a, b in zip(results, references, strict=True):
        assert a.shape == b.shape, (a.shape, b.shape)
        if a.size:
            scale = max(1e-300, float(np.max(np.abs(b)))) if np.any(b) else 1.0
            error = max(error, float(np.max(np.abs(a - b))) / scale)
    return error


def check(function, *arrays, tolerance=1e-8, step=1e-4):
    """Assert that the tape's gradients of weighted `function(*arrays)` are the central differences;
    returns the error."""
    arrays = [np.asarray(x, "float64") for x in arrays]

    def scalar(*xs):
        return weighted(function(*xs))

    _, grads = gradients(scalar, *arrays)
    error = worst(grads, central_differences(scalar, arrays, step))
    assert error <= tolerance, f"relative error {error:.1e}"
    return error
