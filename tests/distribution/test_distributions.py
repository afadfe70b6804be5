"""Meshes, layouts and distributions in one process."""

from types import SimpleNamespace

import numpy as np
import pytest

import unidl
from unidl.backend import UnsupportedError
from unidl.backend.context import holding
from unidl.distribution import (
    DataParallel,
    DeviceMesh,
    JoinError,
    LayoutMap,
    ModelParallel,
    TensorLayout,
    active,
    buckets,
    distribution,
    set_distribution,
)
from unidl.distribution.accumulation import known_update
from unidl.tracing.rows import Rows, own_rows


@pytest.mark.parametrize("total", [1, 2, 3, 4, 5, 7, 8, 31])
@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_rows_are_all_rows_once(total, processes):
    found = [Rows.of(total, i, processes) for i in range(processes)]
    if total < processes:  # all of them, in each
        assert found == [Rows(0, total, total, processes)] * processes
    else:
        assert [i for r in found for i in range(r.begin, r.end)] == list(range(total))
        assert max(r.size for r in found) - min(r.size for r in found) <= 1
    assert np.isclose(sum(r.of_mean for r in found), 1)


def test_one_process_is_a_distribution_too():
    active = DataParallel()
    try:
        set_distribution(active)
        assert distribution() is active
        model = unidl.Sequential([unidl.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    finally:
        set_distribution(None)
    assert distribution() is None


MESH = DeviceMesh((2, 2), ["batch", "model"], ["cpu:0", "cpu:1", "cpu:2", "cpu:3"])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: DeviceMesh((2, 2), ["a"], ["cpu:0"] * 4), "a name for each axis"),
        (lambda: DeviceMesh((2, 2), ["a", "a"], ["cpu:0"] * 4), "must differ"),
        (lambda: DeviceMesh((2, 2), ["a", "b"], ["cpu:0"] * 3), "asks for 4 devices, got 3"),
        (lambda: DataParallel(MESH), "a mesh of one axis"),
        (lambda: DataParallel(devices=["cpu:0", "cpu:1"]), "there are 1 processes"),
        (lambda: DataParallel(MESH, ["cpu:0"]), "not both"),
        (lambda: TensorLayout(["rows"], MESH), "'rows' is no axis of the mesh"),
    ],
)
def test_what_does_not_fit(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_what_is_not_offered():
    with pytest.raises(UnsupportedError, match="Use DataParallel"):
        ModelParallel(layout_map=LayoutMap(MESH), batch_dim_name="batch")
    with pytest.raises(UnsupportedError, match="each takes its own rows"):
        DataParallel(auto_shard_dataset=False)
    with pytest.raises(TypeError, match="a ModelParallel or None, got str"):
        set_distribution("data")


def test_layouts_by_path():
    layouts = LayoutMap(MESH)
    layouts["dense.*kernel"] = (None, "model")
    assert layouts["dense_1/kernel"].axes == (None, "model")
    assert layouts["conv/kernel"] is None
    with pytest.raises(ValueError, match="already"):
        layouts["dense.*kernel"] = (None, None)
    layouts["dense_1.*"] = ("batch", None)
    with pytest.raises(ValueError, match="matched by several keys"):
        layouts["dense_1/kernel"]
    del layouts["dense_1.*"]
    assert list(layouts) == ["dense.*kernel"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"job_addresses": "a:1"}, "need num_processes= and process_id="),
        ({"job_addresses": "a:1", "num_processes": 2, "process_id": 2}, "none of the 2 processes"),
    ],
)
def test_bad_places(arguments, text):
    with pytest.raises(ValueError, match=text):
        unidl.distribution.initialize(**arguments)


def test_a_model_of_another_backend_is_told(monkeypatch):
    """Its tensors would stay this process' own."""
    other = SimpleNamespace(name="other", num_processes=2, process_id=0, devices=lambda: ["cpu:0"])
    monkeypatch.setattr(active, "_joined", other)
    model = unidl.Sequential([unidl.layers.Input((2,)), unidl.layers.Dense(1)])
    with (
        DataParallel().scope(),
        pytest.raises(JoinError, match="but the processes have joined on 'other'"),
    ):
        model.predict(np.ones((4, 2)), verbose=0)


def test_accumulated_gradients_are_sent_when_an_update_uses_them(backend, monkeypatch):
    sent = []
    monkeypatch.setattr(buckets, "all_reduce", lambda backend, x: sent.append(1) or x)
    w = unidl.Variable([1.0, 2.0])
    optimizer = unidl.optimizers.SGD(1.0, gradient_accumulation_steps=3)
    with holding(own_rows, Rows(0, 2, 4)):
        for step in range(1, 7):
            optimizer.apply([unidl.ops.array([1.0, 0.0])], [w])
            assert len(sent) == step // 3
    np.testing.assert_allclose(w.numpy(), [-1, 2])


def test_a_step_that_is_known_not_to_update_sends_nothing(backend, monkeypatch):
    sent = []
    monkeypatch.setattr(buckets, "all_reduce", lambda backend, x: sent.append(1) or x)
    w = unidl.Variable([1.0])
    optimizer = unidl.optimizers.SGD(1.0, gradient_accumulation_steps=2)
    optimizer.build([w])
    state = [w, *optimizer.accumulators]
    with holding(own_rows, Rows(0, 2, 4)):
        for updates in (0.0, 1.0):
            assert optimizer.updates_next() == updates
            with holding(known_update, updates):
                step = backend.compile(lambda g: (optimizer.apply([g], [w]), g)[1], state)
                step(backend.asarray([1.0]))
            assert bool(sent) == updates
    np.testing.assert_allclose(w.numpy(), [0])


def test_gradients_travel_in_fewer_bytes(backend, monkeypatch):
    if "bfloat16" not in backend.sums_in:
        with pytest.raises(UnsupportedError, match="gradient_dtype='bfloat16' is not offered on"):
            DataParallel(gradient_dtype="bfloat16")
        return
    sent = []
    monkeypatch.setattr(buckets, "all_reduce", lambda b, x: sent.append(b.dtype(x)) or x)
    gradients = [backend.asarray([1.0, 1.0 + 2**-12], "float32"), backend.asarray(2.0, "float64")]
    with DataParallel(gradient_dtype="bfloat16").scope(), holding(own_rows, Rows(0, 2, 4)):
        sums = buckets.whole_sums(backend, gradients)
    assert sent == ["bfloat16"]
    assert [backend.dtype(x) for x in sums] == ["float32", "float64"]
    np.testing.assert_array_equal(backend.to_numpy(sums[0]), [1, 1])
