"""Conversion, creation and shape: what moves elements and computes nothing."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, booleans, integers, normal

INF, NAN = np.inf, np.nan


def _move(method, label, call, x=None, **options):
    return Case(
        method, label, call, {"x": normal(2, 3, 4) if x is None else x}, kind="exact", **options
    )


CONVERSION = [
    Case("asarray", "Python numbers", lambda B: [B.asarray(1.5), B.asarray(3), B.asarray(True)]),
    Case(
        "asarray",
        "lists",
        lambda B: [B.asarray([1.5, 2]), B.asarray([[1, 2]]), B.asarray([True, False])],
    ),
    Case(
        "asarray",
        "arrays keep their dtype",
        lambda B: [
            B.asarray(np.zeros(2, d)) for d in ("float64", "int64", "uint8", "bool", "int8")
        ],
    ),
    Case(
        "asarray",
        "dtype",
        lambda B: [
            B.asarray([1, 2], "float32"),
            B.asarray(np.array([1.0, 2.0]), "int32"),
            B.asarray([0, 1], "bool"),
        ],
    ),
    Case("asarray", "empty", lambda B: B.asarray(np.zeros((0, 3), "float32"))),
    Case(
        "asarray", "not contiguous", lambda B: B.asarray(np.arange(12).reshape(3, 4).T[::-1, ::2])
    ),
    Case("asarray", "large int64", lambda B: B.asarray(2**40, "int64")),
    _move("asarray", "native tensor", lambda B, x: B.asarray(x)),
    _move(
        "cast",
        "floats to int32 truncate",
        lambda B, x: B.cast(x, "int32"),
        [-1.7, -0.2, 0.2, 1.7],
        gradients=False,
    ),
    _move(
        "cast", "floats to bool", lambda B, x: B.cast(x, "bool"), [0.0, -0.5, 2.0], gradients=False
    ),
    _move("cast", "bool to float32", lambda B, x: B.cast(x, "float32"), booleans(5)),
    _move("cast", "bool to int64", lambda B, x: B.cast(x, "int64"), booleans(5)),
    _move(
        "cast",
        "int64 to float64",
        lambda B, x: B.cast(x, "float64"),
        np.array([2**52 + 1, -3], "int64"),
    ),
    _move("cast", "int64 to int32", lambda B, x: B.cast(x, "int32"), np.array([7, -3], "int64")),
    _move("cast", "int32 to uint8", lambda B, x: B.cast(x, "uint8"), np.array([7, 200], "int32")),
    Case(
        "cast",
        "gradient goes back to the dtype",
        lambda B, x: B.cast(x, "float32"),
        {"x": normal(4)},
        kind="exact",
    ),
    _move(
        "stop_gradient", "", lambda B, x: B.add(x, B.multiply(B.stop_gradient(x), 2.0)), [1.0, -2.0]
    ),
    _move("copy", "", lambda B, x: B.copy(x), gradients=False),
    _move(
        "to_numpy",
        "is a host copy",
        lambda B, x: B.asarray(B.to_numpy(x)),
        gradients=False,
        traced=False,
    ),
    _move("shape", "", lambda B, x: B.asarray([*B.shape(x), len(B.shape(x))]), gradients=False),
    _move(
        "dtype",
        "",
        lambda B, x: B.asarray(
            [B.dtype(x) in ("float64", "float32"), B.dtype(B.equal(x, x)) == "bool"]
        ),
        gradients=False,
    ),
    _move(
        "is_tensor",
        "",
        lambda B, x: B.asarray([B.is_tensor(x), B.is_tensor(3.0), B.is_tensor([1.0])]),
        gradients=False,
    ),
]

CREATION = [
    Case(
        "full",
        "",
        lambda B: [
            B.full((2, 3), 1.5, "float32"),
            B.full((), 2, "int64"),
            B.full((0, 2), 1, "float32"),
            B.full((2,), True, "bool"),
        ],
    ),
    Case(
        "full_like",
        "bools",
        lambda B, x: [B.full_like(x, 1, "bool"), B.full_like(B.greater(x, 0.0), 0)],
        {"x": normal(3)},
        gradients=False,
    ),
    Case("full", "infinity", lambda B: B.full((2,), -INF, "float64")),
    _move(
        "full_like",
        "",
        lambda B, x: [B.full_like(x, 2.5), B.full_like(x, 1, "int32"), B.full_like(x, 1, "bool")],
        gradients=False,
    ),
    Case(
        "zeros",
        "",
        lambda B: [B.zeros((2, 3), "float32"), B.zeros((), "int32"), B.zeros((2,), "bool")],
    ),
    Case(
        "ones",
        "",
        lambda B: [B.ones((2, 3), "float64"), B.ones((2,), "int64"), B.ones((1,), "bool")],
    ),
    Case(
        "arange",
        "",
        lambda B: [
            B.arange(0, 5, 1, "int32"),
            B.arange(5, 0, -2, "int64"),
            B.arange(3, 3, 1, "int32"),
            B.arange(1, 4, 1, "float32"),
        ],
    ),
    Case("arange", "fractions", lambda B: B.arange(0.0, 1.0, 0.25, "float64")),
    Case(
        "eye",
        "",
        lambda B: [B.eye(3, 3, 0, "float32"), B.eye(2, 4, 1, "float64"), B.eye(3, 2, -1, "int32")],
    ),
]

SHAPE = [
    _move("reshape", "", lambda B, x: B.reshape(x, (4, 6))),
    _move("reshape", "one open", lambda B, x: B.reshape(x, (-1, 2))),
    _move("reshape", "to a scalar", lambda B, x: B.reshape(x, ()), [[2.0]]),
    _move("reshape", "empty", lambda B, x: B.reshape(x, (0, 2, 3)), np.zeros((0, 6)), traced=False),
    _move("transpose", "", lambda B, x: B.transpose(x, (2, 0, 1))),
    _move("transpose", "matrix", lambda B, x: B.transpose(x, (1, 0)), normal(2, 3)),
    _move("broadcast_to", "", lambda B, x: B.broadcast_to(x, (2, 3, 4)), normal(3, 1)),
    _move(
        "broadcast_to", "keeps an axis", lambda B, x: B.broadcast_to(x, (2, -1, 4)), normal(3, 1)
    ),
    _move("expand_dims", "", lambda B, x: B.expand_dims(x, 1)),
    _move("expand_dims", "several", lambda B, x: B.expand_dims(x, (0, -1, 2)), normal(3)),
    _move("squeeze", "", lambda B, x: B.squeeze(x, 1), normal(2, 1, 3)),
    _move("squeeze", "several", lambda B, x: B.squeeze(x, (0, -1)), normal(1, 3, 1)),
    _move("flip", "", lambda B, x: B.flip(x, 1)),
    _move("flip", "several", lambda B, x: B.flip(x, (0, -1))),
    _move("tile", "", lambda B, x: B.tile(x, (2, 1, 3))),
    _move("tile", "every axis", lambda B, x: B.tile(x, (2, 3, 2))),
    Case(
        "tile",
        "four axes",
        lambda B, x: B.tile(x, (7, 6, 4, 2)),
        {"x": normal(2, 3, 2, 2)},
        kind="exact",
    ),
    _move("repeat", "", lambda B, x: B.repeat(x, 3, 1)),
    _move(
        "repeat", "negative axis, integers", lambda B, x: B.repeat(x, 2, -1), integers(0, 9, 2, 3)
    ),
    _move("unstack", "", lambda B, x: B.unstack(x, 1)),
    _move("unstack", "negative axis", lambda B, x: B.unstack(x, -1)),
    _move("split", "equal", lambda B, x: B.split(x, 2, -1)),
    _move("split", "cuts", lambda B, x: B.split(x, [1, 3], 2)),
    _move("split", "empty part", lambda B, x: B.split(x, [2, 2], 2)),
    _move("split", "one", lambda B, x: B.split(x, 1, 0)),
]

JOIN = [
    Case(
        "concatenate",
        label,
        lambda B, x, y, axis=axis: B.concatenate([x, y], axis),
        {"x": normal(*a), "y": normal(*b)},
        kind="exact",
        traced=0 not in b,
    )
    for label, a, b, axis in (
        ("", (2, 3), (4, 3), 0),
        ("last axis", (2, 3), (2, 1), -1),
        ("empty part", (2, 3), (0, 3), 0),
        ("vectors", (2,), (3,), 0),
    )
]
JOIN += [
    _move("concatenate", "integers", lambda B, x: B.concatenate([x, x], 1), integers(0, 9, 2, 3)),
    Case(
        "concatenate",
        "one twice",
        lambda B, x: B.concatenate([x, x, B.negative(x)], 1),
        {"x": normal(2, 3, 4)},
    ),
    Case(
        "stack",
        "",
        lambda B, x, y: B.stack([x, y], 1),
        {"x": normal(2, 3), "y": normal(2, 3)},
        kind="exact",
    ),
    Case(
        "stack",
        "last",
        lambda B, x, y: B.stack([x, y], -1),
        {"x": normal(2), "y": normal(2)},
        kind="exact",
    ),
    Case(
        "stack", "scalars", lambda B, x, y: B.stack([x, y], 0), {"x": 1.5, "y": 2.5}, kind="exact"
    ),
]

PAD = [
    _move("pad", mode, lambda B, x, mode=mode: B.pad(x, ((1, 2), (0, 3)), mode), normal(4, 5))
    for mode in ("constant", "reflect", "symmetric", "edge")
]
PAD += [
    _move("pad", "value", lambda B, x: B.pad(x, ((0, 1), (2, 0)), "constant", -1.5), normal(2, 3)),
    _move(
        "pad",
        "infinity",
        lambda B, x: B.pad(x, ((1, 1),), "constant", -INF),
        normal(3),
        gradients=False,
    ),
    _move(
        "pad",
        "integers",
        lambda B, x: B.pad(x, ((1, 1), (0, 0)), "constant", 7),
        integers(0, 9, 2, 3),
    ),
    _move(
        "pad",
        "integers, reflect",
        lambda B, x: B.pad(x, ((1, 1), (0, 2)), "reflect"),
        integers(0, 9, 2, 3),
    ),
    _move("pad", "bools", lambda B, x: B.pad(x, ((1, 1),)), booleans(3)),
    _move("pad", "nothing", lambda B, x: B.pad(x, ((0, 0), (0, 0), (0, 0)))),
    _move(
        "pad",
        "rank four, reflect",
        lambda B, x: B.pad(x, ((0, 0), (2, 1), (1, 2), (0, 0)), "reflect"),
        normal(2, 4, 3, 2),
    ),
    _move(
        "pad",
        "rank four, edge",
        lambda B, x: B.pad(x, ((0, 0), (2, 1), (1, 2), (0, 0)), "edge"),
        normal(2, 4, 3, 2),
    ),
    _move(
        "pad",
        "rank five",
        lambda B, x: B.pad(x, ((0, 0), (1, 0), (0, 1), (1, 1), (0, 0))),
        normal(1, 2, 2, 2, 2),
    ),
    _move(
        "pad",
        "first axis, symmetric",
        lambda B, x: B.pad(x, ((2, 2), (0, 0)), "symmetric"),
        normal(3, 2),
    ),
]

CASES = [*CONVERSION, *CREATION, *SHAPE, *JOIN, *PAD]
