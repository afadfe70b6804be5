"""torch's losses. It reduces over elements where Keras takes a mean over the last axis first:
elements get a last axis of size 1."""

from __future__ import annotations

import math

import numpy as np

from tests.outside.torch_port import Port, Unported, same
from unidl import layers, losses, ops

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
    port = elementwise(
        lambda module, reduction: losses.Huber(module.beta, reduction, dtype="float64")
    )(module, args, kwargs)
    return Port(lambda x, target: ops.divide(port.call(x, target), module.beta))


def cross_entropy(module, args, kwargs):
    """Classes are axis 1, or axis 0 of what has no batch."""
    scores, target = args
    return Port(
        _cross_entropy(
            module, 1 if scores.ndim > 1 else 0, scores.shape[min(1, scores.ndim - 1)], target
        )
    )


def _cross_entropy(module, axis, classes, target):
    """The function of scores and targets: our loss, or where it has no weights of classes, or
    cannot ignore some, our functions."""
    indices = not target.is_floating_point()
    ignored = _ignored(module, indices)
    options = {"from_logits": True, "reduction": _reduction(module), "dtype": "float64"}
    if module.weight is not None or (
        indices and module.label_smoothing and bool((target == ignored).any())
    ):

        def call(x, y):
            x = ops.moveaxis(x, axis, -1)
            return _of_log_probabilities(
                module, ops.log_softmax(x), y if indices else ops.moveaxis(y, axis, -1), indices
            )

    elif indices and not module.label_smoothing:
        sparse = losses.SparseCategoricalCrossentropy(ignore_class=ignored, **options)

        def call(x, y):
            return sparse(y, ops.moveaxis(x, axis, -1))

    else:
        dense = losses.CategoricalCrossentropy(label_smoothing=module.label_smoothing, **options)

        def call(x, y):
            y = ops.one_hot(y, classes, dtype="float64") if indices else ops.moveaxis(y, axis, -1)
            return dense(y, ops.moveaxis(x, axis, -1))

    return call


def _ignored(module, indices):
    return -100 if module.ignore_index is None or not indices else module.ignore_index


def _of_log_probabilities(module, x, y, indices):
    """The loss of log-probabilities x (..., classes) and classes y (...), or probabilities like x,
    from our functions."""
    classes, smoothing = ops.shape(x)[-1], getattr(module, "label_smoothing", 0.0)
    weights = np.ones(classes) if module.weight is None else module.weight.numpy()
    if indices:
        kept = ops.not_equal(y, _ignored(module, indices))
        y = ops.where(kept, y, 0)
        kept = ops.cast(kept, "float64")
        size = ops.multiply(ops.take(weights, y), kept)
        own = ops.multiply(
            ops.squeeze(ops.take_along_axis(x, ops.expand_dims(y, -1), -1), -1), size
        )
        all_classes = ops.multiply(ops.sum(ops.multiply(x, weights), -1), kept)
        loss = ops.subtract(
            ops.multiply(own, smoothing - 1), ops.multiply(all_classes, smoothing / classes)
        )
    else:
        y = ops.add(ops.multiply(y, 1 - smoothing), smoothing / classes)
        loss = ops.negative(ops.sum(ops.multiply(ops.multiply(x, y), weights), -1))
        size = ops.ones_like(loss)
    if module.reduction == "none":
        return loss
    return ops.sum(loss) if module.reduction == "sum" else ops.divide(ops.sum(loss), ops.sum(size))


def negative_log_likelihood(module, args, kwargs):
    axis = 1 if args[0].ndim > 1 else 0
    return Port(lambda x, y: _of_log_probabilities(module, ops.moveaxis(x, axis, -1), y, True))


def linear_cross_entropy(module, args, kwargs):
    """A dense layer and the cross-entropy of its outputs (samples, classes, *places)."""
    axis, classes = args[0].ndim - 1, module.num_classes
    layer = layers.Dense(
        classes * math.prod(module.out_features),
        use_bias=module.linear.bias is not None,
        dtype="float64",
    )
    loss = _cross_entropy(module, axis, classes, args[1])

    def call(x, target):
        scores = layer(x) if axis else ops.squeeze(layer(ops.expand_dims(x, 0)), 0)
        return loss(
            ops.reshape(scores, (*ops.shape(x)[:-1], classes, *module.out_features)), target
        )

    names = {"kernel": ("linear.weight", lambda a: a.T), "bias": "linear.bias"}
    return Port(call, lambda: same(layer, module, names))


PORTS = {
    "BCELoss": elementwise(
        lambda module, reduction: losses.BinaryCrossentropy(reduction=reduction, dtype="float64")
    ),
    "BCEWithLogitsLoss": elementwise(
        lambda module, reduction: losses.BinaryCrossentropy(
            True, reduction=reduction, dtype="float64"
        )
    ),
    "CrossEntropyLoss": cross_entropy,
    "HuberLoss": elementwise(
        lambda module, reduction: losses.Huber(module.delta, reduction, dtype="float64")
    ),
    "LinearCrossEntropyLoss": linear_cross_entropy,
    "L1Loss": elementwise(
        lambda module, reduction: losses.MeanAbsoluteError(reduction, dtype="float64")
    ),
    "MSELoss": elementwise(
        lambda module, reduction: losses.MeanSquaredError(reduction, dtype="float64")
    ),
    "NLLLoss": negative_log_likelihood,
    "SmoothL1Loss": smooth_l1,
}
