"""What a model has room for: for each layer its weights, by their roles, with the rule of each.

The layouts on the other side are those of a framework with channels first: `weight` of a dense
layer is (outputs, inputs), that of a convolution (filters, channels, *window).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from unidl import layers
from unidl.port.layers import Constant
from unidl.port.state_dict.naming import ALONE
from unidl.port.weight_rules import (
    Rule,
    added,
    between,
    depthwise,
    flattened,
    gates,
    same,
    transposed,
)

_UPDATE_FIRST = (1, 0, 2)  # other frameworks' GRU has the reset gate first
_NORMALIZATIONS = (layers.LayerNormalization, layers.GroupNormalization)
_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
_RECURRENT = (layers.LSTM, layers.GRU, layers.SimpleRNN)
_PROJECTIONS = ("query", "key", "value", "output")
_CELLS = (layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell)


class Part(NamedTuple):
    """A weight with the rule that makes it from the original's array, and the array's shape."""

    variable: Any
    rule: Rule
    shape: tuple[int, ...]


@dataclass
class Place:
    """A layer, or a part of one, whose weights are one module's on the other side.

    Attributes:
        path: of the layer. layer: itself. family: decides what arrays are called.
        parts: {role: Part}.
        alternatives: places that could stand here instead, all of a list together.
        is_flat: whether its rows are those of an image that was flattened.
        is_reversed: whether it goes backwards in time.
        note: why the layer is not of a known family.
        projection: "query", "key", "value" or "output" of an attention.
    """

    path: str
    layer: Any
    family: str
    parts: dict[str, Part] = field(default_factory=dict)
    alternatives: list[list[Place]] = field(default_factory=list)
    is_flat: bool = False
    is_reversed: bool = False
    note: str = ""
    projection: str = ""

    def add(self, role: str, variable: Any, rule: Rule = same) -> None:
        """A role whose weight the layer may lack: then `variable` is None."""
        if variable is not None:
            # The rule itself tells the shape on the other side; bytes that nobody writes to.
            shape = rule.back(np.zeros(tuple(variable.shape), "?")).shape
            self.parts[role] = Part(variable, rule, shape[1:] if rule.is_sum else shape)


Flat = Mapping[int, tuple[tuple[int, ...], ...]]  # {id of a layer: segments of its inputs}


class Unknown(Exception):
    """Why the weights of a layer have no known layout on the other side."""


def places_of(model: Any, flat: Flat) -> Iterator[Place]:
    """All places of a built model, in the order of its layers."""
    seen: set[int] = set()
    for layer in model._flatten_layers():
        if id(layer) in seen:
            continue
        try:
            found = _of_known_kind(layer, flat)
        except Unknown as reason:
            yield from _alone(layer, str(reason))
            continue
        seen.update(id(inner) for inner in layer._flatten_layers())
        yield from found


def without_model(path: str, model: Any) -> str:
    """A path without the name of the model in front, which nobody chose for it."""
    return path.removeprefix(f"{model.name}/")


def _of_known_kind(layer: Any, flat: Flat) -> list[Place]:
    maker = next((maker for kinds, maker in _MAKERS if isinstance(layer, kinds)), None)
    if maker is None:
        raise Unknown("")
    found = list(maker(layer, flat))
    known = {id(part.variable) for place in found for part in place.parts.values()}
    if known != {id(variable) for variable in layer.weights}:
        raise Unknown(f"this {type(layer).__name__} has more weights than its kind has")
    return found


def _path(layer: Any) -> str:
    weights = layer.weights
    return weights[0].path.rpartition("/")[0] if weights else layer.name


def _alone(layer: Any, note: str) -> Iterator[Place]:
    for variable in layer._own_variables:
        # A parameter by itself has the name of its layer.
        path = _path(layer) if isinstance(layer, Constant) else variable.path
        found = Place(path, layer, ALONE, note=note)
        found.add(ALONE, variable)
        yield found


def _rows(layer: Any, flat: Flat) -> Rule:
    """The rule of what lies along the features of the layer's inputs."""
    segments = flat.get(id(layer))
    return same if segments is None else flattened(segments)


def _dense(layer: Any, flat: Flat) -> Iterator[Place]:
    found = Place(_path(layer), layer, "linear", is_flat=id(layer) in flat)
    found.add("kernel", layer.kernel, transposed(1, 0).then(_rows(layer, flat)))
    found.add("bias", layer.bias)
    yield found


def _einsum_dense(layer: Any, flat: Flat) -> Iterator[Place]:
    found = Place(_path(layer), layer, "linear")
    found.add("kernel", layer.kernel, _of_equation(layer))
    found.add("bias", layer.bias, _flat_bias(layer))
    yield found


def _of_equation(layer: Any) -> Rule:
    """(outputs, inputs) as the kernel of an equation that is a matrix product but for shapes."""
    inputs, kernel, outputs, _ = layer._terms
    summed = [c for c in inputs if c in kernel and c not in outputs]
    made = [c for c in outputs if c in kernel and c not in inputs]
    if len(summed) + len(made) < len(kernel):
        raise Unknown(f"the equation {layer.equation!r} is no product of two matrices")
    sizes = dict(zip(kernel, layer.kernel.shape, strict=True))
    split = tuple(sizes[c] for c in (*summed, *made))
    flat = (math.prod(sizes[c] for c in summed), math.prod(sizes[c] for c in made))
    order = [(*summed, *made).index(c) for c in kernel]
    return transposed(1, 0).then(between(split, flat)).then(transposed(*order))


def _flat_bias(layer: Any) -> Rule:
    if layer.bias is None:
        return same
    _, kernel, outputs, _ = layer._terms
    letters = "".join(c for c in outputs if c in layer.bias_axes)
    if letters != "".join(c for c in outputs if c in kernel):
        raise Unknown(f"bias_axes={layer.bias_axes!r} are not all axes that the kernel makes")
    shape = tuple(layer.bias.shape)
    return between(shape, (math.prod(shape),))


def _convolution(layer: Any, flat: Flat) -> Iterator[Place]:
    rank = len(layer.kernel.shape) - 2
    found = Place(_path(layer), layer, "linear")
    found.add("kernel", layer.kernel, _of_window(rank))
    found.add("bias", layer.bias)
    yield found


def _of_window(rank: int) -> Rule:
    return transposed(*range(2, rank + 2), 1, 0)


def _depthwise(layer: Any, flat: Flat) -> Iterator[Place]:
    found = Place(_path(layer), layer, "linear")
    found.add("kernel", layer.kernel, depthwise(layer.kernel.shape[-1]))
    found.add("bias", layer.bias)
    yield found


def _separable(layer: Any, flat: Flat) -> Iterator[Place]:
    kernel, path = layer.depthwise_kernel, _path(layer)
    first = Place(f"{path} (depthwise)", layer, "linear")
    first.add("kernel", kernel, depthwise(kernel.shape[-1]))
    yield first
    second = Place(f"{path} (pointwise)", layer, "linear")
    second.add("kernel", layer.pointwise_kernel, _of_window(len(kernel.shape) - 2))
    second.add("bias", layer.bias)
    yield second


def _embedding(layer: Any, flat: Flat) -> Iterator[Place]:
    found = Place(_path(layer), layer, "embedding")
    found.add("embeddings", layer.embeddings)
    yield found


def _batch_normalization(layer: Any, flat: Flat) -> Iterator[Place]:
    rule = _rows(layer, flat)
    found = Place(_path(layer), layer, "batch_normalization", is_flat=id(layer) in flat)
    for role in ("gamma", "beta", "moving_mean", "moving_variance"):
        found.add(role, getattr(layer, role), rule)
    yield found


def _normalization(layer: Any, flat: Flat) -> Iterator[Place]:
    rule, family = _rows(layer, flat), "layer_normalization"
    if isinstance(layer, layers.GroupNormalization):
        family = "group_normalization"
    found = Place(_path(layer), layer, family, is_flat=id(layer) in flat)
    for role in ("gamma", "beta"):
        found.add(role, getattr(layer, role), rule)
    if any(len(part.shape) > 1 for part in found.parts.values()):
        raise Unknown("it is over several axes, whose order on the other side nothing tells")
    yield found


def _rms_normalization(layer: Any, flat: Flat) -> Iterator[Place]:
    found = Place(_path(layer), layer, "rms_normalization", is_flat=id(layer) in flat)
    found.add("scale", layer.scale, _rows(layer, flat))
    yield found


def _prelu(layer: Any, flat: Flat) -> Iterator[Place]:
    shape = tuple(layer.alpha.shape)
    if max(shape[:-1], default=1) > 1:
        raise Unknown("it has a slope for each place; give it shared_axes")
    found = Place(_path(layer), layer, "prelu", is_flat=id(layer) in flat)
    vector = between(shape, (math.prod(shape),))
    found.add("alpha", layer.alpha, _rows(layer, flat).then(vector))
    yield found


def _recurrent(layer: Any, flat: Flat) -> Iterator[Place]:
    for found in _cell(layer.cell, flat):
        found.path, found.layer = found.path.rpartition("/")[0], layer
        found.is_reversed = layer.go_backwards
        yield found


def _cell(cell: Any, flat: Flat) -> Iterator[Place]:
    family = next(kind.__name__ for kind in _CELLS if isinstance(cell, kind))
    found = Place(_path(cell), cell, family.removesuffix("Cell"))
    kernel, bias = transposed(1, 0), added
    if isinstance(cell, layers.GRUCell):
        if not cell.reset_after:
            raise Unknown("reset_after=False is another formula; others have reset_after=True")
        kernel, bias = gates(*_UPDATE_FIRST).then(kernel), gates(*_UPDATE_FIRST, axis=1)
    found.add("kernel", cell.kernel, kernel)
    found.add("recurrent_kernel", cell.recurrent_kernel, kernel)
    found.add("bias", cell.bias, bias)
    if "bias" in found.parts and not bias.is_sum:  # two rows, which are two arrays there
        part = found.parts["bias"]
        found.parts["bias"] = part._replace(shape=part.shape[1:])
    yield found


def _attention(layer: Any, flat: Flat) -> Iterator[Place]:
    """Three projections in one module, or in one array, or each by itself."""
    dense = [layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense]
    if layer.use_gate:
        dense.insert(2, layer.gate_dense)
    single = [place for each in dense for place in _einsum_dense(each, flat)]
    if layer.use_gate:
        yield from single
        return
    for name, place in zip(_PROJECTIONS, single, strict=True):
        place.projection = name
    path = _path(layer).rpartition("/")[0]
    whole, fused = Place(path, layer, "attention"), Place(path, layer, "projections")
    for name, place in zip(_PROJECTIONS, single, strict=True):
        for role, part in place.parts.items():
            whole.parts[f"{name}.{role}"] = part
            if name != "output":
                fused.parts[f"{name}.{role}"] = part
    whole.alternatives = [[fused, single[-1]], single]
    yield whole


_MAKERS: list[tuple[Any, Callable[..., Iterator[Place]]]] = [
    (layers.Dense, _dense),
    (layers.EinsumDense, _einsum_dense),
    (_TRANSPOSED, _convolution),
    (_SEPARABLE, _separable),
    ((layers.DepthwiseConv1D, layers.DepthwiseConv2D), _depthwise),
    (_CONVOLUTIONS, _convolution),
    (layers.Embedding, _embedding),
    (layers.BatchNormalization, _batch_normalization),
    (_NORMALIZATIONS, _normalization),
    (layers.RMSNormalization, _rms_normalization),
    (layers.PReLU, _prelu),
    (_RECURRENT, _recurrent),
    (_CELLS, _cell),
    (layers.MultiHeadAttention, _attention),
]
