"""The test cases of the package onnx, one operator each: a model, its inputs, its outputs."""

from __future__ import annotations

import functools
import warnings

import numpy as np

from tests.outside.exclusions import Result
from unidl import ops, use_backend
from unidl.port.onnx import read_onnx

SOURCE = "onnx_nodes"
# onnx's own bound is rtol 1e-3 for all dtypes, which is one rounding of float16 and an eighth of
# one of bfloat16.
ROUNDINGS = {"float16": 4 * 2.0**-10, "bfloat16": 4 * 2.0**-7}


@functools.cache
def cases():
    """All of them; making them takes onnx ten seconds."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what it computes on its edge cases
        return collect_testcases(None)


def run(backend):
    """Every case on `backend`."""
    with use_backend(backend):
        return [_result(case, backend) for case in cases()]


def _result(case, backend):
    try:
        function = read_onnx(case.model)
        errors = []
        for inputs, outputs in case.data_sets:
            found = function([_array(x) for x in inputs])
            assert len(found) == len(outputs), f"{len(found)} outputs for {len(outputs)}"
            errors += [_compare(a, _array(b), case) for a, b in zip(found, outputs, strict=True)]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the report says
        return Result(
            case.name, backend, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        )
    return Result(case.name, backend, error=max(errors, default=0.0))


def _array(x):
    """Arrays of what onnx keeps in its own format; sequences member by member."""
    from onnx import TensorProto, numpy_helper

    if isinstance(x, list):
        return [_array(one) for one in x]
    return numpy_helper.to_array(x) if isinstance(x, TensorProto) else x


def _compare(found, wanted, case):
    """The error of floats relative to the largest number; AssertionError where dtype, shape or
    values are not as wanted."""
    if isinstance(wanted, list):
        assert isinstance(found, list), f"a sequence is wanted, got {type(found).__name__}"
        return max((_compare(a, b, case) for a, b in zip(found, wanted, strict=True)), default=0.0)
    if wanted is None:
        assert found is None, "nothing is wanted"
        return 0.0
    wanted = np.asarray(wanted)
    dtype = wanted.dtype.name
    assert ops.dtype(found) == dtype, f"dtype {ops.dtype(found)} for {dtype}"
    found = ops.convert_to_numpy(found)
    assert found.shape == wanted.shape, f"shape {found.shape} for {wanted.shape}"
    if wanted.dtype.kind in "biu":
        np.testing.assert_array_equal(found, wanted)
        return 0.0
    found, wanted = found.astype("float64"), wanted.astype("float64")
    np.testing.assert_allclose(found, wanted, max(case.rtol, ROUNDINGS.get(dtype, 0.0)), case.atol)
    finite = np.isfinite(wanted)
    found, wanted = found[finite], wanted[finite]
    return float(np.abs(found - wanted).max(initial=0.0) / np.abs(wanted).max(initial=1e-300))
