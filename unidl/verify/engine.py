"""verify: a model on every backend and device, against the float64 oracle.

Three rounds, from the parts to the whole (budgets as in `unidl.conformance.judge`):

layers    Each call of a layer is run again by itself, on the inputs and weights that it had in the reference run, so that
          an error belongs to the layer where it shows. Outputs, gradients of inputs and weights, what it assigns; in
          training and, where that may differ, in inference. float64: 1e-12 relative. float32: 16 roundings, scaled by
          the condition, which is measured (`unidl.conformance.scales`).
model     The training loss, the outputs and every gradient of the whole model. float64: 1e-12 again, or what rounding
          explains. float32: at most 3 times the median error of the others, plus a floor: 4 times what simulated rounding
          makes of the reference.
training  Some steps with the model's own loss and optimizer, compiled as the backend compiles them; each step's loss and
          weights, judged like the model, with the condition measured on whole runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unidl.backend import BackendError, get_backend, list_backends, registry, use_backend
from unidl.backend.contract import Backend
from unidl.conformance.oracle import oracle
from unidl.layers import Layer
from unidl.models import Model
from unidl.verify.calls import WholeModel
from unidl.verify.environment import describe_environment
from unidl.verify.layer_round import compare_calls, first_difference
from unidl.verify.model_round import check_model
from unidl.verify.report import Record, Report
from unidl.verify.rounding import rounding_oracle
from unidl.verify.setup import make_setup
from unidl.verify.snapshot import Snapshot, lent, placed
from unidl.verify.training_round import check_training
from unidl.verify.wording import one_line


@dataclass(frozen=True)
class Target:
    backend: Backend
    device: str
    label: str


def verify(model, x=None, y=None, backends=None, devices=None, steps=20) -> Report:
    """Compare `model` on every backend and device with the float64 oracle; see this module for how.

    Args:
        model: a Model or any Layer. It is given back as it was: weights, optimizer, random state, backend.
        x: arrays in the structure of the inputs; by default random ones by the model's input shapes. Layers and gradients
            are compared on the first 32 samples, the training steps take batches of 32 in turn.
        y: targets; by default random ones that suit the loss.
        backends: names (or Backends); by default all that are installed.
        devices: such as ["cpu", "gpu:0"]; by default all that each backend has.
        steps: of training, with the compiled optimizer and loss; Adam and a loss that suits the targets where there are none.
    """
    model = _as_model(model)
    if not isinstance(steps, int) or steps < 0:
        raise ValueError(f"verify: steps must be an int >= 0, got {steps!r}.")
    with lent(model):
        with use_backend(model.backend):
            setup = make_setup(model, x, y)
        targets, notes = find_targets(
            backends, devices
        )  # imports frameworks, so after all that may be wrong with the data
        setup.notes += notes
        with lent(model) as snapshot:
            return Job(snapshot, setup, targets, steps).run()


def _as_model(model):
    if isinstance(model, Model):
        return model
    if not isinstance(model, Layer):
        raise TypeError(
            f"verify: takes a Model or a Layer, got {type(model).__name__}. A model of a framework's own is imported first."
        )
    with use_backend(model.backend):
        return _Alone(model)


class _Alone(Model):
    """A model of one layer."""

    def __init__(self, layer):
        super().__init__(name=layer.name)
        self.layer = layer

    def call(self, inputs):
        return self.layer(inputs)


def find_targets(backends, devices):
    """([Target], notes about those that were left out)."""
    notes, loaded = [], []
    for name in (
        backends if backends is not None else [row.name for row in list_backends() if row.installed]
    ):
        try:
            loaded.append(get_backend(name))
        except BackendError as error:
            if backends is not None:
                raise
            notes.append(f"{name} was left out: {error}")
    wanted = None if devices is None else [registry.standardize_device(d) for d in devices]
    targets = []
    for backend in loaded:
        found = [d for d in backend.devices() if wanted is None or d in wanted]
        if not found:
            notes.append(f"{backend.name} has none of the devices {', '.join(wanted)}")
        several = len(backend.devices()) > 1
        targets += [
            Target(backend, d, f"{backend.name} {d}" if several else backend.name) for d in found
        ]
    if not targets:
        raise ValueError(
            f"verify: there is nothing to verify on. {'; '.join(notes) or 'Name a backend.'}."
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
                f"layers with the policy {', '.join(sorted(mixed))} are compared in float64 and float32"
            )
        self.whole = WholeModel(snapshot, setup)
        self.records: list[Record] = []
        self.problems: list[str] = []
        self.reference = oracle()
        self.only_home: dict[str, str] = {}  # label of a call -> why it runs nowhere else
        self.first: str | None = None

    def run(self) -> Report:
        calls = self._listen()
        self._look_for_nan(calls)
        self.records += compare_calls(self, calls)
        self.first = first_difference(self, calls)
        if self.first:
            self.problems.insert(0, self.first)
        check_model(self)
        curves = check_training(self) if self.steps and self.model.trainable_variables else {}
        return Report(
            model=f"{type(self.model).__name__} {self.model.name!r}",
            reference=self._reference_name(),
            setup={"loss": self.setup.loss, "optimizer": self.setup.optimizer, "steps": self.steps},
            targets=[t.label for t in self.targets],
            layers=list(dict.fromkeys(c.label for c in calls)),
            records=self.records,
            problems=list(dict.fromkeys(self.problems)),
            notes=self.notes,
            trajectory=curves,
            environment=describe_environment(dict.fromkeys(t.backend for t in self.targets)),
            first=self.first,
        )

    def _reference_name(self):
        if self.reference is oracle():
            return "the float64 oracle (NumPy with plain bodies)"
        return f"{self.home.name} in float64, since parts of it run nowhere else"

    def on_reference(self, noisy=False):
        return placed(self.snapshot, self.noisy_backend() if noisy else self.reference, "float64")

    def runs_here(self, target):
        return self.reference is not self.home or target.backend.name == self.home.name

    def noisy_backend(self):
        return self.home if self.reference is self.home else rounding_oracle()

    def note_once(self, text):
        if text not in self.notes:
            self.notes.append(text)

    # -- listening ---------------------------------------------------------------------------------

    def _listen(self, inside=()):
        """The calls of one training pass, and those of an inference pass that may differ, on the reference.

        Where the oracle cannot run the model, a layer of it calls a framework by itself, and the model's own backend, in
        float64, becomes the reference.
        """
        try:
            return self.calls_on(self.reference, inside)
        except Exception as error:
            if self.home.name == self.reference.name or self.reference is self.home:
                raise
            self.reference = self.home
            calls = self.calls_on(self.home, inside)
            layer = getattr(error, "verify_layer", None)
            where = f"the layer {layer!r}" if layer else "the model's call()"
            self.notes.append(
                f"{where} runs only on {self.home.name} ({one_line(error)}), so it, the whole model and the training are verified "
                f"there alone, against {self.home.name} in float64; all other layers on every backend"
            )
            return calls

    def calls_on(self, backend, inside):
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
                    f"The weight {variable.path!r} holds NaN: it was never set, or training went astray."
                )
        first = next((c for c in calls if _makes_nan(c)), None)
        if first is not None:
            self.problems.append(
                f"{first.label} ({first.kind}) makes the first NaN: its inputs have none, its outputs do."
            )


def _makes_nan(call):
    def has_nan(arrays):
        return any(a.dtype.kind == "f" and np.isnan(a).any() for a in arrays)

    return has_nan(call.outputs) and not has_nan(call.arrays)
