"""Every primitive against NumPy in float64 and float32, and its gradient against finite differences."""

import math

import numpy as np
import pytest
import torch

from unidl.backend.contract import names

rng = np.random.default_rng(1)
X = rng.standard_normal((3, 4))
POSITIVE = np.abs(X) + 0.3
INSIDE = np.tanh(X) * 0.9

DOMAIN = {
    **dict.fromkeys(("sqrt", "log", "log1p"), POSITIVE),
    **dict.fromkeys(("arcsin", "arccos", "arctanh", "erfinv"), INSIDE),
    "arccosh": POSITIVE + 1,
}
# What NumPy lacks: the functions that satisfy erf(erfinv(x)) = x and so on are checked in test_special.
NUMPY_LACKS = ("erf", "erfinv", "sigmoid")
# Fused multiply-adds and other polynomials: a few units in the last place.
ULPS = 8


def close(found, reference, dtype):
    reference = np.asarray(reference)
    assert found.shape == reference.shape
    if found.dtype.kind != "f":
        assert found.dtype == reference.dtype
        np.testing.assert_array_equal(found, reference)
        return
    assert found.dtype == dtype
    budget = ULPS * np.finfo(dtype).eps
    np.testing.assert_allclose(
        found,
        reference,
        rtol=budget,
        atol=budget * np.abs(reference[np.isfinite(reference)]).max(initial=0) / 8,
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [n for n in names.UNARY if n not in NUMPY_LACKS])
def test_unary(backend, name, dtype):
    x = DOMAIN.get(name, X).astype(dtype)
    close(
        getattr(backend, name)(torch.tensor(x)).numpy(),
        getattr(np, name)(x.astype("float64")),
        dtype,
    )


@pytest.mark.parametrize("name", names.UNARY)
def test_unary_gradient(backend, name):
    x = torch.tensor(DOMAIN.get(name, X), requires_grad=True)
    assert torch.autograd.gradcheck(getattr(backend, name), x)


def test_special(backend):
    x = torch.tensor(X)
    np.testing.assert_allclose(backend.erf(x), np.vectorize(math.erf)(X), rtol=1e-14)
    np.testing.assert_allclose(
        backend.erf(backend.erfinv(torch.tensor(INSIDE))), INSIDE, rtol=1e-14
    )
    np.testing.assert_allclose(backend.sigmoid(x), 1 / (1 + np.exp(-X)), rtol=1e-14)


EDGES = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 0.5, 1.5, 2.5, -0.5, -1.5, 1e-310])


@pytest.mark.parametrize(
    "name", [n for n in (*names.UNARY, *names.UNARY_PREDICATE) if n not in NUMPY_LACKS]
)
def test_unary_edges(backend, name):
    with np.errstate(all="ignore"):
        reference = getattr(np, name)(EDGES)
    found = getattr(backend, name)(torch.tensor(EDGES)).numpy()
    assert found.dtype == reference.dtype
    np.testing.assert_allclose(found, reference, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [*names.BINARY, *names.COMPARISON])
def test_binary(backend, name, dtype):
    a, b = (
        (POSITIVE if name == "power" else 4 * X).astype(dtype),
        rng.standard_normal((4,)).astype(dtype),
    )
    reference, function = getattr(np, name), getattr(backend, name)
    close(
        function(torch.tensor(a), torch.tensor(b)).numpy(),
        reference(a.astype("float64"), b.astype("float64")),
        dtype,
    )
    close(function(torch.tensor(a), 1.5).numpy(), reference(a.astype("float64"), 1.5), dtype)
    close(function(1.5, torch.tensor(a)).numpy(), reference(1.5, a.astype("float64")), dtype)


@pytest.mark.parametrize("name", [n for n in names.BINARY if n not in ("divide", "arctan2")])
def test_binary_of_integers(backend, name):
    a, b = np.array([7, -7, 7, -7], "int32"), np.array([2, 2, 3, 3], "int32")
    found = getattr(backend, name)(torch.tensor(a), torch.tensor(b)).numpy()
    close(found, getattr(np, name)(a, b), "int32")


@pytest.mark.parametrize("name", names.BINARY)
def test_binary_gradient(backend, name):
    a = torch.tensor(POSITIVE if name == "power" else 4 * X, requires_grad=True)
    b = torch.tensor([1.3, -0.7, 2.1, 0.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(getattr(backend, name), (a, b))


@pytest.mark.parametrize("name", [*names.LOGICAL, *names.BITWISE])
def test_logic(backend, name):
    kind = "bool" if name in names.LOGICAL else "int32"
    a, b = np.array([0, 0, 1, 1], kind), np.array([0, 1, 0, 1], kind)
    close(
        getattr(backend, name)(torch.tensor(a), torch.tensor(b)).numpy(),
        getattr(np, name)(a, b),
        kind,
    )
    close(backend.logical_not(torch.tensor(a.astype(bool))).numpy(), ~a.astype(bool), kind)


def test_shifts(backend):
    x = np.array([5, -5, 1 << 20], "int32")
    close(backend.left_shift(torch.tensor(x), 3).numpy(), x << 3, "int32")
    close(backend.right_shift(torch.tensor(x), 1).numpy(), x >> 1, "int32")


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 1), ()])
@pytest.mark.parametrize("name", [*names.REDUCTION, *names.REDUCTION_LOGICAL, "var", "logsumexp"])
def test_reduction(backend, name, axis, keepdims):
    x = rng.standard_normal((2, 3, 4))
    if name in names.REDUCTION_LOGICAL:
        x = x > 0.5
    reference = (
        (lambda x, **k: np.log(np.sum(np.exp(x), **k)))
        if name == "logsumexp"
        else getattr(np, name)
    )
    function = getattr(backend, name)
    close(
        function(torch.tensor(x), axis, keepdims).numpy(),
        reference(x, axis=axis, keepdims=keepdims),
        "float64",
    )
    if x.dtype != bool:
        assert torch.autograd.gradcheck(
            lambda t: function(t, axis, keepdims), torch.tensor(x, requires_grad=True)
        )


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_integer_reduction_keeps_its_dtype(backend, name):
    x = np.arange(1, 7, dtype="int32").reshape(2, 3)
    assert getattr(backend, name)(torch.tensor(x), 0).dtype == torch.int32


@pytest.mark.parametrize("name", ["sum", "mean", "prod"])
def test_reduction_of_nothing(backend, name):
    with (
        np.errstate(all="ignore"),
        pytest.warns(RuntimeWarning) if name == "mean" else np.errstate(),
    ):
        reference = getattr(np, name)(np.zeros((0, 3)), axis=0)
    np.testing.assert_array_equal(getattr(backend, name)(torch.zeros(0, 3), 0), reference)


def test_maximum_of_nothing_is_an_error(backend):
    with pytest.raises(IndexError):
        backend.max(torch.zeros(0, 3), 0)


def test_index_of_the_first_extreme(backend):
    x = torch.tensor([[1, 3, 3], [2, 0, 0]] * 40)
    for name in names.REDUCTION_INDEX:
        found = getattr(backend, name)(x, 1, True)
        assert found.dtype == torch.int32
        np.testing.assert_array_equal(found, getattr(np, name)(x.numpy(), axis=1, keepdims=True))


@pytest.mark.parametrize("name", names.CUMULATIVE)
def test_cumulative(backend, name):
    close(
        getattr(backend, name)(torch.tensor(X), 1).numpy(), getattr(np, name)(X, axis=1), "float64"
    )
    assert getattr(backend, name)(torch.tensor([1, 2], dtype=torch.int32), 0).dtype == torch.int32
    assert torch.autograd.gradcheck(
        lambda t: getattr(backend, name)(t, 1), torch.tensor(X, requires_grad=True)
    )


def test_products(backend):
    a, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5))
    close(backend.matmul(torch.tensor(a), torch.tensor(b)).numpy(), a @ b, "float64")
    close(backend.matmul(torch.tensor(a), torch.tensor(b[:, 0])).numpy(), a @ b[:, 0], "float64")
    close(
        backend.einsum("...ij,jk", torch.tensor(a), torch.tensor(b)).numpy(),
        np.einsum("...ij,jk", a, b),
        "float64",
    )
    close(
        backend.tensordot(torch.tensor(a), torch.tensor(b), 1).numpy(),
        np.tensordot(a, b, 1),
        "float64",
    )


def test_linear_algebra(backend):
    a = rng.standard_normal((2, 4, 4))
    spd = a @ a.swapaxes(1, 2) + np.eye(4)
    b = rng.standard_normal((2, 4, 3))
    t = torch.tensor
    np.testing.assert_allclose(backend.cholesky(t(spd)), np.linalg.cholesky(spd), atol=1e-12)
    np.testing.assert_allclose(backend.solve(t(spd), t(b)), np.linalg.solve(spd, b), atol=1e-12)
    np.testing.assert_allclose(backend.inv(t(spd)), np.linalg.inv(spd), atol=1e-12)
    np.testing.assert_allclose(backend.det(t(spd)), np.linalg.det(spd), rtol=1e-12)
    for lower in (True, False):
        triangle = np.tril(spd) if lower else np.triu(spd)
        np.testing.assert_allclose(
            backend.solve_triangular(t(spd), t(b), lower), np.linalg.solve(triangle, b), atol=1e-12
        )
    q, r = backend.qr(t(b))
    np.testing.assert_allclose(q @ r, b, atol=1e-12)
    u, s, vh = backend.svd(t(b))
    np.testing.assert_allclose((u * s[:, None]) @ vh, b, atol=1e-12)
    values, vectors = backend.eigh(t(spd))
    np.testing.assert_allclose((vectors * values[:, None]) @ vectors.mT, spd, atol=1e-12)


def gradient(function, *values):
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    return [g.tolist() for g in torch.autograd.grad(function(*leaves).sum(), leaves)]


def test_ties_are_split_evenly(backend):
    assert gradient(backend.maximum, [1.0, 2.0], [1.0, 1.0]) == [[0.5, 1.0], [0.5, 0.0]]
    assert gradient(backend.minimum, [1.0, 2.0], [1.0, 1.0]) == [[0.5, 0.0], [0.5, 1.0]]
    assert gradient(lambda x: backend.maximum(x, 0.0), [0.0, 1.0]) == [[0.5, 1.0]]
    assert gradient(lambda x: backend.max(x, 0), [1.0, 1.0, 0.0]) == [[0.5, 0.5, 0.0]]
    assert gradient(lambda x: backend.min(x), [1.0, 0.0, 0.0]) == [[0.0, 0.5, 0.5]]


def test_kinks(backend):
    assert gradient(backend.abs, [0.0, -2.0]) == [[0.0, -1.0]]
    assert gradient(lambda x: backend.clip(x, 0, 1), [-1.0, 0.0, 1.0, 2.0]) == [
        [0.0, 1.0, 1.0, 0.0]
    ]
    assert gradient(lambda x: backend.clip(x, None, 1), [1.0, 2.0]) == [[1.0, 0.0]]
    assert gradient(backend.relu, [0.0, 1.0]) == [[0.0, 1.0]]
    assert gradient(backend.relu6, [0.0, 6.0, 5.0]) == [[0.0, 0.0, 1.0]]
    assert gradient(lambda x: backend.leaky_relu(x, 0.2), [0.0]) == [[0.2]]
    assert gradient(backend.softplus, [0.0]) == [[0.5]]
    for name in ("floor", "ceil", "round", "trunc", "sign"):
        assert gradient(getattr(backend, name), [0.5, 1.0, -0.0]) == [[0.0, 0.0, 0.0]]
    assert gradient(lambda x: backend.floor_divide(x, 2.0), [3.0]) == [[0.0]]


def test_where_ignores_nan_in_the_branch_not_taken(backend):
    def chosen(x, y):
        return backend.where(torch.tensor([True, False]), x, y)

    assert gradient(chosen, [1.0, np.nan], [np.nan, 2.0]) == [[1.0, 0.0], [0.0, 1.0]]
    assert gradient(lambda x: backend.where(x > 0, backend.log(x), x), [1.0, -1.0]) == [[1.0, 1.0]]
