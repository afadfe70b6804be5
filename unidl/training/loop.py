"""One pass over the batches. No number is read back from the device here but at refreshes and at the end."""

from __future__ import annotations

import warnings

import numpy as np


def run_epoch(model, step, batches, monitor, kind):
    """Run `step` on each batch; returns the logs (numbers by name), for "predict" a list of arrays for each batch."""
    outputs = []
    objective = model.objective
    if kind != "predict":
        objective.reset()
    monitor.on_pass_begin(kind, batches.count)
    run = step.on(batches)
    for i, batch in enumerate(batches):
        monitor.on_batch_begin(kind, i)
        result = run(batch)
        if kind == "predict":
            outputs.append([model.backend.to_numpy(value) for value in result])
            monitor.on_batch_end(kind, i, dict)
        else:
            monitor.on_batch_end(kind, i, objective.results)
        if model.stop_training and kind == "train":
            break
    if kind == "predict":
        monitor.on_pass_end(kind, {})
        return outputs
    logs = objective.results()
    if kind == "train" and not np.isfinite(logs["loss"]):
        warnings.warn(
            f"{model._who()}: the loss is {logs['loss']}. Look for NaN in the data, lower the learning rate, or stop at once with TerminateOnNaN().",
            RuntimeWarning,
            stacklevel=3,
        )
    monitor.on_pass_end(kind, logs)
    return logs
