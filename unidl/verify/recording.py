"""A training run as a file: what every layer gave, every gradient and every weight, step by step.

A run file is a zip (np.load opens it too) of `header.json` and of plain arrays: `values_<i>`
(steps, samples) of entry i, and `scatter` (steps, entries), how far rounding may move each entry.
Nothing in it is a pickle.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from unidl import tree
from unidl.backend import floatx, use_backend
from unidl.conformance.engine import evaluate
from unidl.conformance.evaluable import Evaluable
from unidl.conformance.oracle import U32, oracle
from unidl.datasets._npz import read_npz
from unidl.utils.whole_file import whole_file
from unidl.verify.apart import apart
from unidl.verify.calls import leaves_by_name, listening, model_program
from unidl.verify.environment import describe_environment
from unidl.verify.rounding import rounding_oracle
from unidl.verify.setup import make_setup
from unidl.verify.snapshot import Snapshot, placed
from unidl.verify.trajectory import sample, weight_names

FORMAT, VERSION = "unidl run", 1
SAMPLES = 1024
_NOISY_RUNS = 2
_MOST_HEADER, _MOST_VALUES = (
    16 << 20,
    1 << 27,
)  # bytes, and numbers, that a run file may claim to hold


@dataclass(frozen=True)
class RecordedRun:
    """header: as written. entries: [(kind, name)] in the order of execution within a step. values:
    for each (steps, samples).

    scatter: (steps, entries), the largest change of an entry by simulated float32 rounding, over u,
    plus its largest value.
    """

    header: dict
    entries: list
    values: list
    scatter: np.ndarray


def record(model, x, y, steps, path, dtype=None):
    """Train a copy of the run that `model` would make, `steps` steps from its state now, and write
    all that it computes to `path`.

    Args:
        model: a built or unbuilt Model, compiled or not. It is copied and left alone, see `verify`.
        x, y: data as for `verify`; None draws it, the same on every machine.
        steps: at least 1; the loss and optimizer are the model's, the step is compiled as its
            backend compiles it.
        path: of the run file. It is written whole or not at all.
        dtype: of the run, by default the model's own. "float64" shows what rounding in float32
            hides.

    The run is on the model's own backend. How far rounding may move it is found by three more runs
    on the oracle, so a recording takes longer than the training.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> unidl.verify.record(model, None, None, steps=1, path="run.npz")
    """
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"record: steps must be an int >= 1, got {steps!r}.")
    if dtype not in (None, "float64", "float32"):
        raise ValueError(f'record: dtype must be "float64" or "float32", got {dtype!r}.')
    home, own = model.backend, model.compute_dtype
    with apart(model, "record") as copier:
        model = copier.copy
        with use_backend(home):
            setup = make_setup(model, x, y, "record")
        if not model.trainable_variables:
            raise ValueError(
                f"record: {model._who()} has no trainable weights, so there is no training to "
                "record."
            )
        snapshot = Snapshot(model, copier.made)
        # None: a model with a mixed policy keeps it.
        ours = _run(snapshot, setup, steps, home, None if dtype == own else dtype, eagerly=False)
        truth = _run(snapshot, setup, steps, oracle(), "float64", eagerly=True)
        noisy = [
            _run(snapshot, setup, steps, rounding_oracle(), "float64", eagerly=True, seed=n)
            for n in range(_NOISY_RUNS)
        ]
    entries = list(ours[0])
    if any(
        list(step) != list(other)
        for run in (truth, *noisy)
        for step, other in zip(ours, run, strict=True)
    ):
        raise ValueError(
            "record: the model calls different layers on the oracle than on its own backend, so "
            "their rounding cannot be measured."
        )
    scatter = np.array([[_scatter(t, key, truth, noisy) for key in entries] for t in range(steps)])
    header = {
        "format": FORMAT,
        "version": VERSION,
        "model": f"{type(model).__name__} {model.name!r}",
        "backend": f"{home.name} {home.version}",
        "dtype": dtype or own,
        "steps": steps,
        "loss": setup.loss,
        "optimizer": setup.optimizer,
        "data": _digest(setup.batches),
        "notes": setup.notes,
        "environment": describe_environment([home]),
        "entries": entries,
        "sizes": [int(ours[0][key].size) for key in entries],
    }
    _write(
        path,
        header,
        {f"values_{i}": np.array([step[key] for step in ours]) for i, key in enumerate(entries)}
        | {"scatter": scatter},
    )


def _run(snapshot, setup, steps, backend, dtype, eagerly, seed=None):
    """[{(kind, name): samples}] of each step, in the order of execution."""
    rows = []
    with placed(snapshot, backend, dtype) as model:
        if seed is not None:
            backend.seed(seed)
        setup.prepare(model)
        model.run_eagerly = eagerly or model.run_eagerly
        for step in range(steps):
            x, y = setup.batch(step)
            row = _look(snapshot, backend, (x, y))
            model.train_on_batch(x, y)
            row |= {
                ("weight", n): sample(v.numpy(), SAMPLES)
                for n, v in zip(weight_names(model), model.weights, strict=True)
            }
            rows.append({key: value.astype("float64") for key, value in row.items()})
    return rows


@dataclass
class _Step(Evaluable):
    """The loss and outputs of a placed model on one batch, from where it stands."""

    model: object
    batch: tuple

    def prepare(self, backend, arrays):
        return model_program(self.model, backend, arrays, self.batch)


def _look(snapshot, backend, batch):
    """Outputs, loss and gradients of the step to come, which the model's state afterwards does not
    show."""
    model, dtype = (
        snapshot.model,
        floatx() if snapshot.model.compute_dtype == "float64" else snapshot.model.compute_dtype,
    )
    counters = snapshot.counters()
    learned = {id(v) for v in model.trainable_variables}
    before = [(v, v.numpy()) for v in model._device_variables if id(v) not in learned]
    arrays = {
        n: a.astype(dtype) if a.dtype.kind == "f" else a
        for n, a in leaves_by_name(batch[0]).items()
    }
    step = _Step(model, batch)

    count = len(
        tree.flatten(model._symbolic_outputs_for(tree.map_structure(lambda a: a[:1], batch[0])))
    )
    with listening(snapshot) as recorder, _undone(snapshot, before, counters):
        evaluate(
            backend, step, arrays
        )  # without gradients: a backend that traces them has no values meanwhile
    with _undone(snapshot, before, counters):
        got = evaluate(backend, step, arrays, [np.ones((), dtype), *[None] * count])
    row = {}
    for call in recorder.calls:
        for i, output in enumerate(call.outputs):
            row["output", call.label if len(call.outputs) == 1 else f"{call.label}, output {i}"] = (
                sample(output, SAMPLES)
            )
    row["loss", "loss"] = sample(got.outputs[0])
    # Backwards: what is wrong in a layer's gradient is wrong in all before it.
    row |= {
        ("gradient", n): sample(g, SAMPLES)
        for n, g in reversed(got.gradients.items())
        if not n.startswith("input ")
    }
    return row


@contextmanager
def _undone(snapshot, values, counters):
    """What the block does to the random state and to the variables of `values` is taken back."""
    try:
        yield
    finally:
        snapshot.set_counters(counters)
        for variable, value in values:
            variable.assign(value)


def _scatter(t, key, truth, noisy):
    ref = truth[t][key]
    with np.errstate(invalid="ignore"):
        moved = max(float(np.max(np.abs(run[t][key] - ref), initial=0.0)) for run in noisy)
    return moved / U32 + float(np.max(np.abs(ref), initial=0.0))


def _digest(batches):
    found = hashlib.sha256()
    for leaf in tree.flatten(batches):
        if leaf is not None:
            found.update(f"{leaf.shape}".encode())
            found.update(np.ascontiguousarray(leaf.astype("float64")).tobytes())
    return found.hexdigest()


def _write(path, header, arrays):
    with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(header))
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(
                    stream,
                    np.ascontiguousarray(array, "float64"),
                    version=(1, 0),
                    allow_pickle=False,
                )


def read_run(path) -> RecordedRun:
    """The run in a file, of which nothing is trusted. ValueError where it is damaged or no run
    file."""
    header = _read_header(path)
    steps, sizes = header["steps"], header["sizes"]
    expected = {f"values_{i}": ((steps, size), "float64") for i, size in enumerate(sizes)}
    arrays = read_npz(path, expected | {"scatter": ((steps, len(sizes)), "float64")})
    scatter = arrays.pop("scatter")
    return RecordedRun(
        header, [tuple(entry) for entry in header["entries"]], list(arrays.values()), scatter
    )


def _read_header(path):
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo("header.json")
            if info.file_size > _MOST_HEADER:
                raise ValueError(f"its header claims {info.file_size} bytes")
            header = json.loads(archive.read(info))
        _check_header(header)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no run file {path}. Record one first: unidl.verify.record(model, x, y, "
            f"steps, path), or: unidl verify package.module:make_model --record {path}"
        ) from error
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        KeyError,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        RecursionError,
    ) as e:
        raise ValueError(
            f"{path} is damaged or not a run file: {e}. Write one with unidl.verify.record(model, "
            f"x, y, steps, path), or with: unidl verify package.module:make_model --record {path}"
        ) from e
    return header


def _check_header(header):
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("its header does not say that it is a run")
    if header.get("version") != VERSION:
        raise ValueError(
            f"it has version {header.get('version')!r}, this unidl reads version {VERSION}"
        )
    kinds = {
        "steps": int,
        "entries": list,
        "sizes": list,
        "dtype": str,
        "backend": str,
        "model": str,
        "data": str,
        "environment": dict,
    }
    for name, kind in kinds.items():
        if not isinstance(header.get(name), kind):
            raise ValueError(f"{name!r} in its header is {header.get(name)!r}")
    steps, sizes, entries = header["steps"], header["sizes"], header["entries"]
    if not all(
        isinstance(e, list) and len(e) == 2 and all(isinstance(part, str) for part in e)
        for e in entries
    ):
        raise ValueError("'entries' in its header are not pairs of kind and name")
    if len(sizes) != len(entries) or not all(type(n) is int and 0 <= n <= SAMPLES for n in sizes):
        raise ValueError("'sizes' in its header do not fit its entries")
    if not steps >= 1 or steps * (sum(sizes) + len(sizes)) > _MOST_VALUES:
        raise ValueError(f"it claims {steps} steps of {sum(sizes)} numbers")
