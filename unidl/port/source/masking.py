"""Masks as what they are in written source: tensors that are made of inputs and handed to the
layers that read them. In unidl they travel with the tensors that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from unidl import Input, ops, tree
from unidl.backend.frame import changed
from unidl.layers import BatchNormalization, Concatenate, Layer, TimeDistributed
from unidl.layers.base import call_context
from unidl.layers.base.annotations import masks
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.mask_flow import no_masks
from unidl.layers.base.signature import call_signature
from unidl.layers.merging.merge_layers import Elementwise, Merge
from unidl.models.model import Model
from unidl.port.errors import Refused
from unidl.tracing import KerasTensor, graph

if TYPE_CHECKING:
    from unidl.port.source.block import Block
    from unidl.port.source.writer import Writer


@dataclass(frozen=True)
class Unknown:
    """Stands for the mask of a tensor that nothing in the graph makes."""

    maker: str


class Shown(graph.Node):
    """A node with masks among its arguments. What it returns still comes from the other one.

    Attributes:
        within: masks of its inputs, which layers within read.
    """

    def __init__(self, node: Any, args: Any, kwargs: Any, within: list[Any]) -> None:
        self.operation, self.args, self.kwargs = node.operation, args, kwargs
        self.outputs, self.within = node.outputs, within
        self.inputs = [*graph.flatten_tensors((args, kwargs)), *within]


def show_masks(block: Block, writer: Writer) -> None:
    """Give the calls of `block` the masks that they get in unidl as arguments, and let it have the
    calls that make these. `block.masks` are known of the inputs, and afterwards of all tensors."""
    known = block.masks
    nodes, making = [], set()
    for node in block.nodes:
        shown = node
        if isinstance(node.operation, Layer):
            given, first = _given_to(node, known)
            shown = _with_masks(node, given, writer.trains)
            inner, within = _look_within(shown, known, writer)
            block.of_masks += graph.flatten_tensors([*given.values(), within])
            if within:
                shown = Shown(node, shown.args, shown.kwargs, within)
            made = _follow(node, first, inner, known, block)
            making |= {id(each) for each in made}
            block.of_masks += [t for each in made for t in each.outputs]
            nodes += made
        nodes.append(shown)
    block.nodes = _used(nodes, making, block.outputs)
    used = {id(t) for n in block.nodes for t in n.inputs}
    here = {id(t) for t in block.inputs}
    for tensor, name in zip([*block.inputs], [*block.names], strict=True):
        mask = known.get(id(tensor))
        if isinstance(mask, KerasTensor) and id(mask) in used - here:
            here.add(id(mask))
            block.added.append(mask)
            block.names.append("mask" if name == "x" else f"{name}_mask")
    block.inputs += block.added


def _given_to(node: Any, known: dict[int, Any]) -> tuple[dict[str, Any], Any]:
    """({argument: mask} that the layer's call gets, the mask of its first argument)."""
    signature = call_signature(type(node.operation))
    values = dict(zip(signature.names, node.args, strict=False)) | node.kwargs
    is_alone = sum(bool(graph.flatten_tensors(value)) for value in values.values()) == 1
    found, first = {}, None
    for name in signature.names:
        if values.get(name) is None or name in signature.masks or name == "training":
            continue
        argument = signature.mask_of.get(name)
        mask = values.get(argument) if argument else None
        if mask is None:
            mask = _of_value(values[name], known)
            if mask is not None and argument and (argument != "mask" or is_alone):
                found[argument] = mask
        else:
            found[str(argument)] = mask
        if name == signature.names[0]:
            first = mask
    found |= {n: values[n] for n in signature.masks if values.get(n) is not None}
    return found, first


def _of_value(value: Any, known: dict[int, Any]) -> Any:
    if isinstance(value, list | tuple):
        found = [_of_value(v, known) for v in value]
        return found if any(m is not None for m in found) else None
    return known.get(id(value))


def _with_masks(node: Any, given: dict[str, Any], trains: bool = True) -> Any:
    """The same call with masks among its arguments by name, but for layers that only hand them
    on."""
    layer = node.operation
    if _only_hands_on(layer) or (isinstance(layer, BatchNormalization) and not trains):
        given = {}
    signature = call_signature(type(node.operation))
    named = dict(zip(signature.names, node.args, strict=False))
    count = next((i for i, n in enumerate(named) if n in signature.masks), len(node.args))
    args, behind = node.args[:count], list(named.items())[count:]
    kwargs = {n: v for n, v in (*behind, *node.kwargs.items()) if n not in signature.masks} | given
    if count == len(node.args) and kwargs.keys() == node.kwargs.keys():
        return node
    return Shown(node, args, kwargs, [])


def _only_hands_on(layer: Layer) -> bool:
    """Whether what the layer computes does not depend on its mask, but for layers within."""
    if isinstance(layer, TimeDistributed):
        return "mask" not in call_signature(type(layer.layer)).names
    return isinstance(layer, Elementwise) or getattr(layer, "_plan", None) is not None


def _look_within(
    node: Any, known: dict[int, Any], writer: Writer
) -> tuple[dict[int, Any], list[Any]]:
    """Of a call that becomes a class: ({id of what it returns: its mask}, where that is the one of
    an input; masks of its inputs that layers within read)."""
    layer = node.operation
    has_rule = type(layer) in writer.rules or isinstance(layer, TimeDistributed)
    if has_rule or not any(id(t) in known for t in node.inputs):
        return {}, []
    try:
        inner = writer.block_of(node)
    except Refused:
        return {}, []
    outside = masks_within(inner, node, known)
    show_masks(inner, writer)
    ends = zip(node.outputs, graph.flatten_tensors(inner.outputs), strict=False)
    found = {id(t): outside.get(id(inner.masks.get(id(end)))) for t, end in ends}
    return found, [outside[id(t)] for t in inner.added]


def _follow(
    node: Any, first: Any, inner: dict[int, Any], known: dict[int, Any], block: Any
) -> list[Any]:
    """Note the masks of what a layer returns; the calls that make them."""
    layer, inputs = node.operation, node.args[0] if node.args else None
    found = None
    if layer.ends_masks:
        return []
    if isinstance(layer, Model) or not layer.supports_masking:
        found = [inner.get(id(t)) for t in node.outputs]
    elif first is not None and not isinstance(first, Unknown):
        found = _computed(layer, inputs, first)
    elif first is None and layer._makes_mask:
        found = _computed(layer, inputs, no_masks(inputs))
    there = {id(m) for m in known.values()}
    for output, mask in zip(node.outputs, tree.flatten(found), strict=False):
        if mask is not None:
            known[id(output)] = mask
    for output in node.outputs:
        if masks.get(output) is not None and id(output) not in known:
            known[id(output)] = first if isinstance(first, Unknown) else Unknown(layer.name)
    if found is None:
        return []
    there |= {id(t) for t in (*block.inputs, *(t for n in block.nodes for t in n.outputs))}
    return _behind(tree.flatten(found), there)


def _computed(layer: Layer, inputs: Any, mask: Any) -> Any:
    """What the layer makes of the masks of its inputs, recorded."""
    inside = call_context.entered(CallContext(training=False))
    with changed(tracer=None, stand_ins=None), inside, graph.resumed():
        joined = _joined(layer, mask) if isinstance(layer, Merge) else None
        return layer.compute_mask(inputs, mask) if joined is None else joined


def _joined(layer: Merge, mask: list[Any]) -> Any:
    """The mask of what is made of several tensors, where that is less than what the layer does for
    any shapes."""
    if any(not isinstance(m, KerasTensor) or len(m.shape) != 2 for m in mask):
        return None
    distinct = list({id(m): m for m in mask}.values())
    if isinstance(layer, Concatenate) and layer.axis == 1:
        return ops.concatenate(mask, axis=1)
    if len(distinct) > 1 and isinstance(layer, Concatenate):
        return reduce(ops.logical_and, distinct) if layer.axis in (-1, 2) else None
    return distinct[0] if len(distinct) == 1 else None


def given_to(node: Any) -> list[KerasTensor]:
    """The tensors that become the inputs of a class: of a graph in its order, else each once."""
    found = graph.flatten_tensors((node.args, node.kwargs))
    is_graph = getattr(node.operation, "_plan", None) is not None
    return found if is_graph else list({id(t): t for t in found}.values())


def masks_within(inner: Any, node: Any, known: dict[int, Any]) -> dict[int, Any]:
    """Let `inner`, what becomes of a call, know that its inputs have masks; {id of a mask there:
    the mask outside}."""
    outside: dict[int, Any] = {}
    here = given_to(node)
    symbols = {id(t): symbol for t, symbol in zip(here, inner.inputs, strict=False)}
    for tensor in here:
        mask = known.get(id(tensor))
        if mask is None or id(tensor) not in symbols:
            continue
        if not isinstance(mask, KerasTensor):  # an array, or nobody knows
            symbol = mask
            outside[id(symbol)] = mask
        else:
            symbol = symbols.get(id(mask))
            if symbol is None:
                symbol = symbols[id(mask)] = Input(batch_shape=mask.shape, dtype=mask.dtype)
            outside[id(symbol)] = mask
        inner.masks[id(symbols[id(tensor)])] = symbol
    return outside


def _behind(tensors: list[Any], there: set[int]) -> list[Any]:
    """The calls that make `tensors` of those that are there, in order."""
    order: list[Any] = []

    def visit(tensor: Any) -> None:
        if not isinstance(tensor, KerasTensor) or id(tensor) in there or tensor.history is None:
            return
        node = tensor.history[0]
        if any(node is each for each in order):
            return
        for before in node.inputs:
            visit(before)
        order.append(node)

    for tensor in tensors:
        visit(tensor)
    return order


def _used(nodes: list[Any], making: set[int], outputs: Any) -> list[Any]:
    """`nodes` without those that make masks which nobody reads."""
    wanted = {id(t) for t in graph.flatten_tensors(outputs)}
    kept = []
    for node in reversed(nodes):
        if id(node) not in making or any(id(t) in wanted for t in node.outputs):
            kept.append(node)
            wanted |= {id(t) for t in node.inputs}
    return kept[::-1]


def require_writable(layer: Layer, given: dict[str, Any], nodes: list[Any]) -> None:
    """`Refused` for masks of which nobody knows where they come from, or how they act.

    nodes: all calls among which that of `layer` stands.
    """
    names = call_signature(type(layer)).masks
    uses = [
        {name for name in names if n.kwargs.get(name) is not None}
        for n in nodes
        if n.operation is layer
    ]
    if any(use != uses[0] for use in uses):
        raise Refused("it gets a mask at one place and none at another")
    for mask in tree.flatten([*given.values()]):
        if isinstance(mask, Unknown):
            raise Refused(f"it gets a mask that {mask.maker} makes within itself")
    if given and isinstance(layer, TimeDistributed):
        raise Refused(f"{type(layer.layer).__name__} gets the mask of each moment")
    if given and isinstance(layer, BatchNormalization):
        raise Refused("batch normalization with a mask, whose moments leave steps out")
