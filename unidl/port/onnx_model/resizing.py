"""Images of another size. The axes which stay as they are may be open."""

from __future__ import annotations

import numpy as np

from unidl import layers
from unidl.port import windows
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.onnx.graph import results_of
from unidl.port.onnx_model.call import makes
from unidl.port.onnx_model.shapes import open_axis, with_attributes

# Where nearest elements of a whole multiple of a size are each element several times.
_REPEATS = {("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")}


@makes("Resize")
def resize(call):
    return resized(call.build, call.node, call.tensor())


def resized(build, node, x):
    """x, resized to what the graph gives the node's output."""
    output = node.outputs[0]
    old, new = x.shape, build.sizes.shape(output)
    axes = [a % x.rank for a in node["axes"] or range(x.rank)]
    if any(old[a] is None or new[a] is None for a in axes if old[a] != new[a]):
        open_axis(build, output)
    kept = [i for i, a in enumerate(axes) if old[a] is not None]
    moved = [a for a in range(x.rank) if old[a] != new[a]]
    if _repeats(node, old, new, moved, x.rank):
        factors = [new[a] // old[a] for a in range(2, x.rank)]
        layer = windows.named(
            "UpSampling*", x.rank - 2, factors[0] if x.rank == 3 else tuple(factors),
            name=build.called(node),
        )  # fmt: skip
        return Laid(layer(x.last()), True)
    if _is_bilinear(node, old, new, moved, x.rank):
        return Laid(layers.Resizing(*new[2:], name=build.called(node))(x.last()), True)
    roi, scales, sizes = _given(build, node)
    if scales is not None and scales.size:
        scales, sizes = scales[kept], None
    else:
        scales, sizes = None, np.array([new[axes[i]] for i in kept])
    if roi is not None and roi.size:
        roi = roi[[*kept, *(i + len(axes) for i in kept)]]
    given = [scales] if node.since < 11 else [roi, scales, sizes]
    cut = with_attributes(node, axes=[axes[i] for i in kept])
    return Laid(results_of(cut, [x.first(), *given], {})[0])


def _is_bilinear(node, old, new, moved, rank):
    """Whether it is what Keras calls so, of images."""
    modes = ("half_pixel", "pytorch_half_pixel")
    return (
        (node["mode"], rank) == ("linear", 4)
        and node["coordinate_transformation_mode"] in modes
        and not node["antialias"]
        and None not in (*old[2:], *new[2:])
        and min(moved, default=2) >= 2
        and min(new[2:]) > 1
    )


def _given(build, node):
    """(roi, scales, sizes), None where they are left out or depend on an open axis."""
    names = [None, node.inputs[1]] if node.since < 11 else node.inputs[1:]
    found = []
    for name in [*names, None, None, None][:3]:
        value = build.array(build.values.get(name)) if name else None
        if value is not None and not isinstance(value, np.ndarray):
            raise Refused(f"its input {name!r} is computed from what comes in")
        found.append(value)
    return found


def _repeats(node, old, new, moved, rank):
    mode = node["coordinate_transformation_mode"] or "asymmetric"
    return (
        node["mode"] == "nearest"
        and (mode, node["nearest_mode"] or "floor") in _REPEATS
        and rank in (3, 4, 5)
        and None not in old[2:]
        and min(moved, default=2) >= 2
        and all(m % n == 0 for n, m in zip(old[2:], new[2:], strict=True))
    )
