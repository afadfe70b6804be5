"""Resize: along each axis by itself, nearest elements by a lookup, all else by one product with a
matrix made on the host."""

from __future__ import annotations

import math

import numpy as np

from unidl import ops
from unidl.port.onnx.table import handles
from unidl.port.onnx.values import as_, host, ints


@handles("Upsample")
def upsample(node, x, scales=None):
    scales = node["scales"] if node.since < 9 else host(scales).tolist()
    for axis, scale in enumerate(scales):
        if scale == 1:
            continue
        size = ops.shape(x)[axis]
        x = _along(
            node,
            x,
            axis,
            _places("asymmetric", size, int(size * scale), scale),
            scale,
            {"nearest_mode": "floor"},
        )
    return x


@handles("Resize")
def resize(node, x, *rest):
    """Version 10 has (x, scales), later ones (x, roi, scales, sizes)."""
    rank = len(ops.shape(x))
    roi, scales, sizes = (None, rest[0], None) if node.since < 11 else (*rest, None, None, None)[:3]
    axes = [a % rank for a in node["axes"] or range(rank)]
    old = [ops.shape(x)[a] for a in axes]
    sizes = None if sizes is None or not ops.size(sizes) else ints(sizes)
    if sizes is None:
        scales = [float(s) for s in host(scales)]
        sizes = [math.floor(n * s) for n, s in zip(old, scales, strict=True)]
    else:
        scales = [m / n for m, n in zip(sizes, old, strict=True)]
        policy = node["keep_aspect_ratio_policy"]
        if policy not in (None, "stretch"):
            scales = [(min if policy == "not_larger" else max)(scales)] * len(axes)
            sizes = [math.floor(n * scales[0] + 0.5) for n in old]
    mode = node["coordinate_transformation_mode"] or "asymmetric"
    outside = np.zeros((1,) * rank, bool)
    for i, (axis, n, m, scale) in enumerate(zip(axes, old, sizes, scales, strict=True)):
        span = (
            None
            if roi is None or not ops.size(roi)
            else (float(host(roi)[i]), float(host(roi)[i + len(axes)]))
        )
        places = _places(mode, n, m, scale, span)
        x = _along(node, x, axis, places, scale, node.attributes)
        if mode == "tf_crop_and_resize":
            outside = outside | ((places < 0) | (places > n - 1)).reshape(
                [-1 if a == axis else 1 for a in range(rank)]
            )
    return ops.where(outside, as_(node["extrapolation_value"], x), x) if outside.any() else x


def _places(mode, n, m, scale, span=None):
    """Where in the n old elements each of the m new ones lies."""
    i = np.arange(m, dtype="float64")
    half = (i + 0.5) / scale - 0.5
    if mode == "half_pixel":
        return half
    if mode == "half_pixel_symmetric":
        return n / 2 * (1 - m / (n * scale)) + half
    if mode == "pytorch_half_pixel":
        return half if m > 1 else np.zeros(m)
    if mode == "align_corners":
        exact = n * scale  # of which m is the whole part
        return i * ((n - 1) / (exact - 1)) if m > 1 else np.zeros(m)
    if mode == "asymmetric":
        return i / scale
    if mode == "tf_half_pixel_for_nn":
        return (i + 0.5) / scale
    start, end = span
    return (
        start * (n - 1) + i * (end - start) * (n - 1) / (m - 1)
        if m > 1
        else np.full(m, 0.5 * (start + end) * (n - 1))
    )


_NEAREST = {
    "round_prefer_floor": lambda p: np.ceil(p - 0.5),
    "round_prefer_ceil": lambda p: np.floor(p + 0.5), "floor": np.floor, "ceil": np.ceil,
}  # fmt: skip


def _along(node, x, axis, places, scale, options):
    n = ops.shape(x)[axis]
    if len(places) == n and np.array_equal(places, np.arange(n)):
        return x
    if node["mode"] == "nearest":
        # Version 10 has no `nearest_mode`: it takes the element before.
        nearest = _NEAREST[options.get("nearest_mode", "floor")](places)
        return ops.take(x, np.clip(nearest, 0, n - 1).astype("int32"), axis)
    weights = _weights(
        n,
        places,
        _kernel(node),
        2 if node["mode"] == "cubic" else 1,
        scale if node["antialias"] else 1.0,
        node["exclude_outside"],
    )
    return ops.moveaxis(ops.tensordot(x, as_(weights, x), axes=((axis,), (1,))), -1, axis)


def _kernel(node):
    """Weight by distance: a triangle, or Keys' cubic with the parameter a."""
    if node["mode"] == "linear":
        return lambda d: np.maximum(0, 1 - d)
    a = node["cubic_coeff_a"]

    def cubic(d):
        near = ((a + 2) * d - (a + 3)) * d**2 + 1
        far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        return np.where(d <= 1, near, np.where(d < 2, far, 0.0))

    return cubic


def _weights(n, places, kernel, reach, scale, exclude_outside):
    """(new, old) matrix. A kernel stretched for `scale` < 1 averages; what lies outside repeats the
    edge, or is left out."""
    scale = min(scale, 1.0)
    low, high = math.floor(-reach / scale) + 1, math.ceil(reach / scale) + 1
    neighbours = np.floor(places).astype(int)[:, None] + np.arange(low, high + 1)
    values = kernel(np.abs(neighbours - places[:, None]) * scale)
    if exclude_outside:
        values = np.where((neighbours >= 0) & (neighbours < n), values, 0.0)
    values /= values.sum(1, keepdims=True)
    weights = np.zeros((len(places), n))
    np.add.at(weights, (np.arange(len(places))[:, None], np.clip(neighbours, 0, n - 1)), values)
    return weights
