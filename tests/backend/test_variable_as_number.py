"""A Variable where Python wants a number."""

import numpy as np
import pytest

import unidl


def test_a_scalar_is_a_number(backend):
    assert float(unidl.Variable(2.5)) == 2.5
    assert int(unidl.Variable(7, dtype="int32")) == 7


def test_several_numbers_are_none(backend):
    variable = unidl.Variable(np.ones((2,), "float32"))
    for kind in (float, int):
        with pytest.raises(
            TypeError, match=r"'variable' has shape \(2,\), but a single Python number"
        ):
            kind(variable)


def test_it_is_neither_true_nor_false(backend):
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(unidl.Variable(0.0))
