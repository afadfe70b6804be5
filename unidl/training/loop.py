"""One pass over the batches. No number is read back from the device here but at refreshes and at the end."""

from __future__ import annotations

import warnings

import numpy as np

from unidl import tree


def run_epoch(model, step, batches, monitor, kind):
    """Run `step` on each batch; returns the logs (numbers by name), for "predict" the list of outputs as arrays."""
    outputs = []
    objective = model.objective
    if kind != "predict":
        objective.reset()
    monitor.on_pass_begin(kind, batches.count)
    for i, batch in enumerate(batches):
        monitor.on_batch_begin(kind, i)
        result = step(*batch)
        if kind == "predict":
            outputs.append(tree.map_structure(model.backend.to_numpy, result))
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
