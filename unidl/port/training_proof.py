"""Whether training goes on as it would have in the original: measured, in float64."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

import unidl
from unidl import ops, tree
from unidl.optimizers import Optimizer
from unidl.port.proof import NOISE, STEPS, Proof, on_the_reference
from unidl.port.twin import Twin, one_or_all
from unidl.port.weight_rules import Weight

# Of a gradient, relative to the largest one. An optimizer that divides gradients by their size
# makes steps out of it: those of a bias in front of a normalization, for example.
_ROUNDING = 1e-12


class OriginalTraining(Protocol):
    """A model of another framework in float64, without dropout, with its optimizer."""

    budget: float

    def step(self, inputs: list[np.ndarray], directions: list[np.ndarray]) -> None:
        """One step on the sum of outputs * directions."""
        ...

    def state(self) -> dict[str, np.ndarray]: ...


def prove_training(
    proof: Proof,
    original: OriginalTraining,
    model: Any,
    weights: list[Weight],
    inputs: list[np.ndarray],
    optimizer: Optimizer,
) -> None:
    """Add rows: the weights after some more steps of both, on the default backend in float64."""
    drawn = np.random.default_rng(1)
    with on_the_reference():
        twin = Twin(model, weights)
        variables = model.trainable_weights
        largest = np.zeros(len(variables))
        for _ in range(STEPS):
            outputs = tree.flatten(model(one_or_all(inputs), training=True))
            directions = [drawn.normal(size=tuple(y.shape)) for y in outputs]
            _, gradients = unidl.value_and_grad(
                lambda d=directions: twin.total(inputs, d), variables
            )
            sizes = [np.abs(ops.convert_to_numpy(g)).max(initial=0.0) for g in gradients]
            largest = np.maximum(largest, sizes)
            optimizer.apply(gradients, variables)
            original.step(inputs, directions)
        state = original.state()
        floor = NOISE * max((np.abs(x).max(initial=0.0) for x in state.values()), default=0.0)
        size_of = {id(v): size for v, size in zip(variables, largest, strict=True)}
        for weight in weights:
            names, size = " + ".join(weight.names), size_of.get(id(weight.variable))
            if size is not None and size <= _ROUNDING * largest.max():
                proof.left_out.append(
                    f"{names} after steps of the optimizer: its gradients are 0 but for rounding"
                )
            elif size is not None:
                what = f"{names} after {STEPS} more steps of the optimizer"
                wanted = weight.converted(state)
                proof.compare(what, weight.variable.numpy(), wanted, floor, original.budget)
