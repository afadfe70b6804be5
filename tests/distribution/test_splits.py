"""How one variable is split over a mesh, in one process."""

import numpy as np
import pytest

from unidl.backend import UnsupportedError
from unidl.distribution import DeviceMesh, LayoutMap, ModelParallel, TensorLayout
from unidl.distribution.splits import Split


def mesh(*shape, names=("batch", "model")):
    return DeviceMesh(shape, names, [f"cpu:{i}" for i in range(np.prod(shape))])


def split(shape, axes, devices):
    return Split("dense/kernel", shape, TensorLayout(axes, devices))


@pytest.mark.parametrize(
    ("shape", "axes", "devices", "groups"),
    [
        ((4, 6), (None, "model"), mesh(1, 2), [[0, 1]]),
        ((4, 6), ("model", None), mesh(2, 2), [[0, 1], [2, 3]]),
        ((4, 6), ("batch", None), mesh(2, 2), [[0, 2], [1, 3]]),
        ((4, 6), ("batch", "model"), mesh(2, 3), [[0, 1, 2, 3, 4, 5]]),
        ((4, 6), ("model", "batch"), mesh(2, 4), [[0, 1, 2, 3, 4, 5, 6, 7]]),
        ((4, 6), (None, None), mesh(1, 2), [[0], [1]]),
    ],
)
def test_each_group_of_devices_has_every_element_once(shape, axes, devices, groups):
    found = split(shape, axes, devices)
    assert found.groups == groups
    for group in found.groups:
        seen = np.zeros(shape, int)
        for number in group:
            seen[found.place_of(number)] += 1
            assert seen[found.place_of(number)].shape == found.part_shape
        assert (seen == 1).all()


def test_devices_may_stand_in_any_order():
    devices = DeviceMesh((1, 2), ["batch", "model"], ["cpu:1", "cpu:0"])
    found = split((4,), ("model",), devices)
    assert found.place_of(1) == (slice(0, 2),)
    assert found.groups == [[0, 1]]


def test_a_split_along_one_device_is_none():
    assert split((4, 6), (None, "model"), mesh(2, 1)).is_whole
    assert not split((4, 6), (None, "model"), mesh(1, 2)).is_whole


@pytest.mark.parametrize(
    ("shape", "axes", "text"),
    [
        ((4, 6), ("model",), "names 1 axes. Give one for each axis"),
        ((4, 6), ("model", "model"), "names an axis of the mesh twice"),
        ((4, 7), (None, "model"), r"'dense/kernel' .* axis 1 cannot be split into 2 equal parts"),
        ((), ("model",), "names 1 axes"),
    ],
)
def test_layouts_that_do_not_fit(shape, axes, text):
    with pytest.raises(ValueError, match=text):
        split(shape, axes, mesh(2, 2))


def test_a_layout_needs_a_mesh():
    with pytest.raises(ValueError, match="has no mesh"):
        Split("dense/kernel", (4,), TensorLayout((None,)))


def test_what_model_parallel_takes(backend):
    layouts = LayoutMap(mesh(1, 1))
    layouts[".*kernel"] = (None, "model")
    if not backend.splits_weights:
        with pytest.raises(UnsupportedError, match="Use DataParallel"):
            ModelParallel(layout_map=layouts)
        return
    found = ModelParallel(layout_map=layouts)
    assert (found.num_model_replicas, found.data_shard_id, found.batch_dim_name) == (1, 0, "batch")
    assert found.get_tensor_layout("dense/kernel").axes == (None, "model")
    assert found.get_tensor_layout("dense/bias") is None
    assert found.get_data_layout((8, 4)).axes == ("batch", None)
    with pytest.raises(ValueError, match="'rows' is no axis of the mesh"):
        ModelParallel(layout_map=layouts, batch_dim_name="rows")
    with pytest.raises(ValueError, match=r"must be a unidl.distribution.LayoutMap, got None"):
        ModelParallel()
    with pytest.raises(UnsupportedError, match="each takes its own rows"):
        ModelParallel(layout_map=layouts, auto_shard_dataset=False)
    if not backend.spans_devices:
        with pytest.raises(ValueError, match="2 devices, but there are 1 processes"):
            ModelParallel(layout_map=LayoutMap(mesh(1, 2)))
