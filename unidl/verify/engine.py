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
from unidl.conformance.engine import evaluate
from unidl.conformance.judge import FLOAT64_BUDGET, judge
from unidl.conformance.oracle import U32, noisy_oracle, oracle
from unidl.conformance.scales import Evaluation, noise
from unidl.layers import Layer
from unidl.models import Model
from unidl.verify import trajectory
from unidl.verify.calls import Replay, WholeModel
from unidl.verify.environment import describe_environment
from unidl.verify.figures import share
from unidl.verify.report import Record, Report
from unidl.verify.rounding import rounding_oracle
from unidl.verify.setup import make_setup
from unidl.verify.snapshot import Snapshot, lent, placed
from unidl.verify.trajectory import BUDGET, FLOOR, OTHERS

NOISY_RUNS = 2


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
        targets, notes = find_targets(backends, devices)  # imports frameworks, so after all that may be wrong with the data
        setup.notes += notes
        with lent(model) as snapshot:
            return _Verification(snapshot, setup, targets, steps).run()


def _as_model(model):
    if isinstance(model, Model):
        return model
    if not isinstance(model, Layer):
        raise TypeError(f"verify: takes a Model or a Layer, got {type(model).__name__}. A model of a framework's own is imported first.")
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
    for name in backends if backends is not None else [row.name for row in list_backends() if row.installed]:
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
        targets += [Target(backend, d, f"{backend.name} {d}" if several else backend.name) for d in found]
    if not targets:
        raise ValueError(f"verify: there is nothing to verify on. {'; '.join(notes) or 'Name a backend.'}.")
    return targets, notes


class _Verification:
    def __init__(self, snapshot: Snapshot, setup, targets, steps):
        self.snapshot, self.setup, self.targets, self.steps = snapshot, setup, targets, steps
        self.model = snapshot.model
        self.home = self.model.backend
        policies = {layer.dtype_policy.name for layer in self.model._flatten_layers()}
        self.dtypes = ("float64",) if policies == {"float64"} else ("float64", "float32")
        self.notes = setup.notes
        mixed = policies - {"float64", "float32"}
        if mixed:
            self.notes.append(f"layers with the policy {', '.join(sorted(mixed))} are compared in float64 and float32")
        self.whole = WholeModel(snapshot, setup)
        self.records: list[Record] = []
        self.problems: list[str] = []
        self.reference = oracle()
        self.only_home: dict[str, str] = {}  # label of a call -> why it runs nowhere else
        self.first: str | None = None

    def run(self) -> Report:
        calls = self._listen()
        self._look_for_nan(calls)
        self._check_calls(calls)
        self.first = self._first_of(calls)
        if self.first:
            self.problems.insert(0, self.first)
        self._check_model()
        curves = self._check_training() if self.steps and self.model.trainable_variables else {}
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

    def _on_reference(self, noisy=False):
        return placed(self.snapshot, self._noisy_backend() if noisy else self.reference, "float64")

    def _runs_here(self, target):
        return self.reference is not self.home or target.backend.name == self.home.name

    # -- listening ---------------------------------------------------------------------------------

    def _listen(self, inside=()):
        """The calls of one training pass, and those of an inference pass that may differ, on the reference.

        Where the oracle cannot run the model, a layer of it calls a framework by itself, and the model's own backend, in
        float64, becomes the reference.
        """
        try:
            return self._calls_on(self.reference, inside)
        except Exception as error:
            if self.home.name == self.reference.name or self.reference is self.home:
                raise
            self.reference = self.home
            calls = self._calls_on(self.home, inside)
            layer = getattr(error, "verify_layer", None)
            where = f"the layer {layer!r}" if layer else "the model's call()"
            self.notes.append(
                f"{where} runs only on {self.home.name} ({_one_line(error)}), so it, the whole model and the training are verified "
                f"there alone, against {self.home.name} in float64; all other layers on every backend"
            )
            return calls

    def _calls_on(self, backend, inside):
        with placed(self.snapshot, backend, "float64"):
            calls = self.whole.run(backend, inside)
            calls += [c for c in self.whole.run(backend, inside, training=False) if c.depends_on_training]
        return calls

    def _look_for_nan(self, calls):
        for variable in self.snapshot.variables:
            value = self.snapshot.value(variable)
            if value.dtype.kind == "f" and np.isnan(value).any():
                self.problems.append(f"The weight {variable.path!r} holds NaN: it was never set, or training went astray.")
        first = next((c for c in calls if _makes_nan(c)), None)
        if first is not None:
            self.problems.append(f"{first.label} ({first.kind}) makes the first NaN: its inputs have none, its outputs do.")

    # -- layers ------------------------------------------------------------------------------------

    def _check_calls(self, calls, quietly=False):
        cases = [_LayerCase(Replay(call, self.snapshot), call) for call in calls]
        with placed(self.snapshot, oracle(), "float64"):
            for case in cases:
                try:
                    case.find_truth(oracle())
                except Exception as error:
                    if self.reference is oracle():
                        raise
                    self.only_home[case.call.label] = _one_line(error)
        with placed(self.snapshot, noisy_oracle(), "float64"):
            for case in cases:
                if case.truth is not None:
                    case.find_scales(noisy_oracle(), seeds=True)
        with placed(self.snapshot, self.home, "float64"):
            for case in cases:
                if case.truth is None:
                    case.find_truth(self.home)
                    case.find_scales(self.home, seeds=False)
        found = self._compare_calls(cases)
        beyond = [case for case in cases if any(r.layer == case.call.label and not r.within and not r.skipped for r in found)]
        beyond = [case for case in beyond if case.call.label not in self.only_home]
        if beyond:
            # Only now what is simulated at length, see `rounding`.
            with placed(self.snapshot, rounding_oracle(), "float64"):
                for case in beyond:
                    case.find_scales(rounding_oracle(), seeds=True)
            labels = {case.call.label for case in beyond}
            explained = {_identity(r) for r in self._compare_calls(beyond, scaled=True) if r.within}
            for record in found:
                record.explained = record.layer in labels and not record.within and _identity(record) in explained
        if not quietly:
            self.records += found
        return found

    def _compare_calls(self, cases, scaled=False):
        found = []
        for target in self.targets:
            for dtype in self.dtypes:
                with placed(self.snapshot, target.backend, dtype, target.device):
                    for case in cases:
                        found += self._compare_call(case, target, dtype, scaled)
        return found

    def _compare_call(self, case, target, dtype, scaled):
        call = case.call
        common = {"layer": call.label, "kind": call.kind, "stage": "layer", "target": target.label, "dtype": dtype}
        common["mode"] = "training" if call.training else "inference"
        if call.label in self.only_home and target.backend.name != self.home.name:
            text = f"runs only on {self.home.name}"
            return [Record(**common, what="call", error=0.0, budget=0.0, within=False, skipped=True, message=text)]
        budget = FLOAT64_BUDGET if dtype == "float64" else BUDGET
        try:
            got = evaluate(target.backend, case.replay, *case.given(dtype))
        except Exception as error:  # noqa: BLE001 - reported as a failure of this layer here
            return [Record(**common, what="call", error=np.inf, budget=budget, within=False, message=f"cannot run: {_one_line(error)}")]
        return [Record(**common, **verdict) for verdict in _verdicts(got, case.truth, case.scales, dtype, case.names, scaled)]

    def _first_of(self, calls):
        """The first call in the order of execution whose excess rounding does not explain, in a sentence."""
        order = {label: i for i, label in reversed(list(enumerate(c.label for c in calls)))}
        self._note_what_rounding_explains()
        failed = [r for r in self.records if not r.passed]
        if not failed:
            return None
        label = min((r.layer for r in failed), key=order.__getitem__)
        sentence = _sentence(label, [r for r in self.records if r.layer == label])
        call = next(c for c in calls if c.label == label)
        parts = getattr(call.layer, "_layers", [])
        return sentence + (self._look_inside(call.layer) if parts and label not in self.only_home else "")

    def _note_what_rounding_explains(self):
        explained = [r for r in self.records if r.explained]
        for label in dict.fromkeys(r.layer for r in explained):
            rows = [r for r in explained if r.layer == label]
            what, where, worst = (dict.fromkeys(r.what for r in rows), dict.fromkeys(r.target for r in rows), max(rows, key=share))
            self.notes.append(
                f"{label} ({worst.kind}) exceeds its budget on {', '.join(where)}, as rounding explains: {', '.join(what)}; "
                f"at most {_amount(worst)} in {worst.dtype}"
            )

    def _look_inside(self, layer):
        """Which of the layers inside `layer` differ, in a sentence; they are compared like the others."""
        inner = [c for c in self._calls_on(self.reference, (layer,)) if any(c.layer is part for part in layer._flatten_layers()[1:])]
        counts: dict[int, int] = {}
        few = [c for c in inner if counts.setdefault(id(c.layer), 0) < 2 and not counts.update({id(c.layer): counts[id(c.layer)] + 1})]
        failed = [r for r in self._check_calls(few, quietly=True) if not r.passed]
        if not failed:
            return " The layers inside it are equal, so it is in its own call()." if few else ""
        return f" Inside it: {_sentence(failed[0].layer, [r for r in failed if r.layer == failed[0].layer])}"

    def _note_once(self, text):
        if text not in self.notes:
            self.notes.append(text)

    # -- the whole model ---------------------------------------------------------------------------

    def _check_model(self):
        whole, arrays = self.whole, self.whole.arrays
        with self._on_reference():
            outputs = evaluate(self.reference, whole, arrays).outputs
            cotangents = [np.ones(())] + [None] * (len(outputs) - 1)
            cotangents = cotangents if self.model.trainable_variables or any(a.dtype.kind == "f" for a in arrays.values()) else None
            truth = evaluate(self.reference, whole, arrays, cotangents)
        with self._on_reference(noisy=True):
            again = _again(whole, self._noisy_backend(), seeds=self.reference is not self.home)
            scales = noise(again, arrays, cotangents or [], truth)
        names = ["loss", *(f"output {i}" for i in range(len(outputs) - 1))] if len(outputs) > 2 else ["loss", "output"]
        common = {"layer": "", "kind": "model", "stage": "model", "mode": "training"}
        narrow: dict[str, Evaluation] = {}
        for target in self.targets:
            for dtype in self.dtypes:
                here = common | {"target": target.label, "dtype": dtype}
                if not self._runs_here(target):
                    self.records.append(_not_here(here, self.home))
                    continue
                got = self._evaluate_whole(target, dtype, cotangents, here)
                if got is None:
                    continue
                if dtype == "float64":
                    rows = zip(*(_verdicts(got, truth, scales, dtype, names, scaled) for scaled in (False, True)), strict=True)
                    self.records += [Record(**here, **v, explained=not v["within"] and scaled["within"]) for v, scaled in rows]
                else:
                    narrow[target.label] = got
        self._compare_with_others(narrow, truth, scales, names, common)
        failed = [r for r in self.records if r.stage == "model" and not r.passed]
        if failed and self.first is None:
            self._say_where_the_model_differs(failed)

    def _noisy_backend(self):
        return self.home if self.reference is self.home else rounding_oracle()

    def _evaluate_whole(self, target, dtype, cotangents, here):
        """The model's evaluation, run twice; None with a record where it cannot run."""
        arrays = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in self.whole.arrays.items()}
        weights = cotangents and [None if c is None else c.astype(dtype) for c in cotangents]
        with placed(self.snapshot, target.backend, dtype, target.device):
            try:
                got, again = (evaluate(target.backend, self.whole, arrays, weights) for _ in range(2))
            except Exception as error:  # noqa: BLE001 - reported as a failure of this backend
                text = f"cannot run: {_one_line(error)}"
                self.records.append(Record(**here, what="call", error=np.inf, budget=0.0, within=False, message=text))
                return None
            changed = [a for a, b in zip(_flat(got), _flat(again), strict=True) if not np.array_equal(a, b, equal_nan=True)]
            if changed and dtype == "float64":
                self._say_what_is_random(target)
        return got

    def _say_what_is_random(self, target):
        """Two runs from one state differ: name the first layer that gives two results for one input."""
        first, second = (self.whole.run(target.backend) for _ in range(2))
        culprit = next(
            (a for a, b in zip(first, second, strict=True) if _same(a.arrays, b.arrays) and not _same(a.outputs, b.outputs)), None
        )
        if culprit is None:
            self._note_once(f"not deterministic on {target.label}: two runs from one state part in a gradient")
            return
        self.problems.append(
            f"{culprit.label} ({culprit.kind}) is not deterministic: two runs on {target.label} with the same inputs and random state "
            f"give different outputs. Draw random numbers with unidl.random and a SeedGenerator."
        )

    def _compare_with_others(self, narrow, truth, scales, names, common):
        """float32: each target's errors against the median of the others'."""
        labels = [*names, *(f"gradient of {n}" for n in truth.gradients)]
        refs, fair = _flat(truth), _flat(scales)
        errors = {t: [_largest(value, ref) for value, ref in zip(_flat(got), refs, strict=True)] for t, got in narrow.items()}
        for target, own in errors.items():
            for i, (label, ref, s) in enumerate(zip(labels, refs, fair, strict=True)):
                if ref.dtype.kind != "f":
                    continue
                others = [other[i] for name, other in errors.items() if name != target]
                allowed = OTHERS * float(np.median(others)) if others else 0.0
                allowed += FLOOR * U32 * float(np.max(s, initial=0.0))
                top = float(np.max(np.abs(ref), initial=0.0)) or 1.0
                here = common | {"target": target, "dtype": "float32"}
                self.records.append(Record(**here, what=label, error=own[i] / top, budget=allowed / top, within=own[i] <= allowed))

    def _say_where_the_model_differs(self, failed):
        """All layers are equal and the model is not: look at what lies between them, or in the loss."""
        worst = max(failed, key=share)
        target = next(t for t in self.targets if t.label == worst.target)
        text = f"Each layer is equal by itself, but the model's {worst.what} on {worst.target} is not ({_amount(worst)})."
        if worst.message.startswith("cannot run"):
            self.problems.append(f"The model does not run on {worst.target}: {worst.message.removeprefix('cannot run: ')}")
            return
        ours = self._calls_on(self.reference, ())
        with placed(self.snapshot, target.backend, "float64", target.device):
            theirs = self.whole.run(target.backend)
        before = "the input"
        for a, b in zip(ours, theirs, strict=False):
            if any(_largest(v, ref) > 1e-9 * (np.max(np.abs(ref), initial=0.0) or 1.0) for v, ref in zip(b.arrays, a.arrays, strict=True)):
                text += f" It parts between {before} and {a.label}: look at the functions that call() uses there."
                break
            before = a.label
        else:
            text += f" It is not between the layers: look behind {before}, at the loss, or at gradients that are stopped."
        self.problems.append(text)

    # -- training ----------------------------------------------------------------------------------

    def _check_training(self):
        with self._on_reference():
            truth = trajectory.train(self.model, self.setup, self.steps, eagerly=True)
        scatter = self._scatter(truth)
        runs = {}
        for target in self.targets:
            for dtype in self.dtypes:
                here = {"layer": "", "kind": "training", "stage": "training", "mode": "training", "target": target.label, "dtype": dtype}
                if not self._runs_here(target):
                    self.records.append(_not_here(here, self.home))
                    continue
                with placed(self.snapshot, target.backend, dtype, target.device):
                    try:
                        runs[target.label, dtype] = trajectory.train(self.model, self.setup, self.steps)
                    except Exception as error:  # noqa: BLE001 - reported as a failure of this backend
                        text = f"cannot train: {_one_line(error)}"
                        self.records.append(Record(**here, what="step 1", error=np.inf, budget=0.0, within=False, message=text))
                        self.problems.append(f"{target.label} {text}")
        for record in trajectory.judge_runs(runs, truth, scatter):
            self.records.append(record)
        self._say_where_training_parts()
        return trajectory.curves(runs, truth)

    def _scatter(self, truth):
        """Runs of the reference with simulated rounding of float32."""
        found = []
        for seed in range(NOISY_RUNS):
            with self._on_reference(noisy=True):
                jitter = None
                if self.reference is self.home:
                    jitter = np.random.default_rng(seed), U32
                else:
                    rounding_oracle().seed(seed)
                found.append(trajectory.train(self.model, self.setup, self.steps, eagerly=True, jitter=jitter))
        return trajectory.scatter(found, truth)

    def _say_where_training_parts(self):
        failed = [r for r in self.records if r.stage == "training" and not r.passed and not r.message.startswith("cannot")]
        if not failed:
            return
        equal_before = all(r.passed for r in self.records if r.stage in ("layer", "model"))
        for target in dict.fromkeys(r.target for r in failed):
            worst = min((r for r in failed if r.target == target), key=lambda r: (r.dtype != "float64", r.what))
            text = f"Training on {target} parts in {worst.dtype} at {worst.what}: {_amount(worst)}."
            if equal_before and "weight" in worst.what:
                text += f" Layers, loss and gradients are equal, so it is the update of {self.setup.optimizer} or the compiled step."
            self.problems.append(text)
            if self.first is None and equal_before:
                self.first = text


# -- small things --------------------------------------------------------------------------------------


class _LayerCase:
    """A call to be compared: its arrays, and once they are found truth and scales."""

    def __init__(self, replay, call):
        self.replay, self.call = replay, call
        self.arrays = replay.arrays
        self.truth = self.scales = self.cotangents = None
        self.names: list[str] = []

    def find_truth(self, backend):
        outputs = evaluate(backend, self.replay, self.arrays).outputs
        generator = np.random.default_rng(len(outputs))
        drawn = [generator.normal(size=o.shape).astype("float32").astype("float64") if o.dtype == "float64" else None for o in outputs]
        # What a layer assigns has no gradient.
        kept = len(self.replay.prepare(backend, self.arrays).others)
        drawn[len(drawn) - kept :] = [None] * kept
        differentiable = any(c is not None for c in drawn) and self.replay.prepare(backend, self.arrays).variables
        self.cotangents = drawn if differentiable else None
        self.truth = evaluate(backend, self.replay, self.arrays, self.cotangents)
        made = len(self.call.outputs)
        self.names = ["output"] if made == 1 else [f"output {i}" for i in range(made)]
        self.names += ["added loss"] * (len(outputs) - made - kept)
        self.names += [f"new {n}" for n, v in self.replay.weights.items() if n not in self.truth.gradients][-kept:] if kept else []
        self.names += ["new state"] * (len(outputs) - len(self.names))

    def find_scales(self, backend, seeds):
        self.scales = noise(_again(self.replay, backend, seeds), self.arrays, self.cotangents or [], self.truth)

    def given(self, dtype):
        """(arrays, cotangents) in `dtype`."""
        arrays = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in self.arrays.items()}
        return arrays, self.cotangents and [None if c is None else c.astype(dtype) for c in self.cotangents]


def _again(case, backend, seeds):
    """The function that `scales.noise` calls for each draw."""

    def again(arrays, cotangents, noise):
        if seeds:
            backend.seed(noise)
        return evaluate(backend, case, arrays, cotangents or None)

    return again


def _flat(evaluation):
    return [*evaluation.outputs, *evaluation.gradients.values()]


def _identity(record):
    return record.layer, record.target, record.mode, record.dtype, record.what


def _verdicts(got, truth, scales, dtype, names, scaled=False):
    """The fields of a Record for each output and gradient; `scaled`: float64 too is judged by its condition."""
    if len(got.outputs) != len(truth.outputs):
        text = f"{len(got.outputs)} outputs, expected {len(truth.outputs)}"
        return [{"what": "outputs", "error": np.inf, "budget": 0.0, "within": False, "message": text}]
    rows = list(zip(names, got.outputs, truth.outputs, scales.outputs, strict=True))
    rows += [(f"gradient of {n}", got.gradients[n], truth.gradients[n], scales.gradients[n]) for n in truth.gradients]
    found = []
    for what, value, ref, scale in rows:
        verdict = judge(value, ref, scale, dtype, BUDGET, scaled=scaled)
        zeros = not verdict.passed and value.shape == ref.shape and not np.any(value) and np.any(ref)
        figures = {"error": verdict.error, "budget": verdict.budget, "within": verdict.passed}
        found.append({"what": what, "message": "all zeros" if zeros else verdict.message} | figures)
    return found


def _not_here(common, home):
    return Record(**common, what="call", error=0.0, budget=0.0, within=False, skipped=True, message=f"runs only on {home.name}")


def _largest(value, ref):
    """max |value - ref|; infinite where only one of them is finite."""
    if value.shape != ref.shape:
        return np.inf
    with np.errstate(invalid="ignore"):
        same = (value == ref) | (np.isnan(value) & np.isnan(ref))
        difference = np.abs(value.astype("float64") - ref)
    return float(np.max(np.nan_to_num(np.where(same, 0.0, difference), nan=np.inf), initial=0.0))


def _same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(first, second, strict=True)
    )


def _makes_nan(call):
    def has_nan(arrays):
        return any(a.dtype.kind == "f" and np.isnan(a).any() for a in arrays)

    return has_nan(call.outputs) and not has_nan(call.arrays)


def _sentence(label, records):
    """What is wrong with one layer, on which targets, and whether rounding explains it."""
    failed = [r for r in records if not r.passed]
    worst = max(failed, key=lambda r: (r.dtype == "float64", r.what.startswith("output"), share(r)))
    targets = ", ".join(dict.fromkeys(r.target for r in failed))
    text = f"{label} ({worst.kind}) is the first layer that differs, on {targets}: {worst.what} in {worst.dtype}, {_amount(worst)}."
    if worst.what.startswith("gradient") and all(r.passed for r in records if r.dtype == worst.dtype and r.what.startswith("output")):
        text += " Its outputs are equal."
    if worst.message.startswith("cannot run"):
        return text
    if worst.dtype == "float64":
        narrow = 1e-10 < worst.error < 3e-6
        size = " It is as large as float32's rounding: look for something inside that computes in float32." if narrow else ""
        return f"{text} Rounding does not explain it.{size}"
    return f"{text} Its formula is right (float64 agrees), but it loses more digits than rounding in float32 explains."


def _amount(record):
    if record.message:
        return record.message
    unit = "roundings" if record.stage == "layer" and record.dtype != "float64" else "relative"
    return f"error {record.error:.2g} {unit}, budget {record.budget:.2g}"


def _one_line(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
