"""A mistake in shapes has one text on every backend: that of the symbolic rule."""

import numpy as np
import pytest

from unidl import KerasTensor, ops


def ones(*shape):
    return np.ones(shape, "float32")


MISTAKES = {
    "add": (lambda x, y: ops.add(x, y), (2, 3), (4, 3)),
    "matmul": (lambda x, y: ops.matmul(x, y), (2, 3), (4, 3)),
    "einsum": (lambda x, y: ops.einsum("ij,jk->ik", x, y), (2, 3), (4, 3)),
    "concatenate": (lambda x, y: ops.concatenate([x, y], 0), (2, 3), (2, 4)),
    "stack": (lambda x, y: ops.stack([x, y]), (2, 3), (2, 4)),
    "reshape": (lambda x: ops.reshape(x, (4, -1)), (2, 3)),
    "squeeze": (lambda x: ops.squeeze(x, 1), (2, 3)),
    "transpose": (lambda x: ops.transpose(x, (0, 0)), (2, 3)),
    "sum": (lambda x: ops.sum(x, 2), (2, 3)),
    "softmax": (lambda x: ops.softmax(x, 5), (2, 3)),
    "broadcast_to": (lambda x: ops.broadcast_to(x, (2, 4)), (2, 3)),
    "conv channels": (lambda x, k: ops.conv(x, k), (1, 8, 8, 3), (3, 3, 4, 5)),
    "conv window": (lambda x, k: ops.conv(x, k), (1, 2, 8, 3), (3, 3, 3, 5)),
    "max_pool": (lambda x: ops.max_pool(x, 4), (1, 3, 8, 2)),
    "cholesky": (lambda x: ops.cholesky(x), (2, 3)),
    "get_item": (lambda x: ops.get_item(x, (0, 5)), (2, 3)),
    "split": (lambda x: ops.split(x, 2, 1), (2, 3)),
}


def message(call, args):
    with pytest.raises((ValueError, IndexError)) as info:
        call(*args)
    return str(info.value)


@pytest.mark.parametrize("name", MISTAKES)
def test_one_text(backend, name):
    call, *shapes = MISTAKES[name]
    symbolic = message(call, [KerasTensor(s) for s in shapes])
    assert message(call, [backend.asarray(ones(*s)) for s in shapes]) == symbolic
    assert name.split()[0] in symbolic
    assert str(shapes[0]) in symbolic


def test_mixed_backends():
    pytest.importorskip("torch")
    import unidl

    with unidl.use_backend("torch"):
        tensor = ops.ones((2,))
    assert ops.add(tensor, np.ones(2, "float32")).__class__ is tensor.__class__
    tensorflow = pytest.importorskip("tensorflow")
    with pytest.raises(TypeError, match="convert_to_numpy"):
        ops.add(tensor, tensorflow.ones(2))
