"""State dicts that are no state dicts, or those of another network."""

from __future__ import annotations

import numpy as np

import unidl
from tests.abuse.case import right, told
from unidl import layers, port


def model(**options):
    return unidl.Sequential([unidl.Input((4,)), layers.Dense(2, **options)])


def loaded(state, **options):
    made = model()
    before = made.get_weights()
    try:
        port.load_state_dict(made, state, **options)
    except Exception:
        for one, other in zip(made.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)
        raise
    return made.get_weights()[0]


KERNEL = np.arange(8, dtype="f").reshape(2, 4)
STATE = {"fc.weight": KERNEL, "fc.bias": np.ones(2, "f")}

CASES = [
    right("a state dict", lambda: loaded(STATE), KERNEL.T),
    told("no dict", lambda: loaded([KERNEL]), "expected a dict {name: array}"),
    told("an empty dict", lambda: loaded({}), "has no arrays, its keys are none"),
    told("a number for a name", lambda: loaded({0: KERNEL}), "has the key 0, which is no name"),
    told("texts", lambda: loaded({"fc.weight": "2, 4"}), "has no arrays"),
    told(
        "a transposed kernel",
        lambda: loaded({**STATE, "fc.weight": KERNEL.T}),
        r"fc: its weight is \(4, 2\) instead of \(2, 4\), which is its transpose",
    ),
    told(
        "integers",
        lambda: loaded({**STATE, "fc.weight": KERNEL.astype("int64")}),
        "its weight is int64 instead of float32",
    ),
    told(
        "no bias",
        lambda: loaded({"fc.weight": KERNEL}),
        r"it takes weight \(2, 4\), bias \(2,\); fc: it has no bias \(2,\)",
    ),
    told(
        "a name that no layer has",
        lambda: loaded(STATE, names={"head": "fc"}),
        "head: no layer of the model that has weights is called so",
    ),
    told(
        "a model that is not built",
        lambda: port.load_state_dict(unidl.Sequential([layers.Dense(2)]), STATE),
        "has no weights yet",
    ),
]
