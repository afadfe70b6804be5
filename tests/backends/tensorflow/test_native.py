"""Identity, devices, storage, and what an import brings with it."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from unidl.backend import Variable, device, registry
from unidl.backend.frame import standing_in


def test_spec_imports_no_tensorflow():
    code = "import sys, unidl_tensorflow; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_adapter_adds_no_framework_to_what_tensorflow_imports():
    """TensorFlow's own __init__ imports Keras where that is installed; the adapter neither uses it
    nor adds to it."""
    code = (
        "import sys, tensorflow; before = set(sys.modules); import unidl_tensorflow.adapter;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "assert not new & {'keras', 'torch', 'mxnet', 'jax'}, new"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tensors_are_recognised_by_type(tf_backend):
    assert registry.owner_of_type(type(tf.constant(1.0))) is tf_backend
    assert registry.owner_of_type(type(tf.Variable(1.0))) is tf_backend


def test_devices(tf_backend):
    assert tf_backend.devices()[0] == "cpu:0"
    with device("cpu"):
        assert tf_backend.asarray([1.0]).device.endswith("CPU:0")


def test_a_store_is_no_alias_and_a_value_read_does_not_change(tf_backend):
    tensor = tf_backend.asarray([1.0, 2.0])
    v = Variable(tensor, backend=tf_backend)
    before = v.value
    v.assign([5.0, 6.0])
    assert tensor.numpy().tolist() == before.numpy().tolist() == [1, 2]
    assert v.numpy().tolist() == [5, 6]
    host = v.numpy()
    host[0] = 9
    assert v.numpy().tolist() == [5, 6]


def test_a_tensor_may_stand_in_for_a_variable(tf_backend):
    v = Variable([1.0, 2.0], backend=tf_backend)
    with standing_in([v], [tf_backend.asarray([3.0, 4.0])]):
        assert v.numpy().tolist() == [3, 4]
        v.assign([7.0, 8.0])
        assert v.numpy().tolist() == [7, 8]
    assert v.numpy().tolist() == [1, 2]


def test_every_kernel_named_is_overridden(tf_backend):
    from unidl.backend import Backend

    for name in tf_backend.kernels:
        assert getattr(type(tf_backend), name) is not getattr(Backend, name), name


def test_every_dtype_makes_the_round_trip(tf_backend):
    for dtype in tf_backend.dtypes:
        x = tf_backend.cast(tf_backend.asarray(np.array([0, 1])), dtype)
        assert tf_backend.dtype(x) == dtype
        assert tf_backend.to_numpy(x).astype("float64").tolist() == [0, 1]


def test_a_tape_of_tensorflow_is_told_what_to_write(tf_backend):
    variable = Variable(np.ones(2, "float32"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(variable.value)
    with pytest.raises(AttributeError, match=r"unidl\.value_and_grad\(function, variables\)"):
        tape.gradient(loss, [variable])
