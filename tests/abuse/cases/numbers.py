"""Numbers at their ends: nothing to reduce, division by zero, matrices without a factor, gradients
from the host, means of very many."""

from __future__ import annotations

import numpy as np

import unidl
from tests.abuse.case import right, told
from tests.conftest import INSTALLED
from unidl import layers, metrics, ops, optimizers
from unidl.backend import get_backend

NONE = np.zeros((0,), "float32")
NO_ROWS, NO_COLUMNS = np.zeros((0, 3), "float32"), np.zeros((3, 0), "float32")
nan, inf = np.nan, np.inf
I = np.array([7, -7, 0], "int32")  # noqa: E741
ZERO = np.zeros(3, "int32")
INDEFINITE = np.array([[1, 2], [2, 1]], "float32")
SINGULAR = np.array([[1, 2], [2, 4]], "float32")
GOOD = np.array([[2, 1], [1, 2]], "float32")


def f4(*values):
    return np.array(values, "float32")


def in_a_step(function, x):
    """What a compiled function makes of x."""

    class Step(layers.Layer):
        def call(self, x):
            return function(x)

    inputs = unidl.Input(x.shape[1:], dtype=str(x.dtype))
    return unidl.Model(inputs, Step()(inputs)).predict(x, verbose=0)


class Quiet(np.errstate):
    def __init__(self):
        super().__init__(all="ignore")


def quiet(call):
    def run():
        with Quiet():
            return call()

    return run


# -- gradients from the host


def stepped(optimizer, make, method="apply"):
    variable = unidl.Variable(f4(1, 2))
    if method == "apply":
        optimizer.apply([make(f4(0.5, 1))], [variable])
    else:
        optimizer.apply_gradients([(make(f4(0.5, 1)), variable)])
    return variable.value


def foreign(values):
    other = next(n for n in INSTALLED if n not in ("numpy", get_backend().name))
    return get_backend(other).asarray(values)


OPTIMIZERS = {
    name: getattr(optimizers, name)
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "Lion", "Ftrl")
}
GRADIENTS = {
    "arrays": lambda g: g,
    "float64 arrays": lambda g: g.astype("float64"),
    "lists": lambda g: g.tolist(),
    "big-endian arrays": lambda g: g.astype(">f4"),
    "Variables": lambda g: unidl.Variable(g),
    "tensors": lambda g: ops.convert_to_tensor(g),
}


def expected_step(name):
    def check(result):
        with unidl.backend.use_backend("numpy"):
            wanted = stepped(OPTIMIZERS[name](0.1), lambda g: g)
        np.testing.assert_allclose(ops.convert_to_numpy(result), wanted, rtol=1e-5)
        assert not np.allclose(wanted, [1, 2])

    return check


CASES = [
    # -- of nothing
    *(
        told(
            f"{name} of {what}",
            lambda c=call, x=x, a=axis: c(x, a),
            rf"{name}: .*{text}",
            ValueError,
        )
        for name, call in {
            "max": lambda x, a: ops.max(x, axis=a),
            "min": lambda x, a: ops.min(x, axis=a),
            "argmax": lambda x, a: ops.argmax(x, axis=a),
            "argmin": lambda x, a: ops.argmin(x, axis=a),
        }.items()
        for what, x, axis, text in [
            ("nothing", NONE, None, r"\(0,\)"),
            ("no rows", NO_ROWS, 0, r"\(0, 3\)"),
            ("no columns", NO_COLUMNS, 1, r"\(3, 0\)"),
            ("no columns, negative axis", NO_COLUMNS, -1, r"\(3, 0\)"),
            ("an empty list", [], None, r"\(0,\)"),
            ("no ints", np.zeros((0,), "int32"), 0, r"\(0,\)"),
            ("no bools", np.zeros((0,), "bool"), 0, r"\(0,\)"),
        ]
    ),
    *(
        told(f"{name} of nothing", lambda n=name: getattr(ops, n)(NONE), r"\(0,\)", ValueError)
        for name in ("amax", "amin", "ptp", "nanmax", "nanmin", "median")
    ),
    told("quantile of nothing", lambda: ops.quantile(NONE, 0.5), r"\(0,\)", ValueError),
    told("norm of nothing, inf", lambda: ops.norm(NONE, ord=inf), r"\(0,\)", ValueError),
    told("argmax of the axis of nothing", lambda: ops.argmax(NO_COLUMNS), r"\(0,\)", ValueError),
    *(
        right(f"{name} of nothing", quiet(call), expected)
        for name, call, expected in [
            ("max, another axis", lambda: ops.max(NO_ROWS, axis=1), NONE),
            ("argmax, another axis", lambda: ops.argmax(NO_ROWS, axis=1), np.zeros(0, "int32")),
            ("max, initial", lambda: ops.max(NONE, initial=3.0), f4(3)[0]),
            ("min, initial", lambda: ops.min(NO_ROWS, axis=0, initial=3.0), f4(3, 3, 3)),
            ("sum", lambda: ops.sum(NONE), f4(0)[0]),
            ("sum, axis", lambda: ops.sum(NO_ROWS, axis=0), f4(0, 0, 0)),
            ("sum of ints", lambda: ops.sum(np.zeros(0, "int32")), np.int32(0)),
            ("prod", lambda: ops.prod(NONE), f4(1)[0]),
            ("prod, axis", lambda: ops.prod(NO_COLUMNS, axis=1), f4(1, 1, 1)),
            ("mean", lambda: ops.mean(NONE), f4(nan)[0]),
            ("mean, axis", lambda: ops.mean(NO_ROWS, axis=0), f4(nan, nan, nan)),
            ("var", lambda: ops.var(NONE), f4(nan)[0]),
            ("std", lambda: ops.std(NO_COLUMNS, axis=1), f4(nan, nan, nan)),
            ("any", lambda: ops.any(NONE), np.array(False)),
            ("all", lambda: ops.all(NO_ROWS, axis=0), np.array([True] * 3)),
            ("count_nonzero", lambda: ops.count_nonzero(NONE), np.int32(0)),
            ("logsumexp", lambda: ops.logsumexp(NONE), f4(-inf)[0]),
            ("logsumexp, axis", lambda: ops.logsumexp(NO_COLUMNS, axis=1), f4(-inf, -inf, -inf)),
            ("cumsum", lambda: ops.cumsum(NONE), NONE),
            ("cumprod", lambda: ops.cumprod(NONE), NONE),
            ("sort", lambda: ops.sort(NONE), NONE),
            ("argsort", lambda: ops.argsort(NO_COLUMNS), np.zeros((3, 0), "int32")),
            ("norm", lambda: ops.norm(NONE), f4(0)[0]),
            ("nansum", lambda: ops.nansum(NONE), f4(0)[0]),
            ("dot", lambda: ops.dot(NONE, NONE), f4(0)[0]),
            ("matmul", lambda: ops.matmul(NO_COLUMNS, NO_ROWS), np.zeros((3, 3), "f4")),
            (
                "einsum",
                lambda: ops.einsum("ij,jk->ik", NO_COLUMNS, NO_ROWS),
                np.zeros((3, 3), "f4"),
            ),
            ("softmax", lambda: ops.softmax(NO_ROWS), NO_ROWS),
            ("softmax over no columns", lambda: ops.softmax(NO_COLUMNS), NO_COLUMNS),
            ("concatenate", lambda: ops.concatenate([NO_ROWS, NO_ROWS], 0), NO_ROWS),
            ("diff", lambda: ops.diff(f4(1)), NONE),
            ("searchsorted", lambda: ops.searchsorted(NONE, f4(1)), np.array([0], "int32")),
            ("unique", lambda: ops.unique(NONE), NONE),
            ("nanmean", lambda: ops.nanmean(NONE), f4(nan)[0]),
            ("pad", lambda: ops.pad(NONE, (1, 1)), f4(0, 0)),
            ("flip", lambda: ops.flip(NO_ROWS, 0), NO_ROWS),
            ("roll", lambda: ops.roll(NONE, 3), NONE),
            ("tile", lambda: ops.tile(f4(1), 0), NONE),
            ("repeat", lambda: ops.repeat(f4(1, 2), 0), NONE),
        ]
    ),
    # -- padding and creation
    *(
        told(f"pad: {width}, {mode}", lambda w=width, m=mode: ops.pad(I, w, m), "pad: .*negative")
        for mode in ("constant", "edge", "reflect", "symmetric")
        for width in (-1, (-1, 1), ((1, -2),))
    ),
    told("pad: floats", lambda: ops.pad(I, (0.5, 1)), r"pad: .*0\.5"),
    told("pad: a string", lambda: ops.pad(I, "a"), "pad: .*'a'"),
    *(
        told(f"{name}: negative", call, r"^\w+: .*-\d", ValueError)
        for name, call in {
            "full": lambda: ops.full((-1,), 0.0),
            "zeros": lambda: ops.zeros((2, -2)),
            "ones": lambda: ops.ones(-3),
            "eye": lambda: ops.eye(-2),
            "broadcast_to": lambda: ops.broadcast_to(f4(1), (-2, 3)),
        }.items()
    ),
    told("arange: a step of 0", lambda: ops.arange(0, 5, 0), "arange: .*step", ValueError),
    told("arange: a step of 0.0", lambda: ops.arange(0.0, 5.0, 0.0), "arange: .*step", ValueError),
    told("arange: NaN", lambda: ops.arange(0.0, nan), "arange: .*nan", ValueError),
    told("arange: inf", lambda: ops.arange(0.0, inf), "arange: .*inf", ValueError),
    right("arange: backwards to nothing", lambda: ops.arange(5, 0), np.zeros(0, "int32")),
    # -- integers divided by zero, as NumPy has it
    *(
        right(f"{name} by 0", quiet(call), expected)
        for name, call, expected in [
            ("floor_divide", lambda: ops.floor_divide(I, ZERO), ZERO),
            ("floor_divide, a number", lambda: ops.floor_divide(I, 0), ZERO),
            ("floor_divide of a number", lambda: ops.floor_divide(5, ZERO), ZERO),
            ("mod", lambda: ops.mod(I, ZERO), ZERO),
            ("mod, a number", lambda: ops.mod(I, 0), ZERO),
            ("mod of a number", lambda: ops.mod(5, ZERO), ZERO),
            (
                "floor_divide, one of three",
                lambda: ops.floor_divide(I, np.array([2, 2, 0], "int32")),
                np.array([3, -4, 0], "int32"),
            ),
            (
                "mod, one of three",
                lambda: ops.mod(I, np.array([2, -2, 0], "int32")),
                np.array([1, -1, 0], "int32"),
            ),
            (
                "floor_divide of int64",
                lambda: ops.floor_divide(I.astype("int64"), ZERO.astype("int64")),
                ZERO.astype("int64"),
            ),
            (
                "floor_divide of uint8",
                lambda: ops.floor_divide(np.array([3], "uint8"), np.array([0], "uint8")),
                np.array([0], "uint8"),
            ),
            (
                "floor_divide in a step",
                lambda: in_a_step(lambda x: ops.floor_divide(x, x), np.zeros((2, 1), "int32")),
                np.zeros((2, 1), "int32"),
            ),
            (
                "mod in a step",
                lambda: in_a_step(lambda x: ops.mod(x, x), np.zeros((2, 1), "int32")),
                np.zeros((2, 1), "int32"),
            ),
            ("divide", lambda: ops.divide(I, ZERO), f4(inf, -inf, nan)),
            ("divide of floats", lambda: ops.divide(f4(1, -1, 0), 0.0), f4(inf, -inf, nan)),
            (
                "floor_divide of floats",
                lambda: ops.floor_divide(f4(1, -1, 0), 0.0),
                f4(inf, -inf, nan),
            ),
            ("mod of floats", lambda: ops.mod(f4(1, -1, 0), 0.0), f4(nan, nan, nan)),
            ("divide_no_nan", lambda: ops.divide_no_nan(f4(1, 0), f4(0, 0)), f4(0, 0)),
            ("reciprocal", lambda: ops.reciprocal(f4(0)), f4(inf)),
            ("gcd with", lambda: ops.gcd(I, ZERO), np.array([7, 7, 0], "int32")),
            ("lcm with", lambda: ops.lcm(I, ZERO), ZERO),
        ]
    ),
    # -- bits
    *(
        told(f"{name}: by {bits}", lambda n=name, b=bits: getattr(ops, n)(I, b), rf"{name}.*{bits}")
        for name in ("left_shift", "right_shift")
        for bits in (-1, 32, 100)
    ),
    # -- matrices
    *(
        told(f"cholesky: {what}", lambda x=x: ops.cholesky(x), "cholesky: .*positive definite")
        for what, x in {
            "an indefinite matrix": INDEFINITE,
            "a negative matrix": -np.eye(2, dtype="f4"),
            "zeros": np.zeros((2, 2), "f4"),
            "one of two": np.stack([GOOD, INDEFINITE]),
            "float64": INDEFINITE.astype("float64"),
        }.items()
    ),
    told("logdet: an indefinite matrix", lambda: ops.logdet(INDEFINITE), "positive definite"),
    right(
        "cholesky: the upper factor is not read",
        lambda: ops.cholesky(f4([2, 9], [1, 2])),
        np.linalg.cholesky(GOOD),
    ),
    *(
        told(f"{name}: {what}", lambda c=call, x=x: c(x), rf"{name}: .*singular", ValueError)
        for name, call in {
            "solve": lambda x: ops.solve(x, np.ones((*x.shape[:-1], 1), x.dtype)),
            "inv": ops.inv,
        }.items()
        for what, x in {
            "a singular matrix": SINGULAR,
            "zeros": np.zeros((2, 2), "f4"),
            "one of two": np.stack([GOOD, SINGULAR]),
            "float64": SINGULAR.astype("float64"),
        }.items()
    ),
    told("solve: a vector", lambda: ops.solve(SINGULAR, f4(1, 2)), "solve: .*singular", ValueError),
    told(
        "solve_triangular: a zero on the diagonal",
        lambda: ops.solve_triangular(f4([1, 2], [0, 0]), f4([1], [1])),
        "solve_triangular: .*singular",
        ValueError,
    ),
    right("det: a singular matrix", lambda: ops.det(SINGULAR), f4(0)[0]),
    right("pinv: a singular matrix", lambda: ops.pinv(np.zeros((2, 2), "f4")), [[0, 0], [0, 0]]),
    right(
        "solve: of nothing",
        lambda: ops.solve(np.zeros((0, 2, 2), "f4"), np.zeros((0, 2, 1), "f4")),
        np.zeros((0, 2, 1), "f4"),
    ),
    *(
        told(f"{name}: not square", lambda n=name: getattr(ops, n)(np.ones((2, 3), "f4")), name)
        for name in ("cholesky", "inv", "det", "eigh")
    ),
    # -- gradients from the host
    *(
        right(
            f"{optimizer}: gradients are {what}",
            lambda o=optimizer, m=make: stepped(OPTIMIZERS[o](0.1), m),
            expected_step(optimizer),
        )
        for optimizer in OPTIMIZERS
        for what, make in GRADIENTS.items()
    ),
    right(
        "apply_gradients: arrays",
        lambda: stepped(optimizers.SGD(0.1), lambda g: g, "apply_gradients"),
        f4(0.95, 1.9),
    ),
    right(
        "apply_gradients: arrays, clipped",
        lambda: stepped(optimizers.SGD(0.1, clipnorm=0.1), lambda g: g, "apply_gradients"),
        lambda y: np.testing.assert_allclose(
            ops.convert_to_numpy(y), f4(1, 2) - 0.01 * f4(0.5, 1) / np.sqrt(1.25), rtol=1e-5
        ),
    ),
    right(
        "apply: tensors of another framework",
        lambda: stepped(optimizers.SGD(0.1), foreign),
        f4(0.95, 1.9),
    ),
    *(
        told(
            f"apply: gradients that are {what}",
            lambda g=g: stepped(optimizers.SGD(0.1), lambda _: g),
            text,
            (TypeError, ValueError),
        )
        for what, g, text in [
            ("strings", "abc", "str"),
            ("of another shape", f4(1, 2, 3), r"\(3,\).*\(2,\)|\(2,\).*\(3,\)"),
            ("one number", 1.0, r"\(\)"),
            ("objects", np.array([None, 1], object), "object"),
            ("complex", np.array([1j, 2]), "complex"),
        ]
    ),
    told("apply_gradients: nothing", lambda: optimizers.SGD().apply_gradients([]), "gradient"),
    told(
        "apply_gradients: no pairs",
        lambda: optimizers.SGD().apply_gradients([unidl.Variable(f4(1))]),
        "pair",
    ),
    # -- means of very many
    *(
        right(
            f"{name}: the count is exact beyond 2**24",
            lambda m=make: counted(m()),
            lambda pair: np.testing.assert_equal(float(pair[0]), pair[1]),
        )
        for name, make in {
            "Mean": lambda: metrics.Mean(),
            "MeanSquaredError": lambda: metrics.MeanSquaredError(),
            "Sum": lambda: metrics.Sum(),
            "Accuracy": lambda: metrics.Accuracy(),
        }.items()
    ),
    right(
        "Mean: goes on after 2**24 updates",
        lambda: long_mean(),
        lambda y: np.testing.assert_allclose(ops.convert_to_numpy(y), 1.5, rtol=1e-6),
    ),
    right("Mean: of nothing", lambda: metrics.Mean()(NONE), 0.0),
]


def _updated(metric):
    if isinstance(metric, (metrics.MeanSquaredError, metrics.Accuracy)):
        metric.update_state(
            f4([0]), f4([1]) if isinstance(metric, metrics.MeanSquaredError) else f4([0])
        )
    else:
        metric.update_state(f4(1))


def counted(metric):
    """(count or total after 2**24 and three more updates, what it should be)."""
    _updated(metric)
    variable = metric.total if isinstance(metric, metrics.Sum) else metric.count
    variable.assign(2**24)
    for _ in range(3):
        _updated(metric)
    return ops.convert_to_numpy(variable), 2**24 + 3


def long_mean():
    metric = metrics.Mean()
    metric.update_state(f4(1.5))
    metric.total.assign(1.5 * 2**26)
    metric.count.assign(2**26)
    for _ in range(20):
        metric.update_state(f4(1.5))
    assert float(ops.convert_to_numpy(metric.total)) == 1.5 * (2**26 + 20)
    return metric.result()
