"""Users' own NumPy code on arrays that are being differentiated: it works, or it raises; no
gradient is lost in silence."""

import numpy as np
import pytest

from tests.backends.numpy.gradcheck import B, central_differences, gradients, worst
from unidl_numpy.tape_array import GradientError, TapeArray

rng = np.random.default_rng(1)
X = rng.normal(size=(3, 4))
W = rng.normal(size=(4, 2))
MASK = X > 0

PROGRAMS = {
    "operators": lambda x: (x * 2 + 1 - x / 3) ** 2,
    "reflected": lambda x: 1 / (3 + x * x) - 2 * x,
    "power": lambda x: 2.0**x,
    "negative": lambda x: -abs(x) + +x,
    "array first": lambda x: X * x + X,
    "matmul": lambda x: x @ W,
    "matmul of an array": lambda x: W.T @ x.T,
    "numpy number": lambda x: np.float64(2) * x * np.sqrt(2),
    "rebinding": lambda x: _add_in_place(x),
    "slice": lambda x: x[1:, ::-1],
    "element": lambda x: x[1, 2],
    "integers": lambda x: x[[0, 0, 2]],
    "mask": lambda x: x[MASK],
    "methods": lambda x: x.sum(0) + x.mean(axis=0) * x.max(0) - x.min(axis=0, keepdims=True),
    "var and std": lambda x: x.var(1) + x.std(1) + np.std(x),
    "prod": lambda x: x.prod(1),
    "transpose": lambda x: x.T @ x + x.transpose(1, 0) @ x.transpose().T,
    "reshape": lambda x: x.reshape(2, 6) @ x.reshape((6, -1)),
    "ravel": lambda x: x.ravel() * x.flatten() * np.ravel(x),
    "astype": lambda x: x.astype("float64") * 2,
    "iteration": lambda x: sum(row * i for i, row in enumerate(x)),
    "unpacking": lambda x: (lambda a, b, c: a * b + c)(*x),
    "exp": lambda x: np.exp(x) + np.tanh(x) * np.sin(x),
    "log": lambda x: (
        np.log(x * x + 1) + np.log1p(x * x) + np.log2(x * x + 1) + np.log10(x * x + 2) + np.exp2(x)
    ),
    "sum": lambda x: np.sum(x, axis=1) + np.mean(x) + np.max(x, axis=-1),
    "reduce": lambda x: np.add.reduce(x, axis=1) * np.maximum.reduce(x, axis=1),
    "concatenate": lambda x: np.concatenate([x, X, x * 2], axis=1),
    "stack": lambda x: np.stack([x, x * x]) + np.vstack([x, x])[:3],
    "where": lambda x: np.where(MASK, x, 0.1 * x) + np.where(x > 0, x, 0),
    "maximum": lambda x: np.maximum(x, 0.1) + np.minimum(x, X[0]),
    "clip": lambda x: np.clip(x, -0.5, 0.5) + x.clip(-1, 1),
    "dot": lambda x: np.dot(x, W) + np.einsum("ij,jk->ik", x, W) + np.tensordot(x, W, 1),
    "moving axes": lambda x: (
        np.moveaxis(x[None], 0, -1) * np.swapaxes(x, 0, 1).T[..., None] * np.expand_dims(x, 2)
    ),
    "roll": lambda x: np.roll(x, 1, axis=1) * np.flip(x, 0) * np.roll(x, 2),
    "take": lambda x: np.take(x, [0, 2], axis=1) * np.repeat(x[:, :1], 2, axis=1),
    "pad": lambda x: np.pad(x, 1) * np.tile(x, 2)[:1, :6],
    "triangles": lambda x: np.tril(x) * 2 + np.triu(x, 1) * x,
    "trace": lambda x: np.trace(x[:, :3]) + np.outer(x[0], x[1]).sum(),
    "cumsum": lambda x: np.cumsum(x, axis=1) + x.cumsum(0),
    "sort": lambda x: np.sort(x, axis=1) * X,
    "linear algebra": lambda x: (
        np.linalg.inv(x[:, :3] + 4 * np.eye(3))
        @ np.linalg.solve(x[:, 1:] + 5 * np.eye(3), np.eye(3))
    ),
    "determinant": lambda x: np.linalg.det(x[:, :3]) * np.ones(2),
    "constants": lambda x: (
        x * (x > 0) * np.isfinite(x) * np.ones_like(x) * x.shape[0] * len(x) * np.ndim(x)
    ),
    "floor": lambda x: x * np.sign(x) + np.floor(x) * x,
}


def _add_in_place(x):
    y = x
    y += x * x
    y *= 2
    return y


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    program = PROGRAMS[name]
    plain_result = program(X.copy())

    def scalar(x):
        result = program(x)
        return (result * np.cos(np.arange(np.size(result)) + 1.0).reshape(np.shape(result))).sum()

    value, grads = gradients(scalar, X)
    np.testing.assert_allclose(value, scalar(X.copy()), rtol=1e-12)
    assert worst(grads, central_differences(scalar, [X], 1e-4)) < 1e-8
    assert type(plain_result) is not TapeArray


REFUSED = {
    "item assignment": (lambda x: x.__setitem__(0, 1.0), "np.where"),
    "assignment into an array": (lambda x: X.copy().__setitem__(0, x[0]), "np.stack"),
    "np.asarray": (lambda x: np.asarray(x), "stop_gradient"),
    "np.array of a list": (lambda x: np.array([x[0, 0], x[0, 1]]), "np.stack"),
    "out": (lambda x: np.add(x, 1, out=X.copy()), "a = a"),
    "in place on an array": (lambda x: X.copy().__iadd__(x), "a = a"),
    "unknown ufunc": (lambda x: np.cbrt(x), "np.cbrt has no gradient here; write .*unidl.ops"),
    "ufunc with where": (lambda x: np.exp(x, where=MASK), "np.exp with where="),
    "accumulate": (lambda x: np.add.accumulate(x), "add.accumulate"),
    "unknown function": (lambda x: np.convolve(x[0], x[1]), "np.convolve has no gradient here"),
    "linalg": (lambda x: np.linalg.pinv(x), "np.linalg.pinv has no gradient here"),
    "unknown method": (lambda x: x.searchsorted(0), "searchsorted has no gradient here"),
    "sort in place": (lambda x: x.sort(), "has no gradient here"),
    "fill": (lambda x: x.fill(0), "has no gradient here"),
    "view": (lambda x: x.view("float32"), "has no gradient here"),
    "flat": (lambda x: x.flat, "has no gradient here"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    program, message = REFUSED[name]
    with pytest.raises(GradientError, match=message):
        gradients(program, X)


def test_float32_and_numbers_of_numpy():
    x = X.astype("float32")
    for program in (
        lambda x: x * np.sqrt(2),
        lambda x: np.float64(2) + x,
        lambda x: x * 3,
        lambda x: x * np.arange(4),
        lambda x: x**2,
    ):
        _, (g,) = gradients(lambda x, f=program: f(x).sum(), x)
        assert g.dtype == "float32"


def test_it_looks_like_an_array():
    def look(x):
        assert isinstance(x, np.ndarray)
        assert B.is_tensor(x)
        assert (x.shape, x.ndim, x.size, x.dtype.name, len(x)) == ((3, 4), 2, 12, "float64", 3)
        assert float(x[0, 0]) == X[0, 0] == x[0, 0].item()
        assert f"{x[0, 0]:.3f}" == f"{X[0, 0]:.3f}"
        assert "on tape" in repr(x)
        assert (x == X).all()
        assert type(B.stop_gradient(x)) is np.ndarray
        assert type(B.to_numpy(x)) is np.ndarray
        with pytest.raises(AttributeError, match="no attribute"):
            x.relu()
        return x.sum()

    gradients(look, X)
