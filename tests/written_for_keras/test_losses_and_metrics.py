"""Losses and metrics of a user's own, which override what Keras lets them override."""

import numpy as np
import pytest

import unidl
from tests.written_for_keras.both import STEPS, X, Y, agree, dense, trained


def own_call(k):
    class Own(k.losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return k.ops.mean(k.ops.square(y_pred - y_true)) * 2

    return trained(k, Own())


def around_call(k):
    class Own(k.losses.MeanSquaredError):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return super().__call__(y_true, y_pred, sample_weight) * 2

    return trained(k, Own(), weights=np.array([1.0, 2, 3, 4]))


def around_call_under_a_mask(k):
    class Own(k.losses.MeanSquaredError):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return super().__call__(y_true, y_pred, sample_weight=sample_weight) * 2

    model = k.Sequential([k.Input((4, 1)), k.layers.Masking(0.0), dense(k)])
    model.compile("sgd", Own())
    return model.evaluate(STEPS, np.ones((2, 4, 1)), verbose=0)


def around_call_of_probabilities(k):
    """Keras clips probabilities, and these are far from the limits."""

    class Own(k.losses.SparseCategoricalCrossentropy):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return super().__call__(y_true, y_pred, sample_weight) * 2

    model = k.Sequential([k.Input((3,)), dense(k, 2, activation="softmax")])
    model.compile("sgd", Own())
    return model.evaluate(X, np.array([0, 1, 0, 1]), verbose=0)


def arguments_of_other_names(k):
    class Own(k.losses.Loss):
        def __init__(self, factor=1, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, targets, outputs):
            return self.factor * k.ops.abs(targets - outputs)

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    loss = Own.from_config(Own(3, reduction="sum", name="own").get_config())
    return trained(k, loss), loss.get_config()


def several_losses_of_each_output(k):
    start = k.Input((3,))
    model = k.Model(start, [dense(k, name="a")(start), dense(k, name="b")(start)])
    model.compile("sgd", [["mse", "mae"], "mse"])
    return model.fit(X, [Y, Y], verbose=0, shuffle=False).history["loss"]


def without_weights(k):
    class Own(k.metrics.Metric):
        def __init__(self):
            super().__init__(name="own")
            self.total = self.add_variable(shape=(), initializer="zeros", name="total")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(k.ops.cast(k.ops.sum(y_pred), self.total.dtype))

        def result(self):
            return self.total

        def reset_state(self):
            self.total.assign(0.0)

    return trained(k, "mse", metrics=[Own()]), trained(k, "mse", weighted_metrics=[Own()])


def of_a_mean(k):
    class Own(k.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return super().update_state(y_pred)

        def result(self):
            return {"low": super().result(), "high": super().result() * 2}

    return trained(k, "mse", metrics=[Own(name="own")])


def of_others(k):
    class Own(k.metrics.Metric):
        def __init__(self):
            super().__init__(name="own")
            self.precision, self.recall = k.metrics.Precision(), k.metrics.Recall()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.precision.update_state(y_true, y_pred, sample_weight)
            self.recall.update_state(y_true, y_pred, sample_weight)

        def result(self):
            return self.precision.result() + self.recall.result()

        def reset_state(self):
            self.precision.reset_state()
            self.recall.reset_state()

    return trained(k, "mse", metrics=[Own()])


def functions_and_losses(k):
    def MyError(y_true, y_pred):
        return k.ops.sum(k.ops.abs(y_true - y_pred))

    metrics = [lambda t, p: k.ops.mean(k.ops.abs(t - p)), MyError]
    found = [trained(k, "mse", metrics=metrics)]
    for reduction in ("sum_over_batch_size", "sum", "none", None):
        loss = k.losses.MeanAbsoluteError(reduction=reduction)
        found.append(trained(k, "mse", metrics=[loss]))
    return found


def labels(k):
    y = np.array([[0.0, 1], [1, 0], [1, 1], [0, 0]])
    model = k.Sequential([k.Input((3,)), dense(k, 2, activation="sigmoid")])
    auc = k.metrics.AUC(multi_label=True, name="auc", num_thresholds=20)
    model.compile("sgd", "mse", metrics=[auc])
    return model.fit(X, y, epochs=2, verbose=0, shuffle=False).history


@pytest.mark.parametrize(
    "program",
    [
        own_call, around_call, around_call_under_a_mask, around_call_of_probabilities,
        arguments_of_other_names, several_losses_of_each_output, without_weights, of_a_mean,
        of_others, functions_and_losses,
    ],
)  # fmt: skip
def test_as_in_keras(backend, program):
    agree(program)


def test_areas_of_labels_as_in_keras(backend):
    agree(labels, 1e-6)


def test_losses_of_one_output_are_added(backend):
    """Keras takes the first of them alone."""
    model = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    found = []
    for loss in (["mse", unidl.losses.MeanAbsoluteError()], ["mse"], "mae"):
        model.compile("sgd", loss)
        found.append(model.evaluate(X, Y, verbose=0))
    assert found[0] == pytest.approx(found[1] + found[2])


def test_targets_are_checked_for_each_loss():
    model = unidl.Sequential([unidl.Input((3,)), dense(unidl, 2, activation="softmax")])
    model.compile("sgd", ["sparse_categorical_crossentropy", "sparse_categorical_crossentropy"])
    with pytest.raises(ValueError, match="there is the class 5"):
        model.fit(X, np.array([0, 1, 5, 1]), verbose=0)
