"""Numbers from a published formula in plain NumPy, and the proof that the test would notice another
constant."""

import numpy as np

from unidl import ops


def pinned(found, formula, tolerance=1e-12, **wrong):
    """Assert that `found` is `formula()`, and that it is not `formula(**{name: value})` for the
    wrong values given by name.

    The formula's defaults are the constants that the test pins; a tuple of wrong values gives
    several.
    """
    found = np.asarray(ops.convert_to_numpy(found), "float64")
    assert _error(found, formula()) <= tolerance, (found, formula())
    for name, values in wrong.items():
        for value in values if isinstance(values, tuple) else (values,):
            other = formula(**{name: value})
            assert np.shape(other) != found.shape or _error(found, other) > 4 * tolerance, (
                f"{name}={value} would not be noticed"
            )


def _error(found, expected):
    expected = np.asarray(expected, "float64")
    assert found.shape == expected.shape, (found.shape, expected.shape)
    return np.abs(found - expected).max() / np.abs(expected).max()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
