"""Whether a model that was brought in computes what the original does: measured, in float64.

A twin of the new model is made from a copy of the original in float64, and both run on the same
numbers: outputs as in inference, then, with dropout taken out of both, outputs, gradients of every
weight and input, and the weights after some steps of gradient descent. The twin runs on the
default backend, which is the reference of `unidl.verify`; how the model does on the other backends
is what `unidl.verify.verify(model)` tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

import unidl
from unidl import ops, tree
from unidl.backend import registry, use_backend
from unidl.backend.dtypes import floatx_here, is_float
from unidl.port.weight_rules import Weight

BUDGET = 1e-9  # relative, in float64: some hundred layers of rounding, and far below any mistake
NOISE = 1e-4
STEPS = 3
STEP = 1e-3  # how far the weight with the largest gradient moves


class Original(Protocol):
    """A model of another framework in float64, without dropout, as the proof asks it.

    Names are those of `Weight.names`; arrays are NumPy's.
    """

    def outputs(self, inputs: list[np.ndarray], training: bool) -> list[np.ndarray]: ...

    def gradients(
        self, inputs: list[np.ndarray], directions: list[np.ndarray]
    ) -> tuple[dict[str, np.ndarray], list[np.ndarray | None]]:
        """Of the sum of outputs * directions in training, for each trained weight and each input;
        None for inputs that are integers."""
        ...

    def descend(self, gradients: dict[str, np.ndarray], rate: float) -> None: ...

    def state(self) -> dict[str, np.ndarray]: ...

    left_out: list[str]  # what `state` has not, and why
    budget: float  # BUDGET, or more where the original itself keeps fewer digits


@dataclass(frozen=True)
class Row:
    """One comparison: the largest difference, relative to the largest number of the original."""

    what: str
    error: float
    budget: float

    @property
    def passed(self) -> bool:
        return self.error <= self.budget  # NaN is not


@dataclass
class Proof:
    """
    Attributes:
        original: its name. rows: every comparison. left_out: what was not compared, and why.
        budget: how large a relative difference may be.
        how: in what numbers, or by whom, it was computed.

    Examples:
        >>> proof = unidl.port.Proof("Net")
        >>> proof.compare("outputs", [1.0, 2.0], [1.0, 2.0 + 1e-12])
        >>> proof.passed
        True
    """

    original: str
    budget: float = BUDGET
    rows: list[Row] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    how: str = "float64"

    def compare(
        self, what: str, found: Any, wanted: Any, floor: float = 0.0, budget: float | None = None
    ) -> None:
        """Add a row; differences count relative to the largest number wanted, or to `floor`, and
        may be `budget`, by default the proof's."""
        found, wanted = np.asarray(found), np.asarray(wanted)
        error = np.inf
        if found.shape != wanted.shape:
            what = f"{what}, of shape {found.shape} instead of {wanted.shape}"
        else:
            scale = max(np.abs(wanted).max(initial=0.0), floor) or 1.0
            error = float(np.abs(found - wanted).max(initial=0.0) / scale)
        self.rows.append(Row(what, error, self.budget if budget is None else budget))

    @property
    def passed(self) -> bool:
        """Whether anything was compared, and nothing differed."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    @property
    def worst(self) -> Row:
        """The comparison that comes closest to its budget, or goes farthest beyond."""
        return max(self.rows, key=lambda row: np.nan_to_num(row.error, nan=np.inf) / row.budget)

    def __str__(self) -> str:
        failed = [row for row in self.rows if not row.passed]
        if not self.rows:
            return "\n".join([f"{self.original}: nothing was compared", *self._left_out()])
        lines = [f"{self.original}: {'equal' if self.passed else 'DIFFERENT'}"]
        budgets = " or ".join(f"{b:g}" for b in sorted({row.budget for row in self.rows}))
        lines.append(
            f"  {len(self.rows)} comparisons in {self.how}, {len(failed)} beyond {budgets}; "
            f"the largest difference is {self.worst.error:.1e} ({self.worst.what})"
        )
        lines += [f"  ✗ {row.what}: {row.error:.1e}" for row in failed]
        return "\n".join([*lines, *self._left_out()])

    def _left_out(self) -> list[str]:
        return [f"  not compared: {text}" for text in self.left_out]


def as_list(inputs: Any) -> list[Any]:
    """What a model takes, given as one array or as several."""
    return list(inputs) if isinstance(inputs, list | tuple) else [inputs]


def in_float64(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Floats in float64, integers as they are."""
    return [x.astype("float64") if x.dtype.kind == "f" else x for x in arrays]


@contextmanager
def on_the_reference() -> Iterator[None]:
    """Inside, models are made in float64 on the default backend."""
    with use_backend(registry.DEFAULT), floatx_here("float64"):
        yield


def prove(name: str, original: Original, twin: Any, weights: list[Weight], inputs: list) -> Proof:
    """Compare `original` with `twin`, a model in float64 on the default backend."""
    proof = Proof(name, original.budget, left_out=original.left_out)
    with on_the_reference():
        _compare_outputs(proof, "outputs", original, twin, inputs, training=False)
        outputs = _compare_outputs(proof, "outputs in training", original, twin, inputs, True)
        drawn = np.random.default_rng(0)
        directions = [drawn.normal(size=x.shape) for x in outputs]
        for step in range(STEPS):
            after = f", step {step}" if step else ""
            _compare_gradients(proof, after, original, twin, weights, inputs, directions)
        state = original.state()
        floor = NOISE * max((np.abs(x).max(initial=0.0) for x in state.values()), default=0.0)
        for weight in weights:
            if set(weight.names) <= set(state):
                what = f"{' + '.join(weight.names)} after {STEPS} steps"
                wanted = weight.converted(state)
                proof.compare(what, weight.variable.numpy(), wanted, floor)
    return proof


def _compare_outputs(proof, what, original, twin, inputs, training):
    kept = [v.numpy() for v in twin.non_trainable_weights]  # normalization keeps averages
    outputs = tree.flatten(twin(one_or_all(inputs), training=training))
    found = [ops.convert_to_numpy(y) for y in outputs]
    for variable, value in zip(twin.non_trainable_weights, kept, strict=True):
        variable.assign(value)
    wanted = original.outputs(inputs, training)
    for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
        proof.compare(f"{what} {i}" if len(wanted) > 1 else what, one, other)
    return wanted


def _compare_gradients(proof, after, original, twin, weights, inputs, directions):
    trained = {id(v) for v in twin.trainable_variables}
    tables = [w for w in weights if id(w.variable) in trained]
    variables = [w.variable for w in tables]
    fed = [unidl.Variable(x) if is_float(str(x.dtype)) else x for x in inputs]
    floats = [x for x in fed if isinstance(x, unidl.Variable)]

    def loss():
        outputs = tree.flatten(twin(one_or_all(fed), training=True))
        return sum(ops.sum(y * d) for y, d in zip(outputs, directions, strict=True))

    _, gradients = unidl.value_and_grad(loss, [*variables, *floats])
    gradients = [ops.convert_to_numpy(g) for g in gradients]
    wanted, of_inputs = original.gradients(inputs, directions)
    # Where a gradient is 0 but for rounding, that of the largest one tells how much it may be.
    largest = max((np.abs(g).max(initial=0.0) for g in wanted.values()), default=0.0)
    floor, rate = NOISE * largest, STEP / largest if largest else 0.0
    for weight, gradient in zip(tables, gradients, strict=False):
        what = f"gradient of {weight.variable.path}{after}"
        proof.compare(what, gradient, weight.converted_gradient(wanted), floor)
    of_inputs = [g for g in of_inputs if g is not None]
    for i, (one, other) in enumerate(zip(gradients[len(tables) :], of_inputs, strict=True)):
        proof.compare(f"gradient of input {i}{after}", one, other, floor)
    for variable, gradient in zip(variables, gradients, strict=False):
        variable.assign(variable.numpy() - rate * gradient)
    original.descend(wanted, rate)


def one_or_all(inputs: list[Any]) -> Any:
    """A model's inputs as it takes them."""
    return inputs[0] if len(inputs) == 1 else list(inputs)
