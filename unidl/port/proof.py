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

from unidl.backend import registry, use_backend
from unidl.backend.dtypes import floatx_here
from unidl.port.shaken import SEEDS, TIMES, Shaken
from unidl.port.twin import Twin
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
        if found.dtype == wanted.dtype == bool:
            found, wanted = found.astype("int8"), wanted.astype("int8")
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


def prove(name: str, original: Original, model: Any, weights: list[Weight], inputs: list) -> Proof:
    """Compare `original` with `model`, which is in float64 on the default backend."""
    start = [v.numpy() for v in model.variables]
    twin = Twin(model, weights)
    with on_the_reference():
        proof = _compared(name, original, twin, inputs)
        if not proof.passed:
            steady = twin.copied()
            for variable, value in zip(steady.model.variables, start, strict=True):
                variable.assign(value)
            _leave_out_what_rounding_decides(proof, steady, inputs)
    return proof


def _compared(name: str, original: Original, twin: Twin, inputs: list) -> Proof:
    proof = Proof(name, original.budget, left_out=original.left_out)
    _compare_outputs(proof, "outputs", original, twin, inputs, training=False)
    outputs = _compare_outputs(proof, "outputs in training", original, twin, inputs, True)
    if all(y.dtype.kind != "f" for y in outputs):
        proof.left_out.append("gradients: the outputs are no floats")
        return proof
    drawn = np.random.default_rng(0)
    directions = [drawn.normal(size=x.shape) for x in outputs]
    for step in range(STEPS):
        after = f", step {step}" if step else ""
        _compare_gradients(proof, after, original, twin, inputs, directions)
    state = original.state()
    floor = NOISE * max((np.abs(x).max(initial=0.0) for x in state.values()), default=0.0)
    for weight in twin.weights:
        if set(weight.names) <= set(state):
            what = f"{' + '.join(weight.names)} after {STEPS} steps"
            proof.compare(what, weight.variable.numpy(), weight.converted(state), floor)
    return proof


def _leave_out_what_rounding_decides(proof: Proof, twin: Twin, inputs: list) -> None:
    spreads: dict[str, float] = {}
    for seed in SEEDS:
        for row in _compared("", Shaken(twin, seed), twin.copied(), inputs).rows:
            spreads[row.what] = max(row.error, spreads.get(row.what, 0.0))
    undecided = [
        row for row in proof.rows
        if not row.passed and row.error <= TIMES * spreads.get(row.what, 0.0)
    ]  # fmt: skip
    if undecided:
        row = undecided[0]
        proof.left_out.append(
            f"{len(undecided)} numbers to which other last digits of the weights do as much, such "
            f"as {row.what}: {row.error:.1e}, and {spreads[row.what]:.1e} by that alone"
        )
        proof.rows[:] = [row for row in proof.rows if row not in undecided]


def _compare_outputs(proof, what, original, twin, inputs, training):
    found = twin.outputs(inputs, training)
    wanted = original.outputs(inputs, training)
    for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
        proof.compare(f"{what} {i}" if len(wanted) > 1 else what, one, other)
    return wanted


def _compare_gradients(proof, after, original, twin, inputs, directions):
    gradients, of_floats = twin.gradients(inputs, directions)
    wanted, of_inputs = original.gradients(inputs, directions)
    # Where a gradient is 0 but for rounding, that of the largest one tells how much it may be.
    largest = max((np.abs(g).max(initial=0.0) for g in wanted.values()), default=0.0)
    floor, rate = NOISE * largest, STEP / largest if largest else 0.0
    for weight, gradient in zip(twin.trained, gradients, strict=True):
        what = f"gradient of {weight.variable.path}{after}"
        proof.compare(what, gradient, weight.converted_gradient(wanted), floor)
    of_inputs = [g for g in of_inputs if g is not None]
    for i, (one, other) in enumerate(zip(of_floats, of_inputs, strict=True)):
        proof.compare(f"gradient of input {i}{after}", one, other, floor)
    twin.descend(gradients, rate)
    original.descend(wanted, rate)
