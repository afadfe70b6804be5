"""verify: a model on every backend and device, against the float64 oracle.

Three rounds, from the parts to the whole (budgets as in `unidl.conformance.judge`):

layers    Each call of a layer is run again by itself, on the inputs and weights that it had in the
          reference run, so that an error belongs to the layer where it shows. Outputs, gradients of
          inputs and weights, what it assigns; in training and, where that may differ, in inference.
          float64: 1e-12 relative. float32: 16 roundings, scaled by the condition, which is measured
          (`unidl.conformance.scales`).
model     The training loss, the outputs and every gradient of the whole model. float64: 1e-12
          again, or what rounding explains. float32: at most 3 times the median error of the others,
          plus a floor: 4 times what simulated rounding makes of the reference.
training  Some steps with the model's own loss and optimizer, compiled as the backend compiles them;
          each step's loss and weights, judged like the model, with the condition measured on whole
          runs. A float32 run that leaves the reference's is compared once more step by step, from
          its own state before each (`unidl.verify.single_steps`).

What raises where it has no right to is a failure of its stage: the report is then incomplete. Only
two things are no failure but let a layer be compared where it runs: a backend that says it cannot
(UnsupportedError), and a layer that calls a framework and gets another one's tensors
(`unidl.verify.foreign`).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from unidl.backend import BackendError, get_backend, list_backends, registry, use_backend
from unidl.backend.contract import Backend
from unidl.conformance.engine import best_device
from unidl.conformance.oracle import U32, oracle
from unidl.layers import Layer
from unidl.models import Model
from unidl.ops.dispatch import standing_in
from unidl.verify.apart import apart
from unidl.verify.calls import WholeModel
from unidl.verify.environment import describe_environment
from unidl.verify.foreign import runs_elsewhere
from unidl.verify.layer_round import compare_calls, first_difference
from unidl.verify.model_round import check_model
from unidl.verify.report import Record, Report
from unidl.verify.rounding import LOUD, rounding_oracle
from unidl.verify.setup import make_setup
from unidl.verify.snapshot import Snapshot, placed
from unidl.verify.training_round import check_training
from unidl.verify.wording import one_line


@dataclass(frozen=True)
class Target:
    backend: Backend
    device: str
    label: str


def verify(
    model, x=None, y=None, backends=None, devices=None, steps=20, require_all=False
) -> Report:
    """Compare `model` on every backend and device with the float64 oracle; see this module for how.

    Args:
        model: a Model or any Layer. It is copied first and then left alone, so other threads may
            use it, or train it, meanwhile.
        x: arrays in the structure of the inputs; by default random ones by the model's input
            shapes. Layers and gradients are compared on the first 32 samples, the training steps
            take batches of 32 in turn.
        y: targets; by default random ones that suit the loss.
        backends: names (or Backends); by default all that are installed.
        devices: such as ["cpu", "gpu:0"]; by default all that each backend has.
        steps: of training, with the compiled optimizer and loss; Adam and a loss that suits the
            targets where there are none.
        require_all: whatever does not run on every backend and device makes the report incomplete.
            Without it, a model that runs where its framework allows is equal "where it runs", if
            anything was compared with an independent reference.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> report = unidl.verify.verify(model, backends=["numpy"], steps=1)
        >>> report.verdict
        'equal'
    """
    if not isinstance(model, Layer):
        raise TypeError(
            f"verify: takes a Model or a Layer, got {type(model).__name__}. Convert a framework's "
            "own model first."
        )
    if not isinstance(steps, int) or steps < 0:
        raise ValueError(f"verify: steps must be an int >= 0, got {steps!r}.")
    with apart(model, "verify") as copier:
        copy = copier.copy
        with use_backend(copy.backend):
            whole = copy if isinstance(copy, Model) else _Alone(copy)
            setup = make_setup(whole, x, y).as_taken(whole)
        # Imports frameworks, so after all that may be wrong with the data.
        targets, left_out = find_targets(backends, devices)
        setup.notes += left_out.values()
        snapshot = Snapshot(whole, copier.made)
        return Job(snapshot, setup, targets, steps).run(list(left_out), require_all)


class _Alone(Model):
    """A model of one layer."""

    def __init__(self, layer):
        super().__init__(name=layer.name)
        self.layer = layer

    def call(self, inputs):
        return self.layer(inputs)


def find_targets(backends, devices):
    """([Target], {what was left out: a note that says why})."""
    notes, loaded = {}, []
    for name in (
        backends if backends is not None else [row.name for row in list_backends() if row.installed]
    ):
        try:
            loaded.append(get_backend(name))
        except BackendError as error:
            if backends is not None:
                raise
            notes[name] = f"{name} was skipped: {error}"
    wanted = None if devices is None else [registry.standardize_device(d) for d in devices]
    targets = []
    for backend in loaded:
        with standing_in(backend):  # an error now for one that cannot stand in
            found = [d for d in backend.devices() if wanted is None or d in wanted]
        if not found:
            names = ", ".join(wanted)
            notes[backend.name] = f"{backend.name} has none of the devices {names}"
        several = len(backend.devices()) > 1
        targets += [
            Target(backend, d, f"{backend.name} {d}" if several else backend.name) for d in found
        ]
    if not targets:
        raise ValueError(
            "verify: there is nothing to verify on. "
            f"{'; '.join(notes.values()) or 'Name a backend.'}."
        )
    return targets, notes


class Job:
    """One verification: what the three rounds share, and what they found."""

    def __init__(self, snapshot: Snapshot, setup, targets, steps):
        self.snapshot, self.setup, self.targets, self.steps = snapshot, setup, targets, steps
        self.model = snapshot.model
        self.home = self.model.backend
        policies = {layer.dtype_policy.name for layer in self.model._flatten_layers()}
        self.dtypes = ("float64",) if policies == {"float64"} else ("float64", "float32")
        self.notes = setup.notes
        mixed = policies - {"float64", "float32"}
        if mixed:
            self.notes.append(
                f"layers with the policy {', '.join(sorted(mixed))} are compared in float64 and "
                "float32"
            )
        self.whole = WholeModel(snapshot, setup)
        self.records: list[Record] = []
        self.problems: list[str] = []
        self.reference = oracle()
        self.only_home: dict[str, str] = {}  # label of a call -> why it runs nowhere else
        self.first: str | None = None
        self.failures: list[str] = []

    def run(self, left_out=(), require_all=False) -> Report:
        calls = self._listen()
        if calls is not None:
            self._look_for_nan(calls)
            with self.stage("comparing the layers"):
                self.records += compare_calls(self, calls)
            with self.stage("finding the first layer that differs"):
                self.first = first_difference(self, calls)
            if self.first:
                self.problems.insert(0, self.first)
            with self.stage("comparing the whole model"):
                check_model(self)
        curves = {}
        if calls is not None and self.steps and self.model.trainable_variables:
            with self.stage("comparing the training"):
                curves = check_training(self)
        return Report(
            model=f"{type(self.model).__name__} {self.model.name!r}",
            reference=self._reference_name(),
            setup={"loss": self.setup.loss, "optimizer": self.setup.optimizer, "steps": self.steps},
            targets=[t.label for t in self.targets],
            layers=list(dict.fromkeys(c.label for c in calls or ())),
            records=self.records,
            problems=list(dict.fromkeys(self.problems)),
            notes=self.notes,
            trajectory=curves,
            environment=describe_environment(dict.fromkeys(t.backend for t in self.targets)),
            first=self.first,
            failures=self.failures,
            left_out=left_out,
            require_all=require_all,
        )

    @contextmanager
    def stage(self, what):
        """An exception inside ends this stage alone, and makes the report incomplete."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - reported as a failure of the stage
            self.fail(what, error)

    def fail(self, what, error):
        self.failures.append(
            f"The verification failed at {what}: {one_line(error)}. So that was not compared."
        )

    def _reference_name(self):
        if self.reference is oracle():
            return "the float64 oracle (NumPy with plain bodies)"
        return f"{self.home.name} in float64, since parts of the model run nowhere else"

    def on_reference(self, noisy=False):
        return placed(self.snapshot, self.noisy_backend() if noisy else self.reference, "float64")

    def why_not_whole(self, target, dtype):
        """Why the whole model is not compared there; None if it is."""
        if self.reference is not self.home:
            return None
        if target.backend.name != self.home.name:
            return f"runs only on {self.home.name}"
        if self.is_its_own_reference(target, dtype):
            return f"{target.label} in float64 is the reference itself"
        return None

    def is_its_own_reference(self, target, dtype):
        """Whether a target is what it would be compared with, for what runs at home alone."""
        return (
            dtype == "float64"
            and target.backend is self.home
            and target.device == (registry.current_device() or best_device(self.home))
        )

    def noisy_backend(self):
        return self.home if self.reference is self.home else rounding_oracle()

    def simulate_rounding(self, seed, loud=False):
        """Let the next noisy run be number `seed`; returns the jitter of weights and layers
        where it runs at home (`at_home`), else None."""
        if self.reference is self.home:
            return np.random.default_rng(seed), U32 * (LOUD if loud else 1)
        rounding_oracle().seed(seed, loud)
        return None

    def note_once(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def look_again(self, target, state, step) -> str | None:
        """The first layer that differs on `target` at a training step, in a sentence."""
        x, y = self.setup.batch(step)
        with self.snapshot.weights_of(state):
            there = Job(self.snapshot, replace(self.setup, x=x, y=y, notes=[]), [target], 0)
            there.reference, there.only_home = self.reference, self.only_home
            there.whole = WholeModel(self.snapshot, there.setup, state.counters)
            calls = there.calls_on(self.reference)
            there.records = compare_calls(there, calls)
            found = first_difference(there, calls)
        self.failures += there.failures
        return found

    # -- listening ---------------------------------------------------------------------------------

    def _listen(self):
        """The calls of one training pass, and those of an inference pass that may differ, on the
        reference.

        Where the oracle cannot run the model because a layer of it calls a framework by itself,
        the model's own backend, in float64, becomes the reference. None where the oracle fails at
        something else.
        """
        try:
            return self.calls_on(self.reference)
        except Exception as error:  # noqa: BLE001 - raised or reported below
            calls = self.calls_on(
                self.home
            )  # what runs nowhere is an error of the model, and flies
            layer = getattr(error, "verify_layer", None)
            where = f"the layer {layer!r}" if layer else "the model's call()"
            if not runs_elsewhere(error, self.reference):
                self.fail(f"{where} on the reference", error)
                return None
            self.reference = self.home
            self.notes.append(
                f"{where} runs only on {self.home.name} ({one_line(error)}), so it, the whole "
                "model and the training are verified "
                f"there alone, against {self.home.name} in float64; all other layers on every "
                "backend"
            )
            return calls

    def calls_on(self, backend, inside=()):
        with placed(self.snapshot, backend, "float64"):
            calls = self.whole.run(backend, inside)
            calls += [
                c for c in self.whole.run(backend, inside, training=False) if c.depends_on_training
            ]
        return calls

    def _look_for_nan(self, calls):
        for variable in self.snapshot.variables:
            value = self.snapshot.value(variable)
            if value.dtype.kind == "f" and np.isnan(value).any():
                self.problems.append(
                    f"The weight {variable.path!r} holds NaN: it was never set, or training "
                    "diverged."
                )
        first = next((c for c in calls if _makes_nan(c)), None)
        if first is not None:
            self.problems.append(
                f"{first.label} ({first.kind}) makes the first NaN: its inputs have none, its "
                "outputs do."
            )


def _makes_nan(call):
    def has_nan(arrays):
        return any(a.dtype.kind == "f" and np.isnan(a).any() for a in arrays)

    return has_nan(call.outputs) and not has_nan(call.arrays)
