"""Methods that Keras calls from `fit`, `evaluate` and `predict`, and unidl does not."""

from __future__ import annotations

_LOOP = (
    "Override compute_loss(self, x, y, y_pred, sample_weight, training) for a loss of your own; "
    "for other steps write the loop: unidl.value_and_grad gives the gradients, "
    "optimizer.apply(gradients, model.trainable_variables) applies them."
)
_CALL = "Override call(self, inputs, training=False) for what the model computes."
_METRIC = "Give a metric of your own to compile(metrics=[...]): a function, or a Metric."

_TRAIN = {"train_step": _LOOP, "make_train_function": _LOOP}
_TEST = {
    "test_step": _LOOP,
    "make_test_function": _LOOP,
    "compute_metrics": _METRIC,
    "get_metrics_result": _METRIC,
}
_PREDICT = {"predict_step": _CALL, "make_predict_function": _CALL}
_ALL = _TRAIN | _TEST | _PREDICT


def refuse(model, caller):
    """Raise TypeError if the model defines a method that `caller` would have to call."""
    for name, instead in (_PREDICT if caller == "predict" else _ALL).items():
        if hasattr(model, name):
            raise TypeError(
                f"{model._who()}: {caller}() does not call {name}(), which this model defines, and "
                f"would do something else without a word. {instead}"
            )
