"""The adapter leaves Keras unimported, and whoever wants it gets it as ever. Seen from fresh
processes."""

import subprocess
import sys

import pytest

pytest.importorskip("keras")

LOADED = "import sys, unidl; unidl.get_backend('tensorflow'); import tensorflow as tf\n"
OTHERWISE = "import sys, tensorflow as tf; import unidl; unidl.get_backend('tensorflow')\n"


def run(program):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()


@pytest.mark.slow
def test_the_adapter_imports_no_keras():
    assert run(LOADED + "print('keras' in sys.modules)") == ["False"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "use",
    [
        "import keras; print(keras.layers.Dense is tf.keras.layers.Dense)",
        pytest.param(
            "from tensorflow.keras import layers; print(layers.Dense is tf.keras.layers.Dense)",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "import tensorflow.keras.layers as L; print(L.Dense is tf.keras.layers.Dense)",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "print(tf.keras.Sequential([tf.keras.layers.Dense(1)])(tf.ones((2, 3))).shape == (2, "
            "1))",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "print(tf.optimizers.Adam is tf.keras.optimizers.Adam)", marks=pytest.mark.slow
        ),
    ],
)
def test_keras_is_there_when_asked_for(use):
    assert run(LOADED + use) == ["True"]


@pytest.mark.slow
def test_tensorflow_looks_for_keras_where_it_always_does():
    path = "print(*tf.__path__)"
    assert run(LOADED + path) == run(OTHERWISE + path)


@pytest.mark.slow
def test_a_tensorflow_or_keras_imported_before_is_taken_as_it_is():
    assert run(
        "import keras, sys; kept = keras\n" + LOADED + "print(sys.modules['keras'] is kept)"
    ) == ["True"]
    assert run(OTHERWISE + "print('keras' in sys.modules)") == ["True"]
