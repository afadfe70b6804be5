"""One pass over the batches. No number is read back from the device here but at refreshes and at
the end."""

from __future__ import annotations

import time
import warnings

import numpy as np

from unidl import tree
from unidl.training.distributed import data_parallel
from unidl.utils.traceback_filtering import user_stacklevel

# A launch of several steps takes about so long and holds so much data at most, that the progress
# bar and Ctrl-C have not to wait for it, nor memory to grow.
LAUNCH_S = 0.1
LAUNCH_BYTES = 4 << 20


def run_epoch(model, step, batches, monitor, kind, epoch=0, done=0):
    """Run `step` on each batch; returns the logs (numbers by name), for "predict" a list of arrays
    for each batch. The `epoch` goes on after `done` batches."""
    outputs, result = [], None
    if kind != "predict" and not done:
        step.reset()
    monitor.on_pass_begin(kind, batches.count)
    run = step.on(batches)

    def read(whole=False):
        if kind == "train":
            model.optimizer.settle()
        return step.results(result, whole)

    # So many are promised to callbacks.
    whole = kind != "predict" and model.steps_per_execution > 1
    for count, batch in batches.chunks(_launch_size(model, step, batches, monitor, kind), whole):
        monitor.on_batch_begin(kind, done)
        if kind == "train":
            monitor.see_batch(batches, count, batch)
        start = time.perf_counter()
        result = run(count, batch)
        step.seconds = (time.perf_counter() - start) / count
        done += count
        if kind == "predict":
            outputs.append([model.backend.to_numpy(value) for value in result])
            found = outputs[-1]
            monitor.on_batch_end(
                kind, done - 1, lambda whole=False, found=found: {"outputs": step.pack(found)}
            )
        else:
            if kind == "train":
                monitor.note(epoch, done, batches)
            monitor.on_batch_end(kind, done - 1, read)
            if kind == "train":
                monitor.back_up(epoch, done, batches)
        if model.stop_training and kind == "train":
            break
    if kind == "predict":
        monitor.on_pass_end(kind, {})
        return outputs
    logs = read(whole=True)
    if kind == "train" and not np.all(np.isfinite(logs.get("loss", 0.0))):
        warnings.warn(
            f"{model._who()}: the loss is {logs['loss']}. "
            "Look for NaN in the data, lower the learning rate, or stop at once with "
            "TerminateOnNaN().",
            RuntimeWarning,
            stacklevel=user_stacklevel(),
        )
    monitor.on_pass_end(kind, logs)
    return logs


def _launch_size(model, step, batches, monitor, kind):
    """A function that says how many batches the next launch may hold."""
    if kind == "predict" or data_parallel() is not None:
        return lambda: 1
    if model.steps_per_execution > 1 or model.run_eagerly or monitor.watches_batches(kind):
        return lambda: model.steps_per_execution
    size = sum(leaf.nbytes for leaf in tree.flatten(batches.sample()) if leaf is not None)
    most = min(model.backend.steps_per_launch, LAUNCH_BYTES // max(size, 1))
    return lambda: 1 if step.seconds is None else max(1, min(most, int(LAUNCH_S / step.seconds)))
