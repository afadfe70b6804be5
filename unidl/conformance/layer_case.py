"""A layer as a case: forward, what the call assigns, and the gradients of its inputs and
weights."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from unidl import dtype_policies, tree
from unidl.backend import floatx, get_backend, set_floatx, use_backend
from unidl.backend.variable import Variable
from unidl.conformance.case import SIXTEEN_BITS, Case, Program, generator_of, round_to_float32
from unidl.utils import set_random_seed


class LayerProgramCase(Case):
    """A `LayerCase` of the table as a `Case` of kind "noise". Its arrays are the inputs, then the
    weights.

    In the dtypes of 16 bits the layer has the mixed policy of that dtype: inputs and outputs have
    16 bits, weights float32.
    """

    def __init__(self, table_row, sixteen_bits=False):
        super().__init__(
            method=f"layer {table_row.name}",
            label="",
            call=table_row.make,
            dtypes=("float64", "float32", *(SIXTEEN_BITS if sixteen_bits else ())),
        )
        object.__setattr__(self, "row", table_row)

    @property
    def covers(self):
        return ()

    def draw(self):
        generator = generator_of(self.name)
        inputs = self.row.inputs(generator)
        arrays = {f"input {i}": np.asarray(a) for i, a in enumerate(tree.flatten(inputs))}
        with _computing_in("float64"):
            layer = self._built(inputs)
        for name, weight in _named(layer.weights).items():
            value = generator.normal(size=weight.shape)
            arrays[name] = np.abs(value) + 0.5 if weight.name in self.row.positive else value
        return round_to_float32(arrays)

    def inputs_of(self, arrays):
        return [name for name in arrays if name.startswith("input ")]

    def prepare(self, backend, arrays, dtype=None):
        dtype = dtype or next(
            (str(a.dtype) for a in arrays.values() if a.dtype.kind == "f"), floatx()
        )
        # The same draw again, for the structure of the call's arguments.
        structure = self.row.inputs(generator_of(self.name))
        names = self.inputs_of(arrays)
        given = iter([arrays[name] for name in names])
        host = tree.map_structure(lambda _: next(given), structure)
        with use_backend(backend), _computing_in(dtype):
            layer = self._built(host)
            weights = _named(layer.weights)
            for name, weight in weights.items():
                weight.assign(arrays[name])
            if getattr(layer, "stateful", False):
                layer.reset_state()
            inputs = {
                n: Variable(arrays[n], dtype=dtype, backend=backend)
                for n in names
                if arrays[n].dtype.kind == "f"
            }
            constants = {n: backend.asarray(arrays[n]) for n in names if n not in inputs}
        trainable = {
            n: w for n, w in weights.items() if any(w is t for t in layer.trainable_weights)
        }

        def function(**replaced):
            values = iter(
                [
                    replaced.get(n, inputs[n].value if n in inputs else constants.get(n))
                    for n in names
                ]
            )
            with _computing_in(dtype):
                outputs = tree.flatten(
                    layer(*tree.map_structure(lambda _: next(values), structure), **self.row.kwargs)
                )
            kept = [w.value for w in layer.non_trainable_weights if w.dtype == layer.variable_dtype]
            # Cast for the comparison alone: what a layer keeps has the dtype of its weights.
            return [
                *outputs,
                *(get_backend().cast(get_backend().stop_gradient(value), dtype) for value in kept),
            ]

        variables = inputs | trainable
        others = [v for v in layer._device_variables if not any(v is w for w in trainable.values())]
        return Program(variables, function, others, names)

    def _built(self, inputs):
        """The layer, built by a first call, with the same random state each time."""
        set_random_seed(1)
        layer = self.row.make()
        layer(*inputs, **self.row.kwargs)
        return layer


def _named(weights):
    """Weights by name, numbered where two share one."""
    named = {}
    for weight in weights:
        name, n = weight.name, 2
        while name in named:
            name, n = f"{weight.name} {n}", n + 1
        named[name] = weight
    return named


@contextmanager
def _computing_in(dtype):
    """Layers that are made inside compute in `dtype`."""
    before, policy = floatx(), dtype_policies.dtype_policy()
    if dtype in SIXTEEN_BITS:
        dtype_policies.set_dtype_policy(f"mixed_{dtype}")
    else:
        set_floatx(dtype)
    try:
        yield
    finally:
        set_floatx(before)
        dtype_policies.set_dtype_policy(None if policy.name == before else policy)
