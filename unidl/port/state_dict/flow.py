"""What the graph of a functional model tells about its layers: which images are flattened before
them, and which layers with weights come before them.

A framework with channels first flattens (channels, *space), and this one (*space, channels), so
the rows of what stands behind lie in another order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from unidl import layers
from unidl.models import Model

_KEEP_FEATURES = (
    layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization,
    layers.RMSNormalization, layers.PReLU,
)  # fmt: skip
_MOVING_FUNCTIONS = {"transpose", "swapaxes", "moveaxis", "flip", "roll", "rot90"}
_Segments = tuple[tuple[int, ...], ...]


class _Tag(NamedTuple):
    """What is known of a tensor.

    `kind`: "" for nothing that matters, "input", "image" with the channels last, "moved" for one
    whose axes were moved, "flat" for what holds flattened images, "flat input", "lost" for what
    holds numbers of one in an order that nobody can follow. `segments`: of what is flat, as in
    `unidl.port.weight_rules.flattened`. `sources`: ids of the nearest layers with weights.
    """

    kind: str = ""
    segments: _Segments = ()
    sources: frozenset[int] = frozenset()


@dataclass
class Flow:
    """
    Attributes:
        flat: {id of a layer: segments} where its inputs hold a flattened image.
        sources: {id of a layer of the graph: ids of the ones with weights before it}.
        within: {id of a layer: id of the layer of the graph that holds it, or is it}.
        warnings: where the order of rows cannot be told.
    """

    flat: dict[int, _Segments] = field(default_factory=dict)
    sources: dict[int, frozenset[int]] = field(default_factory=dict)
    within: dict[int, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def flow_of(model: Any) -> Flow:
    """The Flow of a model; of one with a `call` of its own only a warning, if it may need one."""
    found = Flow()
    if getattr(model, "_plan", None) is None:
        within = [type(layer).__name__ for layer in model._flatten_layers()]
        if any("Flatten" in name for name in within) and any("Conv" in name for name in within):
            found.warnings.append(
                f"{model.name} has a call of its own, in which nobody can look for what is "
                "flattened: rows of a Dense behind a flattened image stay in the order of channels "
                "first. Write layers.Permute, channels to the front, before Flatten"
            )
        return found
    _walk(model._plan, [_Tag("input") for _ in model._plan.input_tensors], found)
    return found


def _walk(plan: Any, tags: list[_Tag], found: Flow) -> list[_Tag]:
    """The tags of the outputs of a plan, from those of its inputs."""
    known = dict(zip(map(id, plan.input_tensors), tags, strict=True))
    for node in plan.nodes:
        before = [known.get(id(tensor), _Tag()) for tensor in node.inputs]
        operation = node.operation
        if isinstance(operation, Model) and operation._plan is not None:
            after = _walk(operation._plan, before, found)
        else:
            after = [_after(operation, node, before, found)] * len(node.outputs)
        known.update(zip(map(id, node.outputs), after, strict=False))
    return [known.get(id(tensor), _Tag()) for tensor in plan.output_tensors]


def _after(operation: Any, node: Any, before: list[_Tag], found: Flow) -> _Tag:
    sources = frozenset().union(*(tag.sources for tag in before))
    if getattr(operation, "weights", None):
        found.sources.setdefault(id(operation), sources)
        for layer in operation._flatten_layers():
            found.within[id(layer)] = id(operation)
        sources = frozenset({id(operation)})
        _note_rows(operation, node, before[0], found)
    kind, segments = _kind_after(operation, node, before)
    return _Tag(kind, segments, sources)


def _note_rows(layer: Any, node: Any, tag: _Tag, found: Flow) -> None:
    if tag.kind == "flat" and isinstance(layer, (layers.Dense, *_KEEP_FEATURES)):
        known = found.flat.setdefault(id(layer), tag.segments)
        if known != tag.segments:
            found.warnings.append(f"{layer.name} is called on flattened images of two shapes")
    elif tag.kind in ("flat", "lost"):
        found.warnings.append(
            f"{layer.name} stands behind an image whose axes are put into one in a way that cannot "
            "be followed. Its rows stay in the order of the original: put the channels first "
            "before, as the original does, with layers.Permute"
        )
    elif tag.kind == "flat input" and isinstance(layer, layers.Dense):
        found.warnings.append(
            f"{layer.name} stands behind a flattened input of shape {tag.segments[0]}. Its rows "
            "stay in the order of the original: give inputs with their axes as the original has "
            "them"
        )


def _kind_after(operation: Any, node: Any, before: list[_Tag]) -> tuple[str, _Segments]:
    tag, given, made = before[0], node.inputs[0].shape, node.outputs[0].shape
    function = getattr(getattr(operation, "function", None), "__name__", None)
    if isinstance(operation, layers.Concatenate) and len(made) == 2:
        return _joined(node, before)
    if len({(each.kind, each.segments) for each in before}) > 1:
        return _merged(node, before)
    if isinstance(operation, (layers.Flatten, layers.Reshape)) or function == "reshape":
        return _reshaped(operation, tag, given, made)
    if isinstance(operation, layers.Permute) or function in _MOVING_FUNCTIONS:
        return _moved(operation, tag, len(given))
    if getattr(operation, "data_format", None) == "channels_last" and len(made) > 2:
        return ("image", ()) if _is_windowed(operation) else (tag.kind, tag.segments)
    if getattr(operation, "weights", None) and not isinstance(operation, _KEEP_FEATURES):
        return ("moved" if len(made) > 3 else ""), ()
    joins = isinstance(operation, layers.Concatenate) and tag.kind == "image"
    if tuple(given) == tuple(made) or joins:
        return tag.kind, tag.segments
    if tag.kind in ("image", "moved") and len(made) > 2:
        return "moved", ()
    # Where an image becomes a vector, its channels alone may be left.
    is_pooled = tag.kind in ("image", "moved") and made[-1] == given[-1]
    return ("" if is_pooled or tag.kind in ("", "input", "flat input") else "lost"), ()


def _merged(node: Any, before: list[_Tag]) -> tuple[str, _Segments]:
    """Of several inputs of which different things are known, such as an image and its weights."""
    made = tuple(node.outputs[0].shape)
    pairs = list(zip(before, node.inputs, strict=True))
    if any(tag.kind in ("flat", "lost") for tag in before):
        return "lost", ()
    if any(tag.kind == "image" and tuple(x.shape) == made for tag, x in pairs):
        return "image", ()
    return ("moved" if any(tag.kind in ("image", "moved") for tag in before) else ""), ()


def _is_windowed(operation: Any) -> bool:
    return any(part in type(operation).__name__ for part in ("Conv", "Pool", "Padding", "Crop"))


def _joined(node: Any, before: list[_Tag]) -> tuple[str, _Segments]:
    """Of vectors, one behind the other."""
    kinds = {tag.kind for tag in before}
    if kinds & {"lost", "flat input"}:
        return "lost", ()
    if "flat" not in kinds:
        return "", ()
    parts = zip(before, node.inputs, strict=True)
    return "flat", tuple(s for tag, x in parts for s in tag.segments or ((x.shape[-1],),))


def _reshaped(operation: Any, tag: _Tag, given: Any, made: Any) -> tuple[str, _Segments]:
    *space, channels = given[1:]
    if getattr(operation, "data_format", None) == "channels_first" or tag.kind == "":
        return "", ()
    if tuple(given) == tuple(made):
        return tag.kind, tag.segments
    if len(given) == 2 or tag.kind in ("moved", "lost"):
        return ("lost" if tag.kind in ("flat", "moved", "lost") else ""), ()
    if made[-1] == channels or channels == 1 or set(space) == {1}:
        return "", ()  # places of the image in a row, as on the other side, or nothing to move
    if len(made) > 2 or None in given[1:]:
        return ("lost" if tag.kind == "image" else ""), ()
    if tag.kind == "input" and len(space) == 1:
        return "", ()  # a sequence, which lies alike everywhere
    return ("flat" if tag.kind == "image" else "flat input"), ((channels, *space),)


def _moved(operation: Any, tag: _Tag, rank: int) -> tuple[str, _Segments]:
    """Channels in front are where the other side has them."""
    is_first = getattr(operation, "dims", None) == (rank - 1, *range(1, rank - 1))
    if tag.kind in ("flat", "lost"):
        return "lost", ()
    return ("moved" if tag.kind in ("image", "moved") and not is_first else ""), ()
