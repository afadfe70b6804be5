"""What a compiled step is made of: the Variables it meets, the errors it raises, the memory it
keeps."""

import gc
import traceback

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.backend import Variable
from unidl.tracing.capture import CaptureWarning

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


class Shifted(layers.Layer):
    """Adds a Variable that nobody tracks."""

    def __init__(self, variable, **kwargs):
        super().__init__(**kwargs)
        self._hidden = (lambda: variable,)

    def call(self, x):
        return ops.add(x, self._hidden[0]())


def test_a_variable_that_no_layer_tracks_is_read_at_each_run(backend):
    variable = Variable(np.zeros(4, "float32"))
    model = unidl.Sequential([layers.Input((4,)), Shifted(variable)])
    np.testing.assert_allclose(model.predict(X, verbose=0), X)
    variable.assign(np.ones(4))
    np.testing.assert_allclose(model.predict(X, verbose=0), X + 1)


class Counting(layers.Layer):
    def __init__(self, variable, **kwargs):
        super().__init__(**kwargs)
        self._hidden = (lambda: variable,)

    def call(self, x):
        self._hidden[0]().assign_add(1.0)
        return x


def test_a_variable_that_no_layer_tracks_is_assigned_at_each_run(backend):
    variable = Variable(0.0)
    model = unidl.Sequential([layers.Input((4,)), Counting(variable)])
    model.predict(X, verbose=0)
    start = float(variable.numpy())
    for _ in range(3):
        model.predict(X, verbose=0)
    assert float(variable.numpy()) == start + 3


class Native(layers.Layer):
    """Calls what only a tensor with a value has."""

    def call(self, x):
        return ops.multiply(x, float(ops.convert_to_numpy(ops.sum(ops.ones((3,))))))


class Broken(layers.Layer):
    def call(self, x):
        return ops.multiply(x, self.no_such_attribute)

    def compute_output_shape(self, input_shape):
        return input_shape


def test_a_bug_in_a_layer_is_raised_as_it_is(backend):
    model = unidl.Sequential([layers.Input((4,)), Broken()])
    with pytest.raises(AttributeError, match="no_such_attribute"):
        model.predict(X, verbose=0)


class OfTheFramework(layers.Layer):
    def call(self, x):
        return ops.convert_to_tensor(np.abs(ops.convert_to_numpy(x)))

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("backend", ["numpy", "torch"], indirect=True)
def test_what_no_symbol_can_go_through_runs_as_plain_python(backend):
    model = unidl.Sequential([layers.Input((4,)), OfTheFramework()])
    with pytest.warns(CaptureWarning, match="could not be captured"):
        found = model.predict(X, verbose=0)
    np.testing.assert_allclose(found, np.abs(X))


@pytest.mark.parametrize("backend", ["numpy", "torch"], indirect=True)
def test_a_traceback_from_inside_a_step_shows_the_line_and_the_layer(backend):
    table = layers.Embedding(3, 2, name="words")
    model = unidl.Sequential(
        [layers.Input((4,), dtype="int32"), layers.Lambda(lambda x: x + 2), table]
    )
    model.predict(np.zeros((2, 4), "int32"), verbose=0)
    with pytest.raises((IndexError, RuntimeError, ValueError)) as caught:
        model.predict(np.full((2, 4), 7, "int32"), verbose=0)
    text = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    line = next(line for line in text.splitlines() if "= embedding(" in line)
    assert line.endswith("/words")


@pytest.mark.quick_on("numpy", "torch", "mxnet")
def test_programs_are_given_up_when_there_are_too_many(backend, monkeypatch):
    monkeypatch.setattr(type(backend), "programs_kept", 3)
    model = unidl.Sequential([layers.Input((None, 4)), layers.Dense(2)])
    for length in (1, 2, 3, 4, 5, 1):
        assert model.predict(np.ones((2, length, 4), "float32"), verbose=0).shape == (2, length, 2)
    (run,) = model._steps["predict"]._bound.values()
    compiled = run.__closure__[run.__code__.co_freevars.index("made")].cell_contents[2]
    assert len(compiled._programs) == 3
    gc.collect()
