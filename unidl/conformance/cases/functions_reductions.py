"""Reductions, running sums and products, moments, and the index of an extreme."""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, booleans, integers, normal, uniform

INF, NAN = np.inf, np.nan


def _reduce(name, label, x, axis=None, keepdims=False, **options):
    return Case(name, label, lambda B, x: getattr(B, name)(x, axis, keepdims), {"x": x}, **options)


def _axes(name, **options):
    """The axis in each form that it may have."""
    forms = (
        ("all axes", None, False),
        ("axis, kept", 1, True),
        ("negative axis", -1, False),
        ("two axes", (0, 2), False),
    )
    return [
        _reduce(name, label, normal(3, 4, 5), axis, keep, **options) for label, axis, keep in forms
    ]


SUMS = [
    *_axes("sum", kind="linear"),
    *_axes("mean", kind="linear"),
    *_axes("max", kind="exact"),
    *_axes("min", kind="exact"),
    *_axes("prod"),
    _reduce("sum", "many", normal(2, 4000), -1, kind="linear"),
    _reduce("sum", "axis of size one", normal(3, 1, 2), 1, kind="linear"),
    _reduce("sum", "empty axis gives zeros", np.zeros((0, 3)), 0, kind="linear", traced=False),
    _reduce("prod", "empty axis gives ones", np.zeros((0, 3)), 0, traced=False),
    _reduce("mean", "empty rest", np.zeros((3, 0)), 0, kind="linear", traced=False),
    _reduce("sum", "int32", integers(-9, 9, 3, 4), 0),
    _reduce("sum", "int64 beyond float precision", np.array([2**53, 1], "int64"), 0),
    _reduce("prod", "int32", integers(1, 4, 3, 4), 1),
    _reduce("max", "int64", integers(-9, 9, 3, 4, dtype="int64"), 0),
    _reduce("min", "uint8", integers(0, 200, 3, 4, dtype="uint8"), None),
    _reduce("sum", "NaN and infinities", [[NAN, 1.0], [INF, 1.0], [INF, -INF]], 1, gradients=False),
    _reduce("sum", "scalar", 2.5, kind="linear"),
]

EXTREMES = [
    _reduce("max", "ties share", [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], 1, kind="exact"),
    _reduce("min", "ties share", [[1.0, 1.0, 3.0], [2.0, 2.0, 2.0]], 1, kind="exact"),
    _reduce(
        "max",
        "ties over two axes",
        [[[1.0, 3.0], [3.0, 0.0]], [[0.0, 0.0], [-1.0, 0.0]]],
        (1, 2),
        True,
        kind="exact",
    ),
    _reduce("max", "infinities", [[-INF, -INF], [INF, 1.0]], 1, kind="exact"),
    _reduce("max", "NaN wins", [[NAN, 1.0], [1.0, NAN]], 1, kind="exact", gradients=False),
    _reduce("min", "NaN wins", [[NAN, 1.0], [1.0, NAN]], 1, kind="exact", gradients=False),
    _reduce("max", "axis of size one", normal(3, 1), 1, kind="exact"),
    _reduce("prod", "one zero", [[2.0, 0.0, 3.0], [1.0, 2.0, 3.0]], 1),
    _reduce("prod", "two zeros", [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]], 1),
    _reduce("prod", "one zero, all axes", [[2.0, 0.0, 3.0], [1.0, 2.0, 3.0]]),
    _reduce("prod", "zero, two axes", [[[2.0, 0.0], [3.0, 1.0]], [[1.0, 2.0], [3.0, 1.0]]], (0, 2)),
]

ARG = [
    Case(
        name,
        label,
        lambda B, x, name=name, axis=axis, keep=keep: getattr(B, name)(x, axis, keep),
        {"x": x},
        gradients=False,
    )
    for name in ("argmax", "argmin")
    for label, x, axis, keep in (
        ("", normal(3, 5), 1, False),
        ("kept", normal(3, 5, 2), -2, True),
        ("first of equals", [[1.0, 2.0, 2.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]], -1, False),
        ("first of equals, int32", np.array([[3, 1, 3, 1]], "int32"), 1, False),
        ("int64 beyond float precision", np.array([[2**53, 2**53 + 1, 2**53]], "int64"), 1, False),
        ("infinities", [[-INF, -INF, 1.0, INF, INF]], 1, False),
        ("axis of size one", normal(3, 1), 1, False),
    )
]

LOGICAL = [
    Case(
        name,
        label,
        lambda B, x, name=name, axis=axis, keep=keep: getattr(B, name)(x, axis, keep),
        {"x": x},
    )
    for name in ("any", "all")
    for label, x, axis, keep in (
        ("", booleans(3, 4), None, False),
        ("axis", booleans(3, 4), 1, False),
        ("two axes, kept", booleans(3, 2, 2), (1, 2), True),
    )
] + [
    _reduce(name, "empty axis", np.zeros((0, 2), bool), 0, traced=False) for name in ("any", "all")
]


def _running(name, label, x, axis, **options):
    return Case(name, label, lambda B, x: getattr(B, name)(x, axis), {"x": x}, **options)


CUMULATIVE = [
    _running("cumsum", "", normal(3, 6), 1, kind="linear"),
    _running("cumsum", "first axis", normal(4, 3), 0, kind="linear"),
    _running("cumsum", "int32", integers(-9, 9, 5), 0),
    _running("cumsum", "axis of size one", normal(3, 1), 1, kind="linear"),
    _running("cumprod", "", uniform(0.5, 2, 3, 6), 1),
    _running("cumprod", "negative axis", normal(2, 3, 4), -2),
    _running(
        "cumprod", "zeros", [[2.0, 0.0, 3.0, 4.0], [1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 3.0]], 1
    ),
    _running("cumprod", "int64", integers(1, 4, 5, dtype="int64"), 0),
]

MOMENTS = [
    *_axes("var"),
    _reduce("var", "large offset", normal(4, 50, mean=100, std=0.01), 1, ill_conditioned=True),
    _reduce("var", "larger offset", normal(4, 50, mean=1e4, std=0.01), 1, ill_conditioned=True),
    _reduce("var", "constant", np.full((2, 8), 3.0), 1),
    _reduce("var", "axis of size one", normal(3, 1), 1),
    *_axes("logsumexp"),
    _reduce("logsumexp", "large", [[1000.0, 1000.0], [-1000.0, -1001.0]], 1),
    _reduce("logsumexp", "minus infinity", [[-INF, 0.0], [-INF, 1.0]], 1),
    _reduce("logsumexp", "all minus infinity", [[-INF, -INF]], 1, gradients=False),
    _reduce("logsumexp", "plus infinity", [[INF, 0.0]], 1, gradients=False),
    _reduce("logsumexp", "ties", [[2.0, 2.0, 2.0]], 1),
    _reduce("mean", "large offset", normal(4, 50, mean=1e4, std=0.01), 1, kind="linear"),
]

CASES = [*SUMS, *EXTREMES, *ARG, *LOGICAL, *CUMULATIVE, *MOMENTS]
