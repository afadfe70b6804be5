"""The loss of a batch: one law for training, for evaluation and for the judge of `unidl verify`."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from unidl import ops
from unidl.backend.frame import changed
from unidl.layers.base import call_context
from unidl.layers.base.call_context import CallContext
from unidl.losses.tensors import loss_values
from unidl.tracing.rows import share_of_mean


class BatchLoss(NamedTuple):
    """
    Attributes:
        loss: the scalar that is minimised.
        y_pred: the model's outputs.
        parts: those of `Objective.losses_of_outputs`; None if `compute_loss` is overridden.
    """

    loss: Any
    y_pred: Any
    parts: list | None


def batch_loss(model, x, y, sample_weight, training) -> BatchLoss:
    """Call the compiled model on native tensors x (n, ...) and compute the loss against y."""
    context = CallContext(training=training, trusted=True, keep_logits=True, model=model)
    with call_context.entered(context), changed(differentiated=training):
        y_pred = model(x)
        if model._computes_own_loss:
            loss = checked_loss(model, x, y, y_pred, sample_weight, training)
            return BatchLoss(loss, y_pred, None)
        if training and model.objective.idle and not model.losses:
            raise ValueError(f"{model._who()}: {model.objective.idle}")
        parts = model.objective.losses_of_outputs(y, y_pred, sample_weight)
        return BatchLoss(with_added_losses(model, model.objective.total(parts)), y_pred, parts)


def with_added_losses(model, loss):
    """`loss` plus what the layers added in this call and the weights' regularizers."""
    for added in model.losses:
        loss = ops.add(loss, share_of_mean(added))
    return loss


def checked_loss(model, x, y, y_pred, sample_weight, training):
    """What `compute_loss`, mostly the user's own, gives, checked to be something that can be
    minimised."""
    arguments = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
    known = inspect.signature(model.compute_loss).parameters.values()
    if any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in known):
        arguments["training"] = training
    loss = model.compute_loss(**arguments)
    loss = loss_values(f"{model._who()}: compute_loss()", loss)
    if len(loss.shape):
        raise ValueError(
            f"{model._who()}: compute_loss() must return a scalar, got the shape "
            f"{tuple(ops.shape(loss))}. Reduce it: return ops.mean(loss)."
        )
    return loss
