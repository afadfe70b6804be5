"""name_scope: where variables say they stand."""

import pytest

import unidl
from unidl import layers


def test_paths_of_layers_built_inside():
    x = unidl.Input((3,))
    with unidl.name_scope("encoder"), unidl.name_scope("block"):
        layer = layers.Dense(2, name="dense")
        layer(x)
    assert [v.path for v in layer.weights] == [
        "encoder/block/dense/kernel",
        "encoder/block/dense/bias",
    ]
    outside = layers.Dense(2, name="dense")
    outside(x)
    assert outside.kernel.path == "dense/kernel"


@pytest.mark.parametrize("name", ["", "a/b", 3])
def test_a_scope_is_one_name(name):
    with pytest.raises(ValueError, match="name_scope"):
        unidl.name_scope(name)
