"""Conversion, shapes, indexing and sorting against NumPy."""

import numpy as np
import pytest
import torch

from unidl.backend import set_floatx

rng = np.random.default_rng(2)
X = rng.standard_normal((3, 4, 5))


def test_numbers_and_lists_take_the_default_dtypes(backend):
    for value, dtype in (
        (1.5, "float32"),
        (2, "int32"),
        (True, "bool"),
        ([1.5, 2], "float32"),
        ([[1], [2]], "int32"),
        ([True], "bool"),
    ):
        assert backend.dtype(backend.asarray(value)) == dtype
    assert backend.dtype(backend.asarray(1, "float64")) == "float64"
    assert backend.asarray(0.1, "float64").item() == 0.1
    assert backend.asarray([0.1], "float64").item() == 0.1


def test_floatx_float64_is_preserved(backend):
    set_floatx("float64")
    try:
        x = backend.asarray(0.1)
        assert x.dtype == torch.float64
        assert x.item() == 0.1
        assert backend.asarray([0.1]).item() == 0.1
        assert (
            backend.softmax(backend.multiply(backend.asarray([0.1, 2]), 0.3)).dtype == torch.float64
        )
    finally:
        set_floatx("float32")


def test_floatx_bfloat16(backend):
    set_floatx("bfloat16")
    try:
        assert backend.asarray([0.1]).dtype == torch.bfloat16
        assert backend.to_numpy(backend.asarray(0.5)) == 0.5
    finally:
        set_floatx("float32")


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
)
def test_arrays_keep_their_dtype(backend, dtype):
    x = np.array([[0, 1], [1, 0]], dtype)
    t = backend.asarray(x)
    assert backend.dtype(t) == dtype
    assert backend.to_numpy(t).dtype == dtype
    np.testing.assert_array_equal(backend.to_numpy(t), x)
    assert backend.dtype(backend.full((2,), 1, dtype)) == dtype
    assert backend.dtype(backend.full_like(t, 1)) == dtype


def test_integers_too_large_for_int32(backend):
    for value in (2**40, [1, 2**40]):
        with pytest.raises((OverflowError, RuntimeError)):
            backend.asarray(value)
    assert backend.asarray(2**40, "int64").item() == 2**40


def test_ragged_lists_are_refused(backend):
    with pytest.raises((TypeError, ValueError)):
        backend.asarray([[1, 2], [3]])


def test_inputs_share_memory_where_it_is_safe(backend):
    x = np.ones(3, "float32")
    assert backend.asarray(x).data_ptr() == x.ctypes.data
    x.flags.writeable = False
    assert backend.asarray(x).data_ptr() != x.ctypes.data
    np.testing.assert_array_equal(backend.asarray(X[::-1, :, ::-2]), X[::-1, :, ::-2])
    np.testing.assert_array_equal(backend.asarray(np.array([1.5], ">f4")), [1.5])


def test_variables_and_host_copies_share_none(backend):
    x = np.ones(3, "float32")
    store = backend.store(x)
    host = backend.to_numpy(store)
    store.add_(1)
    assert x.tolist() == host.tolist() == [1, 1, 1]


def test_cast_truncates(backend):
    assert backend.cast(torch.tensor([1.9, -1.9]), "int32").tolist() == [1, -1]
    assert backend.cast(torch.tensor([0.0, 0.5]), "bool").tolist() == [False, True]
    assert backend.cast(torch.tensor([True]), "float32").tolist() == [1.0]


KEYS = [
    (0,), (-1, slice(1, 3)), (slice(None, None, -1),), (Ellipsis, slice(None, None, -2)),
    (None, slice(3, 0, -1), 2, Ellipsis, None), (slice(None), None, slice(-1, None, -1), 0),
    (slice(0, 0, -1),), (Ellipsis, 1), (slice(2, None, -1), slice(None, None, 2), slice(3, 1, -1)),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_getitem(backend, key):
    np.testing.assert_array_equal(backend.getitem(torch.tensor(X), key), X[key])


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge"])
def test_pad(backend, mode):
    width = ((1, 2), (0, 0), (3, 1))
    np.testing.assert_array_equal(backend.pad(torch.tensor(X), width, mode), np.pad(X, width, mode))
    assert torch.autograd.gradcheck(
        lambda t: backend.pad(t, width, mode), torch.tensor(X, requires_grad=True)
    )


SHAPING = {
    "reshape": ((-1, 10), lambda x, s: x.reshape(s)),
    "transpose": ((2, 0, 1), np.transpose),
    "broadcast_to": ((2, -1, 4, 5), lambda x, s: np.broadcast_to(x, (2, 3, 4, 5))),
    "expand_dims": ((0, -1), np.expand_dims),
    "flip": ((0, 2), np.flip),
    "tile": ((2, 1, 3), np.tile),
    "sort": (1, np.sort),
}


@pytest.mark.parametrize("name", SHAPING)
def test_shaping(backend, name):
    argument, reference = SHAPING[name]
    np.testing.assert_array_equal(
        getattr(backend, name)(torch.tensor(X), argument), reference(X, argument)
    )


def test_joining_and_parting(backend):
    t = torch.tensor(X)
    np.testing.assert_array_equal(backend.concatenate([t, t], -1), np.concatenate([X, X], -1))
    np.testing.assert_array_equal(backend.stack([t, t], -1), np.stack([X, X], -1))
    np.testing.assert_array_equal(backend.repeat(t, 2, 1), np.repeat(X, 2, 1))
    for found, wanted in zip(backend.split(t, [1, 3], -1), np.split(X, [1, 3], -1), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(backend.split(t, 2, 1), np.split(X, 2, 1), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert [tuple(u.shape) for u in backend.unstack(t, 1)] == [(3, 5)] * 4
    assert backend.squeeze(t[:1, :, :1], (0, -1)).shape == (4,)
    with pytest.raises(ValueError, match="not of size 1"):
        backend.squeeze(t, 0)


def test_gathering_and_scattering(backend):
    t, indices = torch.tensor(X), torch.tensor([[0, -1], [2, 2]], dtype=torch.int32)
    np.testing.assert_array_equal(backend.take(t, indices, 1), np.take(X, indices.numpy(), 1))
    with pytest.raises(IndexError):
        backend.take(t, torch.tensor([4]), 1)
    order = np.argsort(X, 1)
    np.testing.assert_array_equal(
        backend.take_along_axis(t, torch.tensor(order).int(), 1), np.take_along_axis(X, order, 1)
    )
    wanted = np.zeros((3, 4))
    np.add.at(wanted, ([0, 2, 0], [1, 3, 1]), [1.0, 2.0, 4.0])
    places = torch.tensor([[0, 1], [2, 3], [0, 1]])
    found = backend.scatter_add(torch.zeros(3, 4), places, torch.tensor([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(found, wanted)
    assert backend.scatter_update(
        torch.zeros(3, 2), torch.tensor([[1]]), torch.ones(1, 2)
    ).tolist() == [[0, 0], [1, 1], [0, 0]]


def test_sorting_is_stable_and_puts_nan_last(backend):
    x = torch.tensor([2.0, np.nan, 1.0, 2.0, 1.0] * 20)
    np.testing.assert_array_equal(backend.argsort(x, 0), np.argsort(x.numpy(), kind="stable"))
    assert backend.argsort(x, 0).dtype == torch.int32
    np.testing.assert_array_equal(backend.sort(x, 0), np.sort(x.numpy()))
    values, indices = backend.top_k(torch.tensor([[1.0, 3.0, 3.0, 2.0]]), 3)
    assert values.tolist() == [[3, 3, 2]]
    assert indices.tolist() == [[1, 2, 3]]


def test_empty_tensors(backend):
    t = torch.zeros(0, 3)
    assert backend.matmul(t, torch.zeros(3, 2)).shape == (0, 2)
    assert backend.softmax(t).shape == (0, 3)
    assert backend.layer_norm(t, None, None, (1,), 1e-3).shape == (0, 3)
    assert backend.random_bits((1, 2), (0, 4)).shape == (0, 4)
    assert backend.asarray([]).shape == (0,)


def test_bfloat16_arrays_of_ml_dtypes(backend):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([[1.5, -2.0], [3.0, 1e30]], ml_dtypes.bfloat16)
    for array in (x, x.T, x[::-1]):
        found = backend.asarray(array)
        assert backend.dtype(found) == "bfloat16"
        np.testing.assert_array_equal(backend.to_numpy(found), array.astype("float32"))
