"""Indexing, scatter, choice and order."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, booleans, integers, normal

INF, NAN = np.inf, np.nan
S = slice

KEYS = {
    "int": (1,), "negative int": (-1,), "slice": (S(1, 3),), "negative step": (S(None, None, -1),),
    "negative step of two": (S(3, None, -2),), "step": (S(None, None, 2), S(1, None, 3)),
    "ellipsis": (..., 0), "new axis": (None, ..., None),
    "mixed": (S(0, 2), None, -1, S(None, None, -1)), "empty": (S(2, 2),),
    "past the end": (S(1, 99), S(-99, 2)), "scalar": (1, 2, 3), "everything": (S(None),),
    "middle int": (S(None), 1), "negative stop": (..., S(None, -1)),
}  # fmt: skip

GETITEM = [
    Case(
        "getitem",
        label,
        lambda B, x, key=key: B.getitem(x, key),
        {"x": normal(4, 5, 6)},
        kind="exact",
    )
    for label, key in KEYS.items()
]
GETITEM += [
    Case(
        "getitem",
        "six axes",
        lambda B, x: B.getitem(x, (S(None), -1, S(None), S(0, 2))),
        {"x": normal(2, 3, 1, 4, 2, 2)},
        kind="exact",
    )
]
GETITEM += [
    Case("getitem", "bools", lambda B, x: B.getitem(x, (S(None, None, -1),)), {"x": booleans(5)})
]

TAKE = [
    Case(
        "take",
        label,
        lambda B, x, i, axis=axis: B.take(x, i, axis),
        {"x": x, "indices": np.asarray(i)},
        kind="exact",
        traced=traced,
    )
    for label, x, i, axis, traced in (
        ("repeated indices", normal(5, 3), np.array([1, 1, 4, 1], "int32"), 0, True),
        ("negative indices", normal(5, 3), np.array([-1, 0, -5], "int32"), 0, True),
        (
            "matrix of int64 indices, last axis",
            normal(2, 5),
            np.array([[0, 4], [4, 4]], "int64"),
            -1,
            True,
        ),
        ("scalar index", normal(2, 5, 3), np.array(2, "int32"), 1, True),
        ("integers", integers(0, 9, 5), np.array([3, 3, 0], "int32"), 0, True),
        ("no indices", normal(5, 3), np.zeros((0,), "int32"), 0, False),
        ("uint8 indices", normal(5, 3), np.array([0, 4, 4], "uint8"), 0, True),
    )
]
TAKE += [
    Case(
        "take_along_axis",
        label,
        lambda B, x, i, axis=axis: B.take_along_axis(x, i, axis),
        {"x": x, "indices": np.array(i, dtype)},
        kind="exact",
    )
    for label, x, i, axis, dtype in (
        ("", normal(3, 4), [[0], [3], [1]], 1, "int32"),
        ("repeated", normal(3, 4), [[0, 0, 2], [3, 3, 3], [1, 0, 1]], -1, "int64"),
        ("first axis", normal(3, 4), [[2, 0, 1, 1]], 0, "int32"),
        ("indices broadcast", normal(3, 4), [[1, 1]], 1, "int32"),
        ("rank three, middle axis", normal(2, 3, 2), [[[0, 2]], [[1, 1]]], 1, "int32"),
    )
]
TAKE += [
    Case(
        "embedding",
        label,
        lambda B, t, i: B.embedding(t, i),
        {"table": normal(5, 3), "indices": np.array(i, dtype)},
        kind="exact",
    )
    for label, i, dtype in (
        ("repeated indices", [[0, 4, 4], [4, 1, 0]], "int32"),
        ("vector of int64", [3, 3], "int64"),
        ("scalar", 2, "int32"),
    )
]
TAKE += [
    Case(
        "embedding",
        "no indices",
        lambda B, t, i: B.embedding(t, i),
        {"table": normal(5, 3), "indices": np.zeros((0, 2), "int32")},
        kind="exact",
        traced=False,
    )
]

SCATTER = [
    Case(
        name,
        label,
        lambda B, x, i, u, name=name: getattr(B, name)(x, i, u),
        {"x": x, "indices": np.array(i, dtype), "updates": u},
        kind=kind,
    )
    for name, label, x, i, u, dtype, kind in (
        (
            "scatter_add",
            "repeated indices",
            normal(5, 3),
            [[1], [1], [4]],
            normal(3, 3),
            "int32",
            "linear",
        ),
        (
            "scatter_add",
            "elements",
            normal(4, 3),
            [[0, 1], [3, 2], [0, 1]],
            normal(3),
            "int64",
            "linear",
        ),
        (
            "scatter_add",
            "integers",
            integers(0, 9, 5),
            [[0], [0], [2]],
            np.array([1, 2, 3], "int32"),
            "int32",
            "exact",
        ),
        ("scatter_update", "", normal(5, 3), [[1], [4]], normal(2, 3), "int32", "exact"),
        ("scatter_update", "elements", normal(4, 3), [[0, 1], [3, 2]], normal(2), "int64", "exact"),
        (
            "scatter_update",
            "integers",
            integers(0, 9, 5),
            [[0], [2]],
            np.array([7, 8], "int32"),
            "int32",
            "exact",
        ),
    )
]

# An infinite slope in the branch not taken (sqrt, log or a quotient at its pole) meets a gradient
# of 0, and 0 * inf is NaN on some frameworks: there the argument itself wants a guard, as in
# "argument guarded".
WHERE = [
    Case(
        "where",
        "broadcast",
        lambda B, c, x, y: B.where(c, x, y),
        {"condition": booleans(3, 1), "x1": normal(3, 4), "x2": normal(4)},
        kind="exact",
    ),
    Case(
        "where",
        "integers",
        lambda B, c, x, y: B.where(c, x, y),
        {"condition": booleans(6), "x1": integers(0, 9, 6), "x2": integers(0, 9, 6)},
    ),
    Case(
        "where",
        "six axes",
        lambda B, c, x, y: B.where(c, x, y),
        {
            "condition": booleans(2, 1, 2, 1, 2, 1),
            "x1": integers(0, 9, 1, 2, 2, 2, 1, 3),
            "x2": integers(0, 9, 2, 1, 3),
        },
    ),
    Case(
        "where",
        "NaN in the branch not taken",
        lambda B, x: B.where(B.greater(x, 0.0), B.log(x), x),
        {"x": [-1.0, 2.0, -3.0]},
        kind="ulp",
    ),
    Case(
        "where",
        "argument guarded",
        lambda B, x: B.where(
            B.greater(x, 0.0), B.sqrt(B.where(B.greater(x, 0.0), x, B.full_like(x, 1))), x
        ),
        {"x": [0.0, -1.0, 4.0]},
        kind="ulp",
    ),
    Case(
        "where",
        "NaN itself not taken",
        lambda B, c, x, y: B.where(c, x, y),
        {"condition": [True, False], "x1": [1.0, NAN], "x2": [NAN, 2.0]},
        kind="exact",
    ),
    Case(
        "where",
        "scalar condition",
        lambda B, c, x, y: B.where(c, x, y),
        {"condition": np.array(True), "x1": normal(3), "x2": normal(3)},
        kind="exact",
    ),
]

ORDER = [
    Case("sort", label, lambda B, x, axis=axis: B.sort(x, axis), {"x": x}, kind="exact")
    for label, x, axis in (
        ("", normal(3, 7), -1),
        ("first axis", normal(5, 2), 0),
        ("integers", integers(0, 5, 9), 0),
        ("size one", normal(3, 1), 1),
    )
]
ORDER += [
    Case(
        "sort",
        "NaN last",
        lambda B, x: B.sort(x, 0),
        {"x": [3.0, NAN, -INF, INF, 1.0]},
        kind="exact",
        gradients=False,
    ),
    *(
        Case(
            "argsort", label, lambda B, x, axis=axis: B.argsort(x, axis), {"x": x}, gradients=False
        )
        for label, x, axis in (
            ("", normal(3, 7), -1),
            ("stable with ties", np.array([[2, 1, 2, 1, 1, 2, 0, 0] * 8], "float64"), 1),
            ("integers with ties, first axis", integers(0, 3, 40, 2), 0),
            ("int64 beyond float precision", np.array([2**53 + 1, 2**53, 2**53 + 2], "int64"), 0),
            ("NaN last", [3.0, NAN, 1.0], 0),
            ("bools", booleans(9), 0),
        )
    ),
    Case("top_k", "", lambda B, x: B.top_k(x, 3), {"x": normal(2, 3, 7)}, kind="exact"),
    Case(
        "top_k",
        "first of equals first",
        lambda B, x: B.top_k(x, 3),
        {"x": [[1.0, 2.0, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]},
        kind="exact",
    ),
    Case("top_k", "integers", lambda B, x: B.top_k(x, 2), {"x": integers(-9, 9, 6)}, kind="exact"),
    Case(
        "top_k",
        "unsigned",
        lambda B, x: B.top_k(x, 2),
        {"x": np.array([0, 255, 3, 128], "uint8")},
        kind="exact",
    ),
    Case(
        "top_k",
        "the smallest integer",
        lambda B, x: B.top_k(x, 3),
        {"x": np.array([5, -(2**31), 0, 2**31 - 1], "int32")},
        kind="exact",
    ),
    Case("top_k", "all", lambda B, x: B.top_k(x, 4), {"x": normal(2, 4)}, kind="exact"),
]

ONE_HOT = [
    Case("one_hot", "", lambda B, i: B.one_hot(i, 4, "float32"), {"indices": integers(0, 4, 2, 3)}),
    Case(
        "one_hot",
        "out of range gives zeros",
        lambda B, i: B.one_hot(i, 3, "float64"),
        {"indices": np.array([-1, 0, 3, 2], "int64")},
    ),
    Case(
        "one_hot",
        "integers, scalar",
        lambda B, i: B.one_hot(i, 3, "int32"),
        {"indices": np.array(1, "int32")},
    ),
    Case(
        "one_hot",
        "uint8",
        lambda B, i: B.one_hot(i, 3, "float32"),
        {"indices": np.array([0, 2], "uint8")},
    ),
]

CASES = [*GETITEM, *TAKE, *SCATTER, *WHERE, *ORDER, *ONE_HOT]
