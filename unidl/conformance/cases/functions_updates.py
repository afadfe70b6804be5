"""Optimizer arithmetic: three steps of each update, so that slots and step-dependent factors count.

The tensors that an update receives belong to it alone (it may work in place), so each case copies
its inputs first.
"""

from __future__ import annotations

import numpy as np

from unidl.conformance.case import Case, normal, uniform

SHAPES = ((3, 4), (5,), ())
# Kernels that take a list at once go other ways where it is long.
TWENTY = (*SHAPES, (2, 3, 2), (1,), (17,), (4, 1)) * 2 + ((2, 2),) * 6


def _case(method, label, slots, step, shapes=SHAPES):
    """`step(B, params, grads, *slots, t)` -> (params, *slots); lists of one tensor for each shape.

    `slots` maps names to how each is drawn: "zero", "normal" or "positive".
    """
    draw = {
        "zero": lambda *shape: np.zeros(shape),
        "normal": normal,
        "positive": lambda *shape: uniform(0.1, 1, *shape),
    }
    groups = {"param": "normal", "grad": "normal", **slots}
    inputs = {
        f"{name}{i}": draw[how](*shape)
        for name, how in groups.items()
        for i, shape in enumerate(shapes)
    }

    def call(B, *tensors):
        n = len(shapes)
        params, grads, *state = (list(tensors[i * n : (i + 1) * n]) for i in range(len(groups)))
        params, *state = ([B.copy(x) for x in group] for group in (params, *state))
        for t in (1, 2, 3):
            params, *state = step(B, params, [B.multiply(g, 1.0 / t) for g in grads], *state, t)
        if len(shapes) == len(SHAPES):
            return [x for group in (params, *state) for x in group]
        flat = [[B.reshape(x, (-1,)) for x in group] for group in (params, *state)]
        return [B.concatenate(group, 0) for group in flat]

    return Case(method, label, call, inputs, gradients=False)


def _sgd(momentum, nesterov):
    def step(B, params, grads, *rest):
        *slots, t = rest
        params, slots = B.sgd_update(
            params,
            grads,
            slots[0] if slots else None,
            learning_rate=0.1 / t,
            momentum=momentum,
            nesterov=nesterov,
        )
        return (params,) if slots is None else (params, slots)

    return step


def _alpha(t, beta_1=0.9, beta_2=0.999):
    return 0.01 * np.sqrt(1 - beta_2**t).item() / (1 - beta_1**t)


def _adam(epsilon):
    return lambda B, p, g, m, v, t: B.adam_update(
        p, g, m, v, alpha=_alpha(t), beta_1=0.9, beta_2=0.999, epsilon=epsilon
    )


def _amsgrad(B, p, g, m, v, top, t):
    return B.amsgrad_update(
        p, g, m, v, top, alpha=_alpha(t), beta_1=0.9, beta_2=0.999, epsilon=1e-7
    )


def _rmsprop(B, p, g, v, t):
    return B.rmsprop_update(p, g, v, learning_rate=0.01 / t, rho=0.9, epsilon=1e-7)


def _rmsprop_full(momentum, centred):
    def step(B, p, g, v, *rest):
        *slots, t = rest
        momenta = slots.pop(0) if momentum else None
        means = slots.pop(0) if centred else None
        out = B.rmsprop_full_update(
            p,
            g,
            v,
            momenta,
            means,
            learning_rate=0.01 / t,
            rho=0.9,
            momentum=momentum,
            epsilon=1e-7,
        )
        return [group for group in out if group is not None]

    return step


def _decay(B, p, g, t):
    return (B.decay_update(p, factor=0.004 / t),)


def _average(B, p, g, a, t):
    return p, B.average_update(a, p, momentum=0.99)


CASES = [
    _case("sgd_update", "plain", {}, _sgd(0.0, False)),
    _case("sgd_update", "momentum", {"velocity": "zero"}, _sgd(0.9, False)),
    _case("sgd_update", "nesterov", {"velocity": "zero"}, _sgd(0.9, True)),
    _case("sgd_update", "momentum in mid-run", {"velocity": "normal"}, _sgd(0.9, False)),
    _case("sgd_update", "nesterov in mid-run", {"velocity": "normal"}, _sgd(0.9, True)),
    _case("adam_update", "", {"m": "zero", "v": "zero"}, _adam(1e-7)),
    _case("adam_update", "in mid-run", {"m": "normal", "v": "positive"}, _adam(1e-7)),
    _case("adam_update", "large epsilon", {"m": "zero", "v": "zero"}, _adam(0.1)),
    _case("amsgrad_update", "", {"m": "zero", "v": "zero", "v_hat": "zero"}, _amsgrad),
    _case(
        "amsgrad_update",
        "in mid-run",
        {"m": "normal", "v": "positive", "v_hat": "positive"},
        _amsgrad,
    ),
    _case("rmsprop_update", "", {"v": "zero"}, _rmsprop),
    _case("rmsprop_update", "in mid-run", {"v": "positive"}, _rmsprop),
    _case(
        "rmsprop_full_update",
        "momentum",
        {"v": "zero", "momentum": "zero"},
        _rmsprop_full(0.9, False),
    ),
    _case(
        "rmsprop_full_update",
        "centred",
        {"v": "positive", "mean": "zero"},
        _rmsprop_full(0.0, True),
    ),
    _case(
        "rmsprop_full_update",
        "centred with momentum",
        {"v": "positive", "momentum": "zero", "mean": "zero"},
        _rmsprop_full(0.9, True),
    ),
    _case("decay_update", "", {}, _decay),
    _case("average_update", "", {"average": "normal"}, _average),
    *(
        _case(method, "twenty tensors", slots, step, TWENTY)
        for method, slots, step in (
            ("sgd_update", {}, _sgd(0.0, False)),
            ("adam_update", {"m": "normal", "v": "positive"}, _adam(1e-7)),
            ("amsgrad_update", {"m": "normal", "v": "positive", "v_hat": "positive"}, _amsgrad),
            ("rmsprop_update", {"v": "positive"}, _rmsprop),
            (
                "rmsprop_full_update",
                {"v": "positive", "momentum": "zero", "mean": "zero"},
                _rmsprop_full(0.9, True),
            ),
            ("decay_update", {}, _decay),
            ("average_update", {"average": "normal"}, _average),
        )
    ),
    _case("sgd_update", "nesterov, twenty tensors", {"v": "normal"}, _sgd(0.9, True), TWENTY),
]
