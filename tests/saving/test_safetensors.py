"""Weights as safetensors: the library reads ours, we read its files, and training goes on."""

import json

import numpy as np
import pytest

import unidl
from tests.zoo import MODELS, inputs_for, randomize, targets_for
from unidl import layers

library = pytest.importorskip("safetensors.numpy")


def model(**kwargs):
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(3, **kwargs), layers.Dense(2)])
    made.compile("adam", "mse")
    return made


@pytest.mark.parametrize("name", ["mlp", "words"])
def test_there_and_back(backend, name, tmp_path):
    path = tmp_path / "m.safetensors"
    first, second = randomize(MODELS[name](unidl)), MODELS[name](unidl)
    for each in (first, second):
        each.compile("adam", "mse")
    x, y = inputs_for(first), targets_for(first)
    first.train_on_batch(x, y)
    first.save_weights(path)
    second.load_weights(path)
    for one, other in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(second.optimizer.iterations) == 1
    assert second.train_on_batch(x, y) == pytest.approx(first.train_on_batch(x, y), rel=1e-6)


def test_the_library_reads_ours_by_the_paths_of_layers(tmp_path):
    path = tmp_path / "m.safetensors"
    made = model()
    made.optimizer.build(made.trainable_variables)
    made.save_weights(path)
    found = library.load_file(path)
    names = {f"{group}/{name}" for group in ("layers/dense", "layers/dense_1")
             for name in ("kernel", "bias")}  # fmt: skip
    assert names == {name for name in found if not name.startswith("optimizer/")}
    np.testing.assert_array_equal(found["layers/dense/kernel"], made.get_weights()[0])
    assert len([name for name in found if name.startswith("optimizer/")]) == 2 + 2 * 4


def test_we_read_the_library_s(backend, tmp_path):
    path = tmp_path / "m.safetensors"
    made = model()
    rng = np.random.default_rng(0)
    names = ("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias")
    arrays = [rng.normal(size=w.shape).astype("float32") for w in made.get_weights()]
    library.save_file({f"layers/{n}": a for n, a in zip(names, arrays, strict=True)}, path)
    made.load_weights(path)
    for one, other in zip(made.get_weights(), arrays, strict=True):
        np.testing.assert_array_equal(one, other)


def written(path, tensors):
    """A file of {name: (dtype, shape, bytes)}, by hand."""
    header, content = {}, b""
    for name, (dtype, shape, numbers) in tensors.items():
        place = [len(content), len(content) + len(numbers)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": place}
        content += numbers
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F64"])
def test_other_digits(dtype, tmp_path):
    path = tmp_path / "m.safetensors"
    made = unidl.Sequential([unidl.Input((2,)), layers.Dense(1)])
    kernel, bias = np.array([[1.5], [-3.0]], "<f4"), np.array([0.25], "<f4")

    def packed(value):
        if dtype == "BF16":
            return (value.view("<u4") >> 16).astype("<u2").tobytes()
        return value.astype(dtype.replace("F16", "<f2").replace("F64", "<f8")).tobytes()

    written(path, {"layers/dense/kernel": (dtype, [2, 1], packed(kernel)),
                   "layers/dense/bias": (dtype, [1], packed(bias))})  # fmt: skip
    made.load_weights(path)
    np.testing.assert_array_equal(made.get_weights()[0], kernel)
    np.testing.assert_array_equal(made.get_weights()[1], bias)


def test_what_does_not_fit_is_left_alone_if_that_is_wanted(tmp_path):
    path = tmp_path / "m.safetensors"
    model().save_weights(path)
    wide = unidl.Sequential([unidl.Input((4,)), layers.Dense(3), layers.Dense(5)])
    with pytest.raises(ValueError, match=r"'layers/dense_1/kernel' has shape \(3, 2\)"):
        wide.load_weights(path)
    with pytest.warns(UserWarning, match="keep their weights.*dense_1/kernel"):
        wide.load_weights(path, skip_mismatch=True)


def test_weights_of_one_name_go_by_their_numbers(tmp_path):
    class Twice(layers.Layer):
        def build(self, input_shape):
            self.a = self.add_weight((2,), "ones", name="w")
            self.b = self.add_weight((3,), "zeros", name="w")

        def call(self, inputs):
            return inputs

    made = unidl.Sequential([unidl.Input((2,)), Twice()])
    path = tmp_path / "m.safetensors"
    made.save_weights(path)
    assert set(library.load_file(path)) == {"layers/twice/0", "layers/twice/1"}
    made.load_weights(path)


def test_normalization_keeps_what_it_has_learned(backend, tmp_path):
    path, x = tmp_path / "m.safetensors", np.random.default_rng(0).normal(3, 2, (50, 4))
    first, second = layers.Normalization(), layers.Normalization()
    first.adapt(x.astype("float32"))
    models = [unidl.Sequential([unidl.Input((4,)), layer]) for layer in (first, second)]
    models[0].save_weights(path)
    models[1].load_weights(path)
    one, other = (each.predict(x.astype("float32"), verbose=0) for each in models)
    np.testing.assert_allclose(other, one, atol=1e-6)
    assert abs(other.mean()) < 0.1
