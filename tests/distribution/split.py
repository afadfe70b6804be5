"""Runs of split weights in several processes: `split.py WHAT FOLDER MESH`, such as 1x2 for a mesh.

With UNIDL_ALONE=1 nobody is joined and no weight is split.
"""

import gc
import json
import os
import signal
import sys
import warnings

import numpy as np

import unidl
from unidl import layers
from unidl.distribution import DeviceMesh, LayoutMap, ModelParallel

ALONE = os.environ.get("UNIDL_ALONE") == "1"
DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(22, 8)), DRAW.normal(size=(22, 4))


LAYOUTS = (("hidden/kernel", (None, "model")), ("out/kernel", ("model", None)))


def split_weights(mesh, layouts):
    found = LayoutMap(DeviceMesh(tuple(map(int, mesh.split("x"))), ["batch", "model"]))
    for key, axes in layouts:
        found[f"(.*/)?{key}"] = axes
    unidl.distribution.set_distribution(ModelParallel(layout_map=found, batch_dim_name="batch"))


def network(optimizer="adam", width=8):
    unidl.utils.set_random_seed(3)
    model = unidl.Sequential(
        [
            layers.Input((8,), dtype="float64"),
            layers.Dense(width, use_bias=False, name="hidden"),
            layers.BatchNormalization(),
            layers.Dropout(0.25),
            layers.Dense(4, use_bias=False, name="out"),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def held(mesh):
    """Bytes that a process holds of weights and slots, and all tensors that are alive in it."""
    split_weights(mesh, (*LAYOUTS, ("batch_normalization/.*", ("model",))))
    model = network(width=2**14)
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
    model.predict(X, verbose=0)
    variables = [*model.weights, *model.optimizer.slot_variables]
    parts = {id(v): v.held.own_value() for v in variables}
    gc.collect()
    tensors = [x for x in gc.get_objects() if type(x) is type(next(iter(parts.values())))]
    alive = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}
    return {
        "whole": sum(8 * int(np.prod(v.shape)) for v in variables),
        "held": sum(x.untyped_storage().nbytes() for x in parts.values()),
        "alive": sum(alive.values()),
    }


OPTIMIZERS = {
    "sgd": lambda: unidl.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "averages": lambda: unidl.optimizers.Adam(
        0.01, use_ema=True, ema_overwrite_frequency=4, clipnorm=0.5
    ),
    "accumulated": lambda: unidl.optimizers.RMSprop(0.01, gradient_accumulation_steps=2),
    "adafactor": unidl.optimizers.Adafactor,
    "muon": lambda: unidl.optimizers.Muon(0.01),
    "lamb": lambda: unidl.optimizers.Lamb(0.01),
    "scaled": lambda: unidl.mixed_precision.LossScaleOptimizer(unidl.optimizers.Adam(0.01)),
    "free": lambda: unidl.optimizers.ScheduleFreeAdamW(0.01, warmup_steps=3),
}


class BySteps(unidl.optimizers.Optimizer):
    """Reads whole variables, as an update of a user's own may."""

    def build(self, variables):
        super().build(variables)
        self.sums = self.add_optimizer_variables(variables, "sum")

    def update_step(self, gradient, variable, learning_rate):
        total = self.sums[self._get_variable_index(variable)]
        self.assign_add(total, gradient)
        norm = unidl.ops.sqrt(unidl.ops.sum(total.value**2)) + 1e-3
        self.assign_sub(variable, learning_rate * total.value / norm)


def updates(mesh):
    """{name: numbers} after training with each optimizer, compiled and not."""
    if not ALONE:
        split_weights(mesh, LAYOUTS)
    found = {}
    makers = OPTIMIZERS | {"own": lambda: BySteps(0.1)}
    for name, make in makers.items():
        for eager in (False, True):
            model = network(make())
            model.run_eagerly = eager
            model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
            for i, weight in enumerate(model.get_weights()):
                found[f"{name} {eager} {i}"] = weight
            for i, variable in enumerate(model.optimizer.variables):
                found[f"{name} {eager} slot {i}"] = np.asarray(variable.numpy())
            found[f"{name} {eager} predict"] = model.predict(X, verbose=0)
    return found


def saved(folder, mesh):
    """Weights in each format, and what they are."""
    if not ALONE:
        split_weights(mesh, LAYOUTS)
    model = network()
    best = unidl.callbacks.ModelCheckpoint(f"{folder}/best.shards", save_weights_only=True)
    kept = unidl.callbacks.ModelCheckpoint(f"{folder}/{{epoch}}.keras")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[best, kept])
    for name in ("model.shards", "model.weights.h5", "model.safetensors"):
        model.save_weights(f"{folder}/{name}")
    return values_of(model)


def values_of(model):
    variables = [*model.weights, *model.optimizer.variables]
    return {str(i): np.asarray(v.numpy()) for i, v in enumerate(variables)}


def loaded(folder, mesh):
    """Read on this number of processes; each compares with what was there."""
    if not ALONE:
        split_weights(mesh, LAYOUTS)
    expected = np.load(f"{folder}/saved.0.npz")
    files = ("model.shards", "best.shards", "model.weights.h5", "model.safetensors", "2.keras")
    for name in files:
        if name.endswith(".keras"):
            model = unidl.models.load_model(f"{folder}/{name}")
        else:
            model = network()
            model.load_weights(f"{folder}/{name}")
        for key, value in values_of(model).items():
            assert (value == expected[key]).all(), (name, key)
    return {}


def resumed(folder, mesh, killed=False):
    """A run with backups, in which process 1 may be killed at the fourth epoch."""
    if not ALONE:
        split_weights(mesh, LAYOUTS)
    model = network()

    class End(unidl.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if killed and epoch == 3 and unidl.get_backend().process_id == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    backup = unidl.callbacks.BackupAndRestore(f"{folder}/backup")
    model.fit(X, Y, batch_size=8, epochs=6, verbose=0, callbacks=[backup, End()])
    return values_of(model)


def killed_writer(folder, mesh):
    """Process 1 dies while it writes a folder that was there before."""
    split_weights(mesh, LAYOUTS)
    model = network()
    model.save_weights(f"{folder}/model.shards")
    found = values_of(model)
    np.savez(f"{folder}/before.npz", **found)
    model.fit(X, Y, verbose=0)
    if unidl.get_backend().process_id == 1:
        from unidl.saving import safetensors

        def write(file, arrays):
            file.write(b"half of a head")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

        safetensors.write = write
    model.save_weights(f"{folder}/model.shards")
    return {}


def failed_writer(folder, mesh):
    """Process 1 cannot write its file: all are told, and the folder is the old one."""
    split_weights(mesh, LAYOUTS)
    model = network()
    model.save_weights(f"{folder}/model.shards")
    np.savez(f"{folder}/before.npz", **values_of(model))
    model.fit(X, Y, verbose=0)
    if unidl.get_backend().process_id == 1:
        from unidl.saving import safetensors

        def write(file, arrays):
            raise OSError("No space left on device")

        safetensors.write = write
    try:
        model.save_weights(f"{folder}/model.shards")
    except (OSError, unidl.distribution.JoinError) as error:
        print(f"told: {error}")
    model.evaluate(X, Y, verbose=0)  # they are together still
    return {}


def refused(mesh):
    """What is told before anything is trained."""
    told = []
    for width, layouts in (
        (7, LAYOUTS),
        (8, (*LAYOUTS, (".*kernel", ("model", "batch")))),
        (8, (("hidden/kernel", ("model",)),)),
        (8, (("hidden/kernel", ("model", "model")),)),
    ):
        split_weights(mesh, layouts)
        try:
            network(width=width)
        except ValueError as error:
            told.append(str(error))
    split_weights(mesh, (*LAYOUTS, ("nothing", (None,))))
    model = network()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model.predict(X, verbose=0)
    told += [str(warning.message) for warning in found]
    board = unidl.callbacks.TensorBoard(os.devnull, histogram_freq=1)
    ended = unidl.callbacks.BackupAndRestore("backup", on_interruption=True)
    for callback in (board, ended):
        try:
            model.fit(X, Y, verbose=0, callbacks=[callback])
        except unidl.backend.UnsupportedError as error:
            told.append(str(error))
    model.compile("sgd", "mse", jit_compile=True)
    try:
        model.fit(X, Y, verbose=0)
    except unidl.backend.UnsupportedError as error:
        told.append(str(error))
    try:
        split_weights("1x3", LAYOUTS)
    except ValueError as error:
        told.append(str(error))
    return {"told": np.array(told)}


def main(what, folder, mesh):
    unidl.config.set_floatx("float64")
    if not ALONE:
        unidl.distribution.initialize(timeout=30)
    number = unidl.get_backend().process_id
    if what == "held":
        found = held(mesh)
        with open(f"{folder}/held.{number}.json", "w") as file:
            json.dump(found, file)
        return
    work = {
        "updates": lambda: updates(mesh),
        "saved": lambda: saved(folder, mesh),
        "loaded": lambda: loaded(folder, mesh),
        "whole": lambda: resumed(folder, mesh),
        "killed": lambda: resumed(folder, mesh, killed=True),
        "killed_writer": lambda: killed_writer(folder, mesh),
        "failed_writer": lambda: failed_writer(folder, mesh),
        "refused": lambda: refused(mesh),
    }
    found = work[what]()
    np.savez(f"{folder}/{what}.{number}.npz", **(found or {}))


if __name__ == "__main__":
    main(*sys.argv[1:])
