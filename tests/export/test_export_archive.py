"""Several functions in one SavedModel."""

import numpy as np
import pytest

import unidl
from unidl import InputSpec, ops
from unidl import layers as L

tf = pytest.importorskip("tensorflow")


@pytest.fixture
def model():
    return unidl.Sequential([unidl.Input((3,)), L.Dense(4, "relu"), L.Dense(2)], name="net")


@pytest.mark.quick_on("numpy", "tensorflow")
def test_endpoints_and_collections(model, backend, tmp_path, capsys):
    model = unidl.Sequential([unidl.Input((3,)), L.Dense(4, "relu"), L.Dense(2)], name="net")
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    archive = unidl.export.ExportArchive()
    spec = InputSpec(shape=(None, 3), dtype="float32")

    def both(x, given):
        return {"y": model(x) * given["factor"], "size": ops.shape(x)[0]}

    archive.track_and_add_endpoint("serve", model, [spec])
    archive.add_endpoint("both", both, [spec, {"factor": InputSpec(shape=(), dtype="float32")}])
    archive.add_variable_collection("slots", model.optimizer.variables)
    assert len(archive.trainable_variables) == len(archive.variables) == 4
    archive.write_out(tmp_path / "net")
    assert "both(input_0, input_1)" in capsys.readouterr().out
    loaded = tf.saved_model.load(tmp_path / "net")
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    wanted = ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(loaded.serve(x), wanted, rtol=1e-5, atol=1e-6)
    found = loaded.both(x, {"factor": tf.constant(2.0)})
    np.testing.assert_allclose(found["y"], 2 * wanted, rtol=1e-5, atol=1e-6)
    assert int(found["size"]) == 5
    assert set(loaded.signatures) == {"serve", "both", "serving_default"}
    assert len(loaded.slots) == len(model.optimizer.variables)


def test_wrong_use(model, tmp_path):
    archive = unidl.export.ExportArchive()
    spec = InputSpec(shape=(None, 3), dtype="float32")
    with pytest.raises(ValueError, match="no endpoints"):
        archive.write_out(tmp_path / "net")
    with pytest.raises(ValueError, match="no weights yet"):
        archive.track(L.Dense(2))
    with pytest.raises(ValueError, match="expected a Layer or Model, got int"):
        archive.track(1)
    with pytest.raises(ValueError, match="input_signature="):
        archive.add_endpoint("serve", model)
    with pytest.raises(ValueError, match="JAX"):
        archive.add_endpoint("serve", model, [spec], is_static=True)
    archive.add_endpoint("serve", model, [spec])
    with pytest.raises(ValueError, match="already taken"):
        archive.add_endpoint("serve", model, [spec])
    with pytest.raises(ValueError, match="expected Variables, got int"):
        archive.add_variable_collection("slots", [1])
    assert list(tmp_path.iterdir()) == []
