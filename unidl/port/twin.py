"""A model of unidl, as the proof asks it: in float64, on the default backend."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

import unidl
from unidl import ops, tree
from unidl.backend.dtypes import is_float
from unidl.port.weight_rules import Weight


class Twin:
    """
    Attributes:
        model: the model. weights: those that are compared. trained: of these, those that are
            trained.
    """

    def __init__(self, model: Any, weights: list[Weight]) -> None:
        self.model, self.weights = model, weights
        trained = {id(v) for v in model.trainable_variables}
        self.trained = [w for w in weights if id(w.variable) in trained]

    def total(self, given: list[Any], directions: list[np.ndarray], training: bool = True) -> Any:
        """The sum of outputs * directions, of which gradients are taken."""
        outputs = tree.flatten(self.model(one_or_all(given), training=training))
        return sum(ops.sum(y * d) for y, d in zip(outputs, directions, strict=True))

    def outputs(self, inputs: list[np.ndarray], training: bool) -> list[np.ndarray]:
        """A call that leaves no trace: normalization keeps averages, recurrent layers states."""
        changing = self.model.non_trainable_variables
        kept = [v.numpy() for v in changing]
        outputs = tree.flatten(self.model(one_or_all(inputs), training=training))
        # States that are returned lie where they are kept.
        found = [np.array(ops.convert_to_numpy(y)) for y in outputs]
        for variable, value in zip(changing, kept, strict=True):
            variable.assign(value)
        return found

    def gradients(
        self, inputs: list[np.ndarray], directions: list[np.ndarray], training: bool = True
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Of `total`: for each of `trained`, and for each input of floats."""
        fed = [unidl.Variable(x) if is_float(str(x.dtype)) else x for x in inputs]
        floats = [x for x in fed if isinstance(x, unidl.Variable)]
        asked = [*(w.variable for w in self.trained), *floats]
        if not asked:
            return [], []
        _, found = unidl.value_and_grad(lambda: self.total(fed, directions, training), asked)
        arrays = [ops.convert_to_numpy(g) for g in found]
        return arrays[: len(self.trained)], arrays[len(self.trained) :]

    def descend(self, gradients: Sequence[np.ndarray], rate: float) -> None:
        for weight, gradient in zip(self.trained, gradients, strict=True):
            weight.variable.assign(weight.variable.numpy() - rate * gradient)

    def copied(self) -> Twin:
        """The same with a copy of the model."""
        model = copy.deepcopy(self.model)
        both = zip(self.model.variables, model.variables, strict=True)
        new = {id(old): variable for old, variable in both}
        return Twin(model, [w._replace(variable=new[id(w.variable)]) for w in self.weights])


def silence(model: Any) -> None:
    """Take dropout and noise out of a model of unidl or Keras."""
    for layer in model._flatten_layers():
        for name in ("rate", "dropout", "recurrent_dropout", "stddev"):
            if isinstance(vars(layer).get(name), int | float):
                vars(layer)[name] = 0.0


def one_or_all(inputs: list[Any]) -> Any:
    """A model's inputs as it takes them."""
    return inputs[0] if len(inputs) == 1 else list(inputs)
