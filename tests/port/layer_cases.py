"""The table of the conformance suite, each case as a model of the one layer, in inference."""

import numpy as np

import unidl
from unidl import tree
from unidl.conformance.case import generator_of
from unidl.conformance.cases.layers import LAYER_CASES

# In training, or on nothing: a file is for neither.
CASES = [c for c in LAYER_CASES if not c.kwargs.get("training") and "empty" not in c.name]
FIRST = list({type(c.make()): c for c in reversed(CASES)}.values())
OTHERS = [c for c in CASES if c not in FIRST]


def model_of(case, without=()):
    """A model of the one layer; the batch axis is open but where masks or states are given.

    without: arguments of the call that are left out.
    """
    kwargs = {name: value for name, value in case.kwargs.items() if name not in without}
    arrays = case.inputs(generator_of(case.name))
    layer = case.make()
    is_fixed = getattr(layer, "stateful", False) or any(
        isinstance(x, np.ndarray) for x in tree.flatten(case.kwargs)
    )
    inputs = [
        unidl.Input(
            batch_shape=(a.shape[0] if is_fixed else None, *a.shape[1:]),
            dtype="float32" if a.dtype.kind == "f" else a.dtype.name,
        )
        for a in tree.flatten(arrays)
    ]
    given = iter(inputs)
    outputs = layer(*tree.map_structure(lambda _: next(given), arrays), **kwargs)
    model = unidl.Model(inputs, outputs, name="net")
    draw = np.random.default_rng(0)
    for weight in model.weights:
        value = 0.5 * draw.normal(size=weight.shape)
        weight.assign(np.abs(value) + 0.5 if weight.name in case.positive else value)
    return model
