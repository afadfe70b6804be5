"""One process with several devices, against one device: the same seed gives the same run, in
float64 to 1e-12. `make test-jax` gives the process four virtual devices."""

import sys
import warnings

import numpy as np
import pytest

import unidl
from tests.distribution import runs
from tests.distribution.test_runs import SCRIPT, started
from unidl import layers, ops
from unidl.backend import use_backend
from unidl.distribution import (
    DataParallel,
    DeviceMesh,
    JoinError,
    LayoutMap,
    ModelParallel,
    list_devices,
)

jax = pytest.importorskip("jax")
NAMES = [f"cpu:{i}" for i in range(4)]
DENSE = {".*/dense/kernel": (None, "model"), ".*/dense_1/kernel": ("model", None)}
LAYOUTS = {
    "convolutions": {".*/conv2d/kernel": (None, None, None, "model")},
    "masks": {".*embeddings": (None, "model"), ".*/lstm_cell/.*kernel": (None, "model")},
    "attention": {".*embeddings": (None, "model"), ".*/query/kernel": ("model", None, None)},
}


@pytest.fixture(autouse=True)
def four_devices(float64):
    if len(jax.devices("cpu")) < 4:
        pytest.skip("XLA_FLAGS=--xla_force_host_platform_device_count=4 gives four devices")
    with use_backend("jax") as backend:
        yield backend


def model_parallel(shape, layouts):
    names = np.array(NAMES[: np.prod(shape)]).reshape(shape)
    found = LayoutMap(DeviceMesh(shape, ["batch", "model"], names))
    found.update(layouts)
    return ModelParallel(layout_map=found)


def compare(case, epochs, distributions):
    expected = runs.run(case, epochs)
    for one in distributions:
        with one.scope():
            found = runs.run(case, epochs)
        for key, wanted in expected.items():
            error, scale = np.abs(found[key] - wanted).max(), np.abs(wanted).max()
            assert error <= 1e-12 * scale, f"{one.device_mesh}: {key}: {error / scale}"


@pytest.mark.parametrize("case", [runs.own_step, runs.dropout])
def test_four_devices_are_one(case):
    compare(case, 2, [DataParallel(), model_parallel((2, 2), DENSE)])


@pytest.mark.slow
@pytest.mark.parametrize("case", runs.CASES)
def test_any_number_of_devices_is_one(case):
    layouts = LAYOUTS.get(case.__name__, DENSE)
    shapes = [(1, 2), (2, 1), (2, 2), (1, 4)]
    data = [DataParallel(devices=NAMES[:n]) for n in (1, 2, 3, 4)]
    compare(case, 20, data + [model_parallel(shape, layouts) for shape in shapes])


def on_two_processes(folder, mesh, devices):
    command = [sys.executable, "-m", "unidl", "launch", "-n", "2", SCRIPT, str(folder), "3", "mlp"]
    flags = f"--xla_force_host_platform_device_count={devices}"
    return started(command, "jax", UNIDL_MESH=mesh, XLA_FLAGS=flags)


@pytest.mark.slow
@pytest.mark.parametrize("mesh", ["", "2x2"])
def test_two_processes_of_two_devices_are_one(mesh, tmp_path):
    expected = runs.run(runs.mlp, 3)
    done = on_two_processes(tmp_path, mesh, devices=2)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    for number in range(2):
        found = np.load(tmp_path / f"mlp.{number}.npz")
        for key, wanted in expected.items():
            assert np.abs(found[key] - wanted).max() <= 1e-12 * np.abs(wanted).max()


@pytest.mark.slow
def test_weights_are_split_within_a_process(tmp_path):
    done = on_two_processes(tmp_path, "1x2", devices=1)
    assert done.returncode != 0
    assert "Let its first axis go over the processes" in done.stdout + done.stderr


def mlp():
    parts = [
        layers.Input((8,)),
        layers.Dense(64, activation="tanh", name="dense"),
        layers.Dense(64, name="dense_1"),
        layers.Dense(1, name="dense_2"),
    ]
    model = unidl.Sequential(parts)
    model.compile("adam", "mse")
    return model


def bytes_of_devices(model):
    found = dict.fromkeys(jax.devices("cpu")[:4], 0)
    for variable in model.variables + model.optimizer.slot_variables:
        for shard in variable.value.addressable_shards:
            found[shard.device] += shard.data.nbytes
    return list(found.values())


def test_weights_and_slots_lie_split():
    """Of three layers the two large ones are split: a device has little more than a quarter."""
    unidl.utils.set_random_seed(1)
    expected, found = mlp(), []
    expected.fit(runs.X, runs.Y, verbose=0)
    split = {".*/dense/kernel": (None, "model"), ".*/dense_1/kernel": ("model", None)}
    for shape in ((1, 4), (2, 2), (4, 1)):
        with model_parallel(shape, split).scope():
            unidl.utils.set_random_seed(1)
            model = mlp()
            model.fit(runs.X, runs.Y, verbose=0)
        whole = sum(v.numpy().nbytes for v in model.variables + model.optimizer.slot_variables)
        found.append([held / whole for held in bytes_of_devices(model)])
        for weight, wanted in zip(model.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_allclose(weight, wanted, rtol=1e-12, atol=1e-13)
    split_part = (8 * 64 + 64 * 64) / (8 * 64 + 64 * 64 + 64 + 64 + 64 + 1)
    for row, pieces in zip(found, (4, 2, 1), strict=True):
        np.testing.assert_allclose(row, split_part / pieces + 1 - split_part, rtol=1e-3)


def test_each_device_has_its_rows():
    """What a program gives is left where it was computed; a batch that does not divide is computed
    by every device."""
    model = unidl.Sequential([layers.Input((8,)), layers.Dense(3)])
    found = {}
    for rows in (8, 6):
        with DataParallel().scope():
            x = np.ones((rows, 8))
            model.predict(x, verbose=0)
            (output,) = model._step("predict").for_one_batch(x, 8)(1, [x])
        found[rows] = {shard.data.shape for shard in output.addressable_shards}
    assert found == {8: {(2, 3)}, 6: {(6, 3)}}


def test_a_batch_size_that_does_not_divide_is_told():
    model = mlp()
    with DataParallel().scope():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(runs.X, runs.Y, batch_size=32, verbose=0)  # the last batch has 5 rows
        with pytest.warns(UserWarning, match="30 rows does not divide over 4 devices"):
            mlp().fit(runs.X, runs.Y, batch_size=30, verbose=0)


def test_it_goes_on_without_a_distribution_and_on_another_backend(tmp_path):
    with DataParallel().scope():
        model = mlp()
        model.fit(runs.X, runs.Y, verbose=0)
        expected = model.predict(runs.X, verbose=0)
        model.save(tmp_path / "model.keras")
    assert {len(v.value.devices()) for v in model.variables} == {4}
    model.fit(runs.X, runs.Y, verbose=0)
    loaded = unidl.saving.load_model(tmp_path / "model.keras")
    for other in (loaded, loaded.to("numpy")):
        np.testing.assert_allclose(other.predict(runs.X, verbose=0), expected, rtol=1e-12)


def test_an_assigned_variable_stays_where_it_was():
    with model_parallel((1, 4), {".*/dense/kernel": (None, "model")}).scope():
        model = mlp()
        kernel = model.layers[0].kernel
        kernel.assign(np.ones(kernel.shape))
        model.set_weights([2 * w for w in model.get_weights()])
    assert {shard.data.shape for shard in kernel.value.addressable_shards} == {(8, 16)}
    assert (kernel.numpy() == 2).all()
    assert float(ops.sum(kernel)) == 2 * 8 * 64


def test_another_mesh_lays_weights_out_anew():
    layouts = {".*/dense/kernel": (None, "model")}
    with model_parallel((1, 4), layouts).scope():
        model = mlp()
        model.fit(runs.X, runs.Y, verbose=0)
    kernel, moment = model.layers[0].kernel, model.optimizer.slot_variables[0]
    for distribution, columns in ((model_parallel((2, 2), layouts), 32), (DataParallel(), 64)):
        with distribution.scope():
            model.fit(runs.X, runs.Y, verbose=0)
        for variable in (kernel, moment):
            assert {shard.data.shape for shard in variable.value.addressable_shards} == {
                (8, columns)
            }


def test_a_model_on_another_backend_is_left_alone():
    with model_parallel((1, 4), {".*/dense/kernel": (None, "model")}).scope():
        with use_backend("numpy"):
            assert mlp().layers[0].kernel.split is None
        model = mlp().to("numpy")
        assert model.layers[0].kernel.split is None


def test_the_names_of_devices():
    assert list_devices() == list_devices("cpu") == NAMES
    assert list_devices("gpu") == []
    assert DataParallel().num_model_replicas == 4
    assert DataParallel(devices=NAMES[1:3]).device_mesh.devices.tolist() == NAMES[1:3]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: DataParallel(devices=["cpu:0", "cpu:4"]), "the mesh names 'cpu:4', but there are"),
        (lambda: DataParallel(devices=["gpu:0"]), "the mesh names 'gpu:0', but there are cpu:0"),
        (lambda: DataParallel(devices=["cpu:1", "cpu:1"]), "names a device twice: cpu:1, cpu:1"),
        (lambda: DeviceMesh((3, 2), ["batch", "model"]), "asks for 6 devices, got 4"),
        (lambda: model_parallel((2, 2), {"a": ("rows",)}), "'rows' is no axis of the mesh"),
    ],
)
def test_meshes_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize(
    ("layouts", "text"),
    [
        (
            {".*/dense_2/kernel": (None, "model")},
            r"dense_2/kernel' has the shape \(64, 1\): axis 1",
        ),
        ({".*/dense/kernel": ("model",)}, "names 1 axes"),
        ({".*/dense/kernel": ("model", "model")}, "names an axis of the mesh twice"),
    ],
)
def test_layouts_that_do_not_fit(layouts, text):
    with model_parallel((1, 4), layouts).scope(), pytest.raises(ValueError, match=text):
        mlp()


def test_one_device_is_asked_for_beside_a_mesh():
    model = mlp()
    with (
        DataParallel().scope(),
        unidl.device("cpu:1"),
        pytest.raises(ValueError, match="A mesh of several devices is set, and device"),
    ):
        model.predict(runs.X, verbose=0)


def test_a_model_of_another_backend():
    with use_backend("numpy"):
        model = mlp()
    with (
        DataParallel().scope(),
        pytest.raises(JoinError, match="is on 'numpy', but the devices of the distribution are"),
    ):
        model.predict(runs.X, verbose=0)
