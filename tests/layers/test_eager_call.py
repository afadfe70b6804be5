"""Calls of built layers outside of a step: how little Python they run, and that nothing is lost."""

import sys
from pathlib import Path

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.backend import list_backends, use_backend

ROOT = str(Path(unidl.__file__).parent)
RNG = np.random.default_rng(0)


def frames_of(call):
    """The functions of unidl itself, without the adapter's, that `call()` runs."""
    found = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(ROOT):
            found.append(f"{frame.f_code.co_filename.removeprefix(ROOT)}:{frame.f_code.co_name}")

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


def tensor(*shape):
    return ops.convert_to_tensor(RNG.standard_normal(shape).astype("float32"))


def built(layer, *inputs):
    layer(*inputs)
    return layer


def test_a_dense_layer_is_few_frames_away_from_its_product(backend):
    x = tensor(32, 64)
    layer = built(layers.Dense(64), x)
    frames = frames_of(lambda: layer(x))
    assert len(frames) <= 40, frames


def test_a_product_with_a_variable_is_few_frames_away(backend):
    x = tensor(32, 64)
    kernel = built(layers.Dense(64), x).kernel
    frames = frames_of(lambda: ops.matmul(x, kernel))
    assert len(frames) <= 10, frames


def test_a_wrong_last_axis_is_one_error_for_tensors_and_for_arrays(backend):
    layer = built(layers.Dense(4, name="d"), tensor(2, 3))
    wrong = tensor(2, 5)
    with pytest.raises(ValueError, match="'d': expected axis -1 to have size 3, got 5") as ready:
        layer(wrong)
    with pytest.raises(ValueError, match="expected axis -1") as converted:
        layer(ops.convert_to_numpy(wrong).tolist())
    assert str(ready.value) == str(converted.value)


def test_a_tensor_of_another_dtype_is_still_cast(backend):
    layer = built(layers.Dense(4), tensor(2, 3))
    assert ops.dtype(layer(ops.cast(tensor(2, 3), "float64"))) == "float32"
    assert ops.dtype(layer(ops.ones((2, 3), "int32"))) == "float32"


def test_a_list_of_numbers_is_still_made_a_tensor(backend):
    class Twice(layers.Layer):
        def call(self, inputs):
            return ops.multiply(inputs, 2)

    layer = built(Twice(), tensor(2))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer([1.0, 2.0])), [2, 4])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer((1.0, 2.0))), [2, 4])
    assert ops.shape(layer([])) == (0,)


def test_the_list_that_a_caller_gives_stays_as_it_is(backend):
    class Consuming(layers.Layer):
        def call(self, inputs):
            return inputs.pop()

    layer = built(Consuming(), [tensor(2), tensor(2)])
    given = [tensor(2), tensor(2)]
    layer(given)
    assert len(given) == 2


def test_a_sublayer_that_is_first_reached_in_a_later_call_has_its_whole_path(backend):
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.late, self.reached = layers.Dense(2, name="late"), False

        def call(self, inputs):
            return self.late(inputs) if self.reached else inputs

    layer = built(Outer(), tensor(2, 3))
    layer.reached = True
    layer(tensor(2, 3))
    assert [v.path for v in layer.weights] == ["outer/late/kernel", "outer/late/bias"]


def test_losses_are_those_of_the_last_call(backend):
    class Sometimes(layers.Layer):
        adds = True

        def call(self, inputs):
            if self.adds:
                self.add_loss(ops.sum(inputs))
            return inputs

    layer = built(Sometimes(), tensor(2))
    for adds, count in ((True, 1), (True, 1), (False, 0)):
        layer.adds = adds
        layer(tensor(2))
        assert len(layer.losses) == count


def test_masks_reach_a_built_layer(backend):
    x = np.ones((1, 3, 2), "float32")
    x[0, 1] = 0
    masking, pool = layers.Masking(), layers.GlobalAveragePooling1D()
    for _ in range(2):  # unbuilt, then built
        y = pool(masking(ops.convert_to_tensor(x)))
        np.testing.assert_allclose(ops.convert_to_numpy(y), [[1, 1]])


def test_indices_on_the_host_are_checked_in_each_call(backend):
    layer = built(layers.Embedding(3, 2), np.array([[0, 2]]))
    with pytest.raises(ValueError, match="contains the index 3"):
        layer(np.array([[0, 3]]))


def test_inner_layers_take_the_flag_of_the_outer(backend):
    model = unidl.Sequential([layers.Dropout(0.5), layers.Dense(3)])
    x = tensor(64, 8)
    model(x)
    assert np.ptp(ops.convert_to_numpy(ops.subtract(model(x), model(x)))) == 0
    assert np.ptp(ops.convert_to_numpy(ops.subtract(model(x, training=True), model(x)))) > 0


@pytest.mark.parametrize("other", [row.name for row in list_backends() if row.installed])
def test_tensors_and_variables_of_two_backends_do_not_mix(backend, other):
    if other == backend.name:
        pytest.skip("one backend")
    x = tensor(2, 3)
    with use_backend(other):
        kernel = built(layers.Dense(3), tensor(2, 3)).kernel
    # An array is the host's, and goes wherever the Variable is.
    if isinstance(x, np.ndarray):
        assert ops.shape(ops.matmul(x, kernel)) == (2, 3)
    else:
        with pytest.raises(TypeError, match=f"mixes tensors of the backends '{backend.name}' and"):
            ops.matmul(x, kernel)
