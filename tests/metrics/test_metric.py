"""Names, custom metrics, compiled updates and moves."""

import numpy as np
import pytest

from unidl import metrics, ops
from unidl.backend import use_backend


@pytest.mark.parametrize(
    ("y_true", "y_pred", "kind"),
    [
        ((8, 1), (8, 1), "Binary"),
        ((8,), (8, 1), "Binary"),
        ((8,), (8, 3), "SparseCategorical"),
        ((8, 1), (8, 3), "SparseCategorical"),
        ((8, 3), (8, 3), "Categorical"),
        ((8, 5), (8, 5, 3), "SparseCategorical"),
        ((8, 5, 3), (8, 5, 3), "Categorical"),
    ],
)
def test_accuracy_is_resolved_by_shapes(y_true, y_pred, kind):
    for name, suffix in (
        ("accuracy", "Accuracy"),
        ("acc", "Accuracy"),
        ("crossentropy", "Crossentropy"),
        ("ce", "Crossentropy"),
    ):
        metric = metrics.resolve(name, y_true, y_pred)
        assert type(metric).__name__ == kind + suffix
        assert metric.name == name


def test_resolve():
    assert type(metrics.resolve("mse", (8, 1), (8, 1))) is metrics.MeanSquaredError
    assert metrics.resolve("mse", (8, 1), (8, 1)).name == "mse"
    own = metrics.Mean(name="own")
    assert metrics.resolve(own, (8, 1), (8, 1)) is own

    def bias(y_true, y_pred):
        return y_pred - y_true

    metric = metrics.resolve(bias, (8, 1), (8, 1))
    assert metric.name == "bias"
    assert float(metric(np.zeros((2, 1)), np.array([[1.0], [2.0]]))) == 1.5
    with pytest.raises(ValueError, match="Did you mean"):
        metrics.get("acuracy")


def test_updates_inside_a_compiled_function(backend):
    with use_backend(backend) as b:
        metric = metrics.SparseCategoricalAccuracy()

        def update(y, p):
            metric.update_state(y, p)
            return ops.multiply(p, 1.0)

        run = b.compile(update, metric.variables)
        for i in range(3):
            p = np.eye(4, dtype="float32")[[0, 1, 2, i]]
            run(b.asarray(np.array([0, 1, 3, 1])), b.asarray(p))
        assert float(b.to_numpy(metric.result())) == pytest.approx(7 / 12)


def test_custom_metrics_own_and_nested():
    class Spread(metrics.Metric):
        def __init__(self, name="spread"):
            super().__init__(name=name)
            self.top = self.add_weight(name="top")
            self.mean = metrics.Mean()

        def update_state(self, values, sample_weight=None):
            self.top.assign(np.maximum(self.top.value, np.max(values)))
            self.mean.update_state(values)

        def result(self):
            return self.top.value - self.mean.result()

    metric = Spread()
    assert [v.path for v in metric.variables] == ["spread/top", "mean/total", "mean/count"]
    assert float(metric(np.array([1.0, 3.0]))) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_a_metric_moves():
    metric = metrics.Mean()
    metric.update_state(np.array([1.0, 2.0]))
    metric.to("torch")
    metric.update_state(metric.total.backend.asarray(np.array([6.0], "float32")))
    assert float(metric.result()) == 3.0


@pytest.mark.parametrize(
    ("arguments", "shape", "text"),
    [
        ({"num_labels": 2}, None, "num_labels needs multi_label=True"),
        ({"multi_label": True}, (4,), r"y_pred must be \(n, labels\), got the shape \(4,\)"),
        ({"multi_label": True, "num_labels": 2}, (4, 3), "num_labels is for 2 labels"),
        ({"label_weights": [1.0, 2.0]}, (4, 3), "label_weights is for 2 labels"),
    ],
)
def test_areas_of_labels_that_do_not_fit(arguments, shape, text):
    with pytest.raises(ValueError, match=text):
        metrics.AUC(**arguments).update_state(np.ones(shape or 1), np.ones(shape or 1))


def test_an_area_of_labels_without_data_is_0():
    assert float(metrics.AUC(multi_label=True).result()) == 0
