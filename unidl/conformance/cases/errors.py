"""Wrong calls of ops and layers: each must raise the same error, word for word, on every backend.

A call gets a function that makes a native tensor of the active backend from an array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unidl import layers, ops


@dataclass(frozen=True)
class ErrorCase:
    """`call(tensor)` raises `kind`, and its text mentions `mentions`."""

    name: str
    call: Callable
    mentions: str
    kind: type[Exception] | tuple = ValueError


def _zeros(*shape, dtype="float32"):
    return np.zeros(shape, dtype)


def _of(function, *shapes, **kwargs):
    """Call `function` on float tensors of the given shapes."""
    return lambda tensor: function(*(tensor(_zeros(*shape)) for shape in shapes), **kwargs)


OPS = [
    ErrorCase("add of other shapes", _of(ops.add, (2, 3), (2, 4)), "add"),
    ErrorCase("subtract of other ranks", _of(ops.subtract, (2, 3), (2,)), "subtract"),
    ErrorCase("maximum of other shapes", _of(ops.maximum, (2, 3), (4,)), "maximum"),
    ErrorCase("matmul", _of(ops.matmul, (2, 3), (4, 5)), "matmul"),
    ErrorCase("matmul of a vector", _of(ops.matmul, (3,), (4,)), "matmul"),
    ErrorCase("matmul of batches", _of(ops.matmul, (2, 3, 4), (5, 4, 2)), "matmul"),
    ErrorCase("reshape", _of(lambda x: ops.reshape(x, (4,)), (2, 3)), "reshape"),
    ErrorCase(
        "reshape with two open axes", _of(lambda x: ops.reshape(x, (-1, -1)), (2, 3)), "reshape"
    ),
    ErrorCase(
        "reshape that leaves a rest", _of(lambda x: ops.reshape(x, (-1, 4)), (2, 3)), "reshape"
    ),
    ErrorCase(
        "transpose with too few axes",
        _of(lambda x: ops.transpose(x, (0, 1)), (2, 3, 4)),
        "transpose",
    ),
    ErrorCase(
        "transpose with one axis twice",
        _of(lambda x: ops.transpose(x, (0, 0)), (2, 3)),
        "transpose",
    ),
    ErrorCase("broadcast_to", _of(lambda x: ops.broadcast_to(x, (2, 4)), (2, 3)), "broadcast_to"),
    ErrorCase(
        "squeeze of an axis that is not one", _of(lambda x: ops.squeeze(x, 0), (2, 3)), "squeeze"
    ),
    ErrorCase("expand_dims too far", _of(lambda x: ops.expand_dims(x, 5), (2, 3)), "expand_dims"),
    ErrorCase(
        "concatenate of other shapes",
        lambda t: ops.concatenate([t(_zeros(2, 3)), t(_zeros(3, 4))], 0),
        "concatenate",
    ),
    ErrorCase("concatenate of nothing", lambda t: ops.concatenate([], 0), "concatenate"),
    ErrorCase(
        "concatenate along an axis that is not there",
        lambda t: ops.concatenate([t(_zeros(2))] * 2, 1),
        "concatenate",
    ),
    ErrorCase(
        "stack of other shapes", lambda t: ops.stack([t(_zeros(2, 3)), t(_zeros(2, 4))]), "stack"
    ),
    ErrorCase("split into unequal parts", _of(lambda x: ops.split(x, 3), (4, 2)), "split"),
    ErrorCase(
        "pad with too few pairs", _of(lambda x: ops.pad(x, ((1, 1), (0, 0))), (2, 3, 4)), "pad"
    ),
    ErrorCase(
        "pad with an unknown mode", _of(lambda x: ops.pad(x, 1, mode="mirror"), (2, 3)), "mirror"
    ),
    ErrorCase(
        "constant_values with another mode",
        _of(lambda x: ops.pad(x, 1, "edge", 3), (2, 3)),
        "constant_values",
    ),
    ErrorCase(
        "sum over an axis that is not there", _of(lambda x: ops.sum(x, axis=2), (2, 3)), "sum"
    ),
    ErrorCase(
        "mean over an axis that is not there", _of(lambda x: ops.mean(x, axis=-3), (2, 3)), "mean"
    ),
    ErrorCase(
        "argmax over an axis that is not there",
        _of(lambda x: ops.argmax(x, axis=2), (2, 3)),
        "argmax",
    ),
    ErrorCase(
        "cumsum over an axis that is not there",
        _of(lambda x: ops.cumsum(x, axis=2), (2, 3)),
        "cumsum",
    ),
    ErrorCase(
        "sort over an axis that is not there", _of(lambda x: ops.sort(x, axis=2), (2, 3)), "sort"
    ),
    ErrorCase(
        "softmax over an axis that is not there",
        _of(lambda x: ops.softmax(x, axis=2), (2, 3)),
        "softmax",
    ),
    ErrorCase(
        "einsum with too many operands",
        _of(lambda x, y: ops.einsum("ij->i", x, y), (2, 3), (2, 3)),
        "einsum",
    ),
    ErrorCase("einsum of another rank", _of(lambda x: ops.einsum("ijk->i", x), (2, 3)), "einsum"),
    ErrorCase(
        "einsum of other sizes",
        _of(lambda x, y: ops.einsum("ij,jk->ik", x, y), (2, 3), (4, 5)),
        "einsum",
    ),
    ErrorCase(
        "tensordot", _of(lambda x, y: ops.tensordot(x, y, axes=1), (2, 3), (4, 5)), "tensordot"
    ),
    ErrorCase("cholesky of a rectangle", _of(ops.cholesky, (2, 3)), "cholesky"),
    ErrorCase("inverse of a rectangle", _of(ops.inv, (2, 3)), ""),
    ErrorCase("det of a vector", _of(ops.det, (3,)), "det"),
    ErrorCase("solve", _of(ops.solve, (3, 3), (4, 2)), "solve"),
    ErrorCase("where without alternatives", _of(lambda x: ops.where(x, x), (2,)), "where"),
    ErrorCase(
        "where of other shapes",
        lambda t: ops.where(t(np.ones(2, bool)), t(_zeros(3)), t(_zeros(3))),
        "where",
    ),
    ErrorCase(
        "take along an axis that is not there",
        lambda t: ops.take(t(_zeros(2, 3)), t(np.zeros(1, "int32")), axis=2),
        "take",
    ),
    ErrorCase(
        "scatter_update with an unknown reduction",
        lambda t: ops.scatter_update(t(_zeros(3)), [[0]], t(_zeros(1)), reduction="median"),
        "median",
    ),
    ErrorCase("top_k of more than there are", _of(lambda x: ops.top_k(x, 5), (2, 3)), "top_k"),
    ErrorCase(
        "conv with other channels",
        _of(lambda x, k: ops.conv(x, k), (1, 5, 5, 2), (3, 3, 3, 4)),
        "conv",
    ),
    ErrorCase(
        "conv of another rank", _of(lambda x, k: ops.conv(x, k), (5, 5, 2), (3, 3, 2, 4)), "conv"
    ),
    ErrorCase(
        "conv larger than the image",
        _of(lambda x, k: ops.conv(x, k), (1, 2, 2, 2), (3, 3, 2, 4)),
        "conv",
    ),
    ErrorCase(
        "max_pool larger than the image",
        _of(lambda x: ops.max_pool(x, 3), (1, 2, 2, 1)),
        "max_pool",
    ),
    ErrorCase("unknown dtype", _of(lambda x: ops.cast(x, "float23"), (2,)), "float23"),
    ErrorCase("cross of vectors of 4", _of(ops.cross, (4,), (4,)), "cross"),
    ErrorCase(
        "segments with too few ids",
        lambda t: ops.segment_sum(t(_zeros(3, 2)), t(np.zeros(2, "int32")), 2),
        "segment_ids",
    ),
    ErrorCase(
        "segments by floats",
        lambda t: ops.segment_max(t(_zeros(3)), t(_zeros(3)), 2),
        "integers",
        TypeError,
    ),
    ErrorCase(
        "rearrange with another rank",
        _of(lambda x: ops.rearrange(x, "a b -> b a"), (2, 3, 4)),
        "a b",
    ),
    ErrorCase(
        "rearrange that drops an axis", _of(lambda x: ops.rearrange(x, "a b -> a"), (2, 3)), "once"
    ),
    ErrorCase(
        "rearrange with two open sizes",
        _of(lambda x: ops.rearrange(x, "(a b) -> a b"), (6,)),
        "all but one",
    ),
    ErrorCase(
        "rearrange that leaves a rest",
        _of(lambda x: ops.rearrange(x, "(a b) -> a b", a=4), (6,)),
        "size 6",
    ),
    ErrorCase(
        "unfold larger than the image", _of(lambda x: ops.unfold(x, 4), (1, 2, 3, 3)), "unfold"
    ),
    ErrorCase("fold of other columns", _of(lambda x: ops.fold(x, 4, 2), (1, 8, 8)), "fold"),
    ErrorCase("fft of a tensor", _of(ops.fft, (3,)), "pair"),
    ErrorCase("fft of other shapes", lambda t: ops.fft((t(_zeros(3)), t(_zeros(4)))), "fft"),
    ErrorCase("stft with a long window", _of(lambda x: ops.stft(x, 8, 2, 4), (20,)), "fft_length"),
    ErrorCase(
        "stft with an unknown window", _of(lambda x: ops.stft(x, 4, 2, 4, "kaiser"), (20,)), "hann"
    ),
    ErrorCase("gcd of floats", _of(ops.gcd, (3,), (3,)), "gcd", TypeError),
    ErrorCase("eig of a rectangle", _of(ops.eig, (2, 3)), "eig"),
    ErrorCase(
        "eig with complex eigenvalues",
        lambda t: ops.eig(t(np.array([[0.0, 1.0], [-1.0, 0.0]], "float32"))),
        "complex",
    ),
    ErrorCase("lu_factor of a vector", _of(ops.lu_factor, (3,)), "lu_factor"),
    ErrorCase("polar", _of(ops.polar, (3,), (3,)), "ops.cos", TypeError),
    ErrorCase("view_as_complex", _of(ops.view_as_complex, (3, 2)), "x[..., 0]", TypeError),
    ErrorCase("view with a rest", _of(lambda x: ops.view(x, "float64"), (2, 3)), "view"),
    ErrorCase("histogram of a matrix", _of(ops.histogram, (2, 3)), "histogram"),
    ErrorCase("histogram without bins", _of(lambda x: ops.histogram(x, 0), (3,)), "bins"),
    ErrorCase("correlate of a matrix", _of(ops.correlate, (2, 3), (3,)), "correlate"),
    ErrorCase("corrcoef of three axes", _of(ops.corrcoef, (2, 3, 4)), "corrcoef"),
    ErrorCase(
        "ctc_loss of a matrix",
        lambda t: ops.ctc_loss(t(np.zeros((2, 3), "int32")), t(_zeros(2, 3)), [1, 1], [3, 3]),
        "ctc_loss",
    ),
    ErrorCase(
        "ctc_decode with an unknown strategy",
        _of(lambda x: ops.ctc_decode(x, [2], "best"), (1, 3, 4)),
        "beam_search",
    ),
    ErrorCase(
        "associative_scan of other sizes",
        _of(lambda x, y: ops.associative_scan(lambda a, b: a, (x, y)), (3,), (4,)),
        "axis 0",
    ),
    ErrorCase(
        "vectorize with another signature",
        _of(lambda x: ops.vectorize(abs, signature="(a),(a)->()")(x), (3,)),
        "signature",
    ),
    ErrorCase(
        "jvp with another tangent",
        _of(lambda x, t: ops.jvp(ops.sin, (x,), (t,)), (3,), (4,)),
        "tangent",
    ),
    ErrorCase("norm of an unknown order", _of(lambda x: ops.norm(x, ord="nuc"), (3,)), "norm"),
]

LAYERS = [
    ErrorCase("Dense on a number", lambda t: layers.Dense(2)(t(_zeros())), "Dense"),
    ErrorCase(
        "Dense with other features", lambda t: _twice(layers.Dense(2), t, (3, 4), (3, 5)), "Dense"
    ),
    ErrorCase(
        "Conv2D without channels", lambda t: layers.Conv2D(2, 3)(t(_zeros(2, 6, 6))), "channel"
    ),
    ErrorCase(
        "Conv2D larger than the image",
        lambda t: layers.Conv2D(2, 9)(t(_zeros(2, 6, 6, 1))),
        "larger input",
    ),
    ErrorCase(
        "Conv2D with other channels",
        lambda t: _twice(layers.Conv2D(2, 3), t, (1, 6, 6, 1), (1, 6, 6, 3)),
        "Conv2D",
    ),
    ErrorCase(
        "MaxPooling2D of a matrix", lambda t: layers.MaxPooling2D()(t(_zeros(4, 4))), "MaxPooling2D"
    ),
    ErrorCase("LSTM of a matrix", lambda t: layers.LSTM(2)(t(_zeros(4, 4))), "LSTM"),
    ErrorCase("Reshape", lambda t: layers.Reshape((5,))(t(_zeros(2, 4))), "eshape"),
    ErrorCase("Add of one", lambda t: layers.Add()([t(_zeros(2, 4))]), "Add"),
    ErrorCase(
        "Add of other shapes", lambda t: layers.Add()([t(_zeros(2, 4)), t(_zeros(2, 3))]), "Add"
    ),
    ErrorCase(
        "Concatenate of other batches",
        lambda t: layers.Concatenate()([t(_zeros(2, 4)), t(_zeros(3, 4))]),
        "oncatenate",
    ),
    ErrorCase("Attention of one", lambda t: layers.Attention()([t(_zeros(2, 4, 3))]), "Attention"),
    ErrorCase(
        "BatchNormalization with other channels",
        lambda t: _twice(layers.BatchNormalization(), t, (2, 3), (2, 4)),
        "BatchNormalization",
    ),
    ErrorCase("a layer without its input", lambda t: layers.Dense(2)(), "input", TypeError),
]


def _twice(layer, tensor, first, second):
    layer(tensor(_zeros(*first)))
    layer(tensor(_zeros(*second)))


ERROR_CASES = [*OPS, *LAYERS]
