"""torch's losses. It reduces over elements where Keras takes a mean over the last axis first: elements get a last axis of size 1."""

from __future__ import annotations

import numpy as np

from tests.outside.torch_port import Port, Unported
from unidl import losses, ops

REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum", "none": None}


def _reduction(module):
    if module.reduction not in REDUCTIONS:
        raise Unported(f'there is no reduction "{module.reduction}"')
    return REDUCTIONS[module.reduction]


def elementwise(make):
    def port(module, args, kwargs):
        loss = make(module, _reduction(module))
        weight = getattr(module, "weight", None)
        weight = None if weight is None else np.broadcast_to(weight.numpy(), args[0].shape)

        def call(x, target):
            return loss(ops.expand_dims(target, -1), ops.expand_dims(x, -1), sample_weight=weight)

        return Port(call)

    return port


def smooth_l1(module, args, kwargs):
    """Huber's loss with delta = beta, divided by beta."""
    port = elementwise(lambda module, reduction: losses.Huber(module.beta, reduction, dtype="float64"))(module, args, kwargs)
    return Port(lambda x, target: ops.divide(port.call(x, target), module.beta))


def cross_entropy(module, args, kwargs):
    """Classes are axis 1, or axis 0 of what has no batch."""
    if module.weight is not None:
        raise Unported("there are no weights of classes in a loss")
    scores, target = args
    indices = not target.is_floating_point()
    if indices and module.label_smoothing and module.ignore_index >= 0:
        raise Unported("labels are smoothed where they are probabilities, among which none is ignored")
    axis, classes = (1 if scores.ndim > 1 else 0), scores.shape[min(1, scores.ndim - 1)]
    options = {"from_logits": True, "reduction": _reduction(module), "dtype": "float64"}
    if indices and not module.label_smoothing:
        loss = losses.SparseCategoricalCrossentropy(ignore_class=module.ignore_index, **options)
        return Port(lambda x, y: loss(y, ops.moveaxis(x, axis, -1)))
    loss = losses.CategoricalCrossentropy(label_smoothing=module.label_smoothing, **options)

    def call(x, y):
        y = ops.one_hot(y, classes, dtype="float64") if indices else ops.moveaxis(y, axis, -1)
        return loss(y, ops.moveaxis(x, axis, -1))

    return Port(call)


PORTS = {
    "BCELoss": elementwise(lambda module, reduction: losses.BinaryCrossentropy(reduction=reduction, dtype="float64")),
    "BCEWithLogitsLoss": elementwise(lambda module, reduction: losses.BinaryCrossentropy(True, reduction=reduction, dtype="float64")),
    "CrossEntropyLoss": cross_entropy,
    "HuberLoss": elementwise(lambda module, reduction: losses.Huber(module.delta, reduction, dtype="float64")),
    "L1Loss": elementwise(lambda module, reduction: losses.MeanAbsoluteError(reduction, dtype="float64")),
    "MSELoss": elementwise(lambda module, reduction: losses.MeanSquaredError(reduction, dtype="float64")),
    "SmoothL1Loss": smooth_l1,
}
