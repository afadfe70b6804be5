"""Layers over windows where Keras on TensorFlow cannot be the reference: against layers of another
rank or data format."""

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import layers, ops

DRAW = np.random.default_rng(0)


def _numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: layers.Conv1D(3, 2, padding="causal", dilation_rate=2, **k),
        lambda **k: layers.Conv1DTranspose(3, 4, strides=2, padding="same", **k),
        lambda **k: layers.Conv2DTranspose(3, (2, 3), strides=2, output_padding=1, **k),
        lambda **k: layers.Conv3DTranspose(2, 2, strides=(1, 2, 1), **k),
        lambda **k: layers.Conv3D(4, 2, padding="same", groups=2, **k),
        lambda **k: layers.DepthwiseConv1D(2, strides=2, depth_multiplier=2, **k),
        lambda **k: layers.SeparableConv1D(3, 2, **k),
        lambda **k: layers.SeparableConv2D(3, 2, depth_multiplier=2, activation="tanh", **k),
        lambda **k: layers.MaxPooling3D((2, 3, 1), strides=1, padding="same", **k),
        lambda **k: layers.AveragePooling3D(2, padding="same", **k),
    ],
)
def test_channels_first_is_channels_last_turned(backend, make):
    last, first = make(dtype="float64"), make(dtype="float64", data_format="channels_first")
    rank = last.input_spec.ndim - 2
    x = DRAW.normal(size=(2, *(5, 4, 6)[:rank], 4))
    turned = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    last(x), first(turned)
    values = [DRAW.normal(size=w.shape) for w in last.weights]
    last.set_weights(values)
    first.set_weights(values)
    wanted = np.moveaxis(_numpy(last(x)), -1, 1)
    close(_numpy(first(turned)), wanted)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_pooling_of_volumes_by_planes(backend, kind, padding):
    two, three = getattr(layers, f"{kind}Pooling2D"), getattr(layers, f"{kind}Pooling3D")
    x = DRAW.normal(size=(2, 3, 5, 4, 2))
    planes = _numpy(two((2, 3), strides=2, padding=padding, dtype="float64")(x.reshape(6, 5, 4, 2)))
    close(
        _numpy(three((1, 2, 3), strides=(1, 2, 2), padding=padding, dtype="float64")(x)),
        planes.reshape(2, 3, *planes.shape[1:]),
    )


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transposed_convolutions_of_all_sizes(backend, rank, padding):
    """Kernels from 1 to 4, strides from 1 to 3, each output padding; the axes of a grid take
    different ones."""
    sizes = [(k, s, p) for k in range(1, 5) for s in range(1, 4) for p in (None, *range(s))]
    with in_float64() as keras:
        for k, s, p in sizes if rank == 1 else sizes[::rank]:
            window, strides = ((k, k % 3 + 1, 2)[:rank], (s, 1, 2)[:rank])
            added = None if p is None else (p, 0, 1)[:rank]
            if (
                padding == "same"
                and added
                and not all(
                    1 <= n % 2 + a <= m for n, a, m in zip(window, added, strides, strict=True)
                )
            ):
                continue  # a size that TensorFlow, and with it Keras, refuses
            x, kernel = (
                DRAW.normal(size=(2, *(3, 2, 2)[:rank], 2)),
                DRAW.normal(size=(*window, 3, 2)),
            )
            wanted = keras.ops.conv_transpose(x, kernel, strides, padding, added, "channels_last")
            got = ops.conv_transpose(
                ops.convert_to_tensor(x),
                ops.convert_to_tensor(kernel),
                strides,
                padding,
                added,
                "channels_last",
            )
            close(_numpy(got), np.asarray(wanted))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_dilated_transposed_convolutions(backend, rank, padding):
    """Against the same kernel with the holes written out, which has other sizes only for "same"
    with an output padding."""
    for k, d in [(2, 2), (3, 2), (2, 3)]:
        window, rate = (k, 2, 1)[:rank], (d, 1, 3)[:rank]
        x, kernel = DRAW.normal(size=(1, *(4, 3, 2)[:rank], 2)), DRAW.normal(size=(*window, 3, 2))
        sparse = np.zeros((*((n - 1) * r + 1 for n, r in zip(window, rate, strict=True)), 3, 2))
        sparse[tuple(slice(None, None, r) for r in rate)] = kernel
        x, kernel, sparse = (ops.convert_to_tensor(a) for a in (x, kernel, sparse))
        for added in (None, 0):
            got = ops.conv_transpose(x, kernel, 1, padding, added, "channels_last", rate)
            close(
                _numpy(got),
                _numpy(ops.conv_transpose(x, sparse, 1, padding, added, "channels_last")),
            )


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_dilation_is_a_kernel_with_holes(backend, padding):
    x, kernel = DRAW.normal(size=(2, 4, 3)), DRAW.normal(size=(2, 2, 3))
    sparse = np.zeros((4, 2, 3))
    sparse[::3] = kernel
    dilated = layers.Conv1DTranspose(
        2, 2, padding=padding, dilation_rate=3, use_bias=False, dtype="float64"
    )
    plain = layers.Conv1DTranspose(2, 4, padding=padding, use_bias=False, dtype="float64")
    dilated(x), plain(x)
    dilated.set_weights([kernel])
    plain.set_weights([sparse])
    close(_numpy(dilated(x)), _numpy(plain(x)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Conv2D(2, 2, padding="causal"), "padding must be one of 'valid', 'same'"),
        (
            lambda: layers.Conv1D(2, 2, strides=2, dilation_rate=2),
            "strides > 1 cannot be combined with dilation_rate > 1",
        ),
        (
            lambda: layers.Conv1DTranspose(2, 2, strides=2, output_padding=2),
            "output_padding must be less than strides",
        ),
        (
            lambda: layers.DepthwiseConv2D(2, depth_multiplier=0),
            "depth_multiplier must be a positive integer",
        ),
        (lambda: layers.MaxPooling3D((2, 2)), "pool_size must be a positive integer or 3 of them"),
    ],
)
def test_wrong_arguments(make, words):
    with pytest.raises(ValueError, match=words):
        make()
