"""Whether a loss of the user's own depends on what the model gives."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.backend import Variable, dtypes
from unidl.losses.check import is_own

NO_LOSS = (
    'there is no loss to minimise. Give one: model.compile(optimizer, loss="mse"), or let a layer '
    "add one with add_loss()."
)
NO_GRADIENT = (
    "the loss does not depend on the model's output, so nothing would be trained. Compute it from "
    "y_pred with functions that have a gradient: no integers, argmax or comparisons."
)


def is_missing(model, loss, target, prediction):
    """Whether the gradient of `loss` for its predictions is 0 wherever one looks.

    `target` are arrays of one batch, `prediction` is a KerasTensor. Losses of this library are
    known to have one.
    """
    if not dtypes.is_float(prediction.dtype):
        return True
    if is_own(loss) or not isinstance(target, np.ndarray):
        return False
    shape = (len(target), *prediction.shape[1:])
    if None in shape:
        return False
    backend, dtype = model.backend, prediction.dtype
    y_true = backend.asarray(target)
    if target.dtype.kind == "f":
        y_true = backend.cast(y_true, dtype)
    return not any(_has_gradient(backend, loss, y_true, at.astype(dtype)) for at in _points(shape))


def _points(shape):
    """Probabilities, and small and large numbers of both signs: a loss that is flat at all of them
    teaches nothing."""
    draw = np.random.default_rng(0)
    yield draw.uniform(0.1, 0.9, shape)
    yield draw.normal(size=shape)
    for scale in (1e3, -1e3):
        yield scale * (1 + draw.uniform(size=shape))


def _has_gradient(backend, loss, y_true, values):
    at = Variable(values, backend=backend, name="y_pred")
    _, (gradient,) = backend.value_and_grad(lambda: ops.sum(loss(y_true, at.value)), [at])
    return bool(np.any(backend.to_numpy(gradient)))
