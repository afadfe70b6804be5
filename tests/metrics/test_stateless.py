"""Metrics as functions of the values of their variables."""

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import metrics, use_backend

Y, P = np.array([[0.0], [1.0], [1.0]]), np.array([[0.2], [0.7], [0.4]])


@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryAccuracy", "AUC", "Precision"])
def test_as_the_metric_itself_which_stays(backend, name):
    metric = getattr(metrics, name)()
    before = [v.numpy() for v in metric.variables]
    values = metric.stateless_reset_state()
    for _ in range(2):
        values = metric.stateless_update_state(values, Y, P, sample_weight=[1.0, 2.0, 1.0])
    result = metric.stateless_result(values)
    for variable, value in zip(metric.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    for _ in range(2):
        metric.update_state(Y, P, sample_weight=[1.0, 2.0, 1.0])
    np.testing.assert_array_equal(backend.to_numpy(result), backend.to_numpy(metric.result()))
    for variable, value in zip(metric.variables, values, strict=True):
        np.testing.assert_array_equal(variable.numpy(), backend.to_numpy(value))


def test_against_keras():
    with in_float64() as keras, use_backend("numpy"):
        ours, theirs = metrics.MeanSquaredError(), keras.metrics.MeanSquaredError()
        found = ours.stateless_update_state([v.value for v in ours.variables], Y, P)
        wanted = theirs.stateless_update_state([v.value for v in theirs.variables], Y, P)
        for a, b in zip(found, wanted, strict=True):
            close(a, b)
        close(ours.stateless_result(found), theirs.stateless_result(wanted))


def test_wrong_use_is_told():
    metric = metrics.Mean(name="m")
    with pytest.raises(ValueError, match=r"Mean 'm': stateless_result\(\) got 1.*m/total, m/count"):
        metric.stateless_result([0.0])
    late = metrics.F1Score(name="f")
    with pytest.raises(ValueError, match=r"F1Score 'f': .*made for the shapes.*metric\.build\("):
        late.stateless_update_state([], Y, P)
    late.build(Y.shape, P.shape)
    assert len(late.stateless_update_state(late.variables, Y, P)) == len(late.variables)
