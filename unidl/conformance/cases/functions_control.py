"""Branches, loops and functions of functions; the compiled runs have conditions without a value."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.conformance.case import Case, normal, uniform
from unidl.conformance.cases.functions_public import public
from unidl.ops import forward_mode


def _cond(B, p, x, y):
    return B.cond(
        B.greater(p, 0), lambda: [B.multiply(x, y), B.sum(x)], lambda: [B.exp(x), B.sum(y)]
    )


def _while(B, x, y):
    def body(i, value):
        return [B.add(i, 1), B.add(B.multiply(value, y), B.tanh(value))]

    return B.while_loop(
        lambda i, value: B.less(i, 3), body, [B.asarray(0), x], maximum_iterations=5
    )[1]


def _own_gradient(B, x, y):
    def function(a, b):
        return [B.multiply(a, b), B.exp(a)], lambda u, v: [
            B.multiply(u, 3.0),
            B.add(B.multiply(v, B.exp(a)), u),
        ]

    return B.custom_gradient(function, [B.sin(x), y])


def _computed_again(B, x, y):
    def function(a, b):
        return [B.multiply(B.tanh(a), B.exp(b)), B.sum(a), B.argmax(b, -1)], []

    product, total, _ = B.remat(function, [B.sin(x), y])
    return [*B.remat(function, [product, y])[:2], total]


def _squares_until(x):
    """While the sum is below 50."""
    return ops.while_loop(
        lambda v: ops.sum(v) < 50.0,
        lambda v: ops.add(ops.square(v), 0.5),
        (x,),
        maximum_iterations=6,
    )[0]


def _reversed_gradient(x):
    function = ops.custom_gradient(lambda x: (ops.tanh(x), lambda upstream: ops.negative(upstream)))
    return function(ops.multiply(x, 2.0))


def _derivative(x, t):
    return ops.jvp(lambda a: ops.multiply(ops.sin(a), ops.sum(a)), (x,), (t,))


def _derivatives(B, x, t):
    outputs, derivatives = forward_mode.jvp(B, lambda a: [B.sin(a), B.sum(B.square(a))], [x], [t])
    return [*outputs, *derivatives]


X = normal(3, 4)
CASES = [
    *(
        Case("cond", label, _cond, {"p": np.array(p, "int32"), "x": X, "y": X})
        for label, p in (("taken", 1), ("not taken", -1))
    ),
    Case("while_loop", "", _while, {"x": X, "y": X}),
    Case("custom_gradient", "", _own_gradient, {"x": X, "y": X}),
    Case("remat", "", _computed_again, {"x": X, "y": X}),
    Case(
        "jvp",
        "",
        _derivatives,
        {"x": normal(3), "t": normal(3)},
        gradients=False,
        traced=False,
    ),
    *(
        public(
            "cond",
            label,
            lambda p, x: ops.cond(
                ops.sum(p) > 0,
                lambda: {"a": ops.square(x), "b": ops.sum(x)},
                lambda: {"a": x, "b": ops.max(x)},
            )["a"],
            p=p,
            x=X,
        )
        for label, p in (("true", [1.0, 2.0]), ("false", [-1.0, -2.0]))
    ),
    *(
        public(
            "switch",
            str(i),
            lambda i, x: ops.switch(
                i, [lambda v: ops.square(v), lambda v: ops.exp(v), lambda v: ops.negative(v)], x
            ),
            index=np.array(i, "int32"),
            x=X,
        )
        for i in (0, 1, 2, 7, -1)
    ),
    public("while_loop", "as long as values say", _squares_until, x=uniform(0.5, 1.5, 3)),
    public(
        "while_loop",
        "single, at most twice",
        lambda x: ops.while_loop(
            lambda v: ops.sum(v) < 1e9, lambda v: ops.add(v, ops.sin(v)), x, 2
        ),
        x=X,
    ),
    public(
        "fori_loop",
        "",
        lambda x: ops.fori_loop(1, 4, lambda i, v: ops.add(ops.multiply(v, i), ops.sin(v)), x),
        x=X,
    ),
    public(
        "scan",
        "",
        lambda x, y: ops.scan(lambda c, v: (ops.tanh(c * v), c + v), x, y, reverse=True),
        x=normal(4),
        y=X,
    ),
    public("map", "", lambda x: ops.map(lambda v: ops.softmax(v), x), x=X),
    public(
        "vectorized_map",
        "",
        lambda x, y: ops.vectorized_map(lambda p: ops.sum(p[0] * p[1]), (x, y)),
        x=X,
        y=X,
    ),
    *(
        public(
            "associative_scan",
            label,
            lambda x, reverse=reverse, axis=axis: ops.associative_scan(
                lambda a, b: ops.add(a, b), x, reverse, axis
            ),
            x=normal(*shape),
            kind="linear",
        )
        for label, shape, reverse, axis in (
            ("", (7, 2), False, 0),
            ("reversed", (6, 2), True, 0),
            ("last axis", (2, 5), False, -1),
            ("one", (1, 2), False, 0),
            ("two", (2,), False, 0),
        )
    ),
    public(
        "associative_scan",
        "linear recurrence",
        lambda a, b: ops.associative_scan(lambda p, q: (p[0] * q[0], q[0] * p[1] + q[1]), (a, b)),
        a=uniform(-1, 1, 9, 2),
        b=normal(9, 2),
    ),
    public(
        "vectorize",
        "",
        lambda x, y: ops.vectorize(
            lambda a, b: ops.where(ops.greater(a, b), ops.subtract(a, b), ops.multiply(a, b))
        )(x, y),
        x=normal(2, 1),
        y=normal(3),
    ),
    public(
        "vectorize",
        "signature",
        lambda x, y: ops.vectorize(lambda a, b: ops.matmul(a, b), signature="(m,n),(n)->(m)")(x, y),
        x=normal(2, 3, 4),
        y=normal(4),
    ),
    public("custom_gradient", "reversed", _reversed_gradient, x=X),
    public("jvp", "", _derivative, x=normal(3), t=normal(3), gradients=False, traced=False),
    public("stop_gradient", "", lambda x: ops.multiply(x, ops.stop_gradient(x)), variable=X),
]
