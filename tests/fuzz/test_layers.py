"""Random layers: each against Keras with the same config and weights, and on every backend against
NumPy; then in float32."""

import pytest
from hypothesis import given

from tests.fuzz.compare import check, check_single
from tests.fuzz.known import left_out
from tests.fuzz.rows import ROWS, example
from tests.fuzz.running import hunt, in_suite
from unidl import layers
from unidl.utils.constructors import constructor_arguments

PRESENT = [name for name in ROWS if hasattr(layers, name)]


def _one(keras, backends, name):
    return given(example(name))(lambda drawn: check(keras, drawn, backends))


@pytest.mark.parametrize("name", PRESENT)
def test_a_few(name, keras, backends):
    in_suite(_one(keras, backends, name))


@pytest.mark.fuzz
@pytest.mark.parametrize("name", PRESENT)
def test_many(name, keras, backends):
    hunt(_one(keras, backends, name), name)


def _single(backends, name):
    return given(example(name))(lambda drawn: check_single(drawn, backends))


@pytest.mark.parametrize("name", PRESENT)
def test_a_few_in_float32(name, keras, backends):
    in_suite(_single(backends, name), examples=1)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", PRESENT)
def test_many_in_float32(name, keras, backends):
    hunt(_single(backends, name), name)


def _public():
    found = [getattr(layers, name) for name in layers.__all__]
    return {c.__name__: c for c in found if isinstance(c, type) and issubclass(c, layers.Layer)}


def test_every_layer_is_drawn():
    assert set(_public()) - set(ROWS) - set(left_out("layers")) == set()


BASE = {"name", "dtype", "autocast", "trainable", "activity_regularizer"}


@pytest.mark.parametrize("name", PRESENT)
def test_every_argument_is_drawn(name):
    cls = _public()[name]
    missing = set(constructor_arguments(cls)) - BASE - ROWS[name].arguments
    explained = {
        argument
        for argument in missing
        if f"{name}.{argument}" in left_out("arguments") or argument in left_out("arguments")
    }
    assert missing == explained
