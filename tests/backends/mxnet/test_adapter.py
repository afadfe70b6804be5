"""What the adapter says of itself, and float16."""

from __future__ import annotations

import numpy as np

from unidl.backend import list_backends
from unidl.backend.contract import Backend


def test_it_is_registered_and_complete(backend):
    assert backend.name == "mxnet"
    assert "mxnet" in [row.name for row in list_backends()]
    assert backend.devices()[0] == "cpu:0"
    assert backend.unsupported == {}


def test_kernels_names_overrides(backend):
    for name in backend.kernels:
        assert getattr(type(backend), name) is not getattr(Backend, name)


def test_float16_where_mxnet_has_no_kernel(backend):
    rng = np.random.RandomState(8)
    x, kernel = rng.randn(1, 5, 2).astype("float16"), rng.randn(3, 2, 4).astype("float16")
    half = backend.conv(backend.asarray(x), backend.asarray(kernel), (1,), "same", (1,))
    exact = backend.conv(
        backend.asarray(x.astype("float64")),
        backend.asarray(kernel.astype("float64")),
        (1,),
        "same",
        (1,),
    )
    assert backend.dtype(half) == "float16"
    np.testing.assert_allclose(
        backend.to_numpy(half), backend.to_numpy(exact), rtol=2e-3, atol=2e-3
    )
    np.testing.assert_array_equal(
        backend.to_numpy(backend.sort(backend.asarray(x[0]), 0)), np.sort(x[0], 0)
    )
