"""What becomes one class of the source: a model, or a layer of one's own, as a graph of calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unidl import Input, ops
from unidl.backend.frame import changed
from unidl.layers import Layer
from unidl.layers.base import call_context
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.signature import call_signature
from unidl.models.plan import Plan
from unidl.port.errors import Refused
from unidl.tracing import KerasTensor, graph


class Block:
    """
    Attributes:
        owner: the model or layer.
        inputs, outputs: symbolic tensors, in the structure in which they are given and returned.
        names: of the inputs, as arguments.
        nodes: calls, in the order of execution.
        weights: {id of a symbolic tensor: the Variable that it stands for}, of those that the
            owner's own code reads.
        masks: {id of a symbolic tensor: its mask}, where it has one and masks are written.
        of_masks: the masks among the tensors. added: inputs that are masks and no arguments of the
            owner's call.
    """

    def __init__(
        self, owner: Any, inputs: list, outputs: Any, nodes: list, names: list[str], weights: dict
    ) -> None:
        self.owner, self.names, self.weights = owner, names, weights
        self.inputs = [t for t in inputs if id(t) not in weights]
        self.outputs, self.nodes = outputs, nodes
        self.masks: dict[int, Any] = {}
        self.of_masks: list[KerasTensor] = []
        self.added: list[KerasTensor] = []

    @classmethod
    def of_plan(cls, owner: Any, plan: Plan, names: list[str], weights: dict[int, Any]) -> Block:
        return cls(owner, plan.input_tensors, plan.outputs, plan.nodes, names, weights)


def of_window(
    window: list[Any], carry: KerasTensor, masks: list[KerasTensor], around: Block
) -> Block:
    """Some calls of the graph `around`, which take one tensor, and masks, and give one."""
    names = ["x", *(["mask"] if len(masks) == 1 else [f"mask{i}" for i in range(len(masks))])]
    block = Block(None, [carry, *masks], window[-1].outputs[0], window, names, {})
    block.masks, block.of_masks = around.masks, around.of_masks
    return block


def of_model(model: Any) -> Block:
    """A functional model or a Sequential, whose graph is there."""
    plan = model._plan
    tensors = plan.input_tensors
    names = ["x"] if len(tensors) == 1 else [t.history[0].operation.name for t in tensors]
    return Block.of_plan(model, plan, names, {})


def of_layer(layer: Any, args: Any, kwargs: Any, for_training: bool = True) -> Block:
    """A layer, or a subclassed model, by what its `call` does with these symbolic arguments.

    for_training: whether it has to do the same in training.
    """
    signature = call_signature(type(layer))
    made: dict[int, KerasTensor] = {}

    def symbol(tensor: KerasTensor) -> KerasTensor:
        if id(tensor) not in made:
            made[id(tensor)] = Input(batch_shape=tensor.shape, dtype=tensor.dtype)
        return made[id(tensor)]

    args, kwargs = graph.map_tensors(symbol, (args, kwargs))
    plan, weights = _planned(layer, args, kwargs, made, training=False)
    if signature.has_training and for_training:
        other, _ = _planned(layer, args, kwargs, made, training=True)
        if [_what(n) for n in plan.nodes] != [_what(n) for n in other.nodes]:
            raise Refused("its call() does something else in training, by an `if` of its own")
    given = dict(zip(signature.names, args, strict=False)) | kwargs
    return Block.of_plan(layer, plan, _names_of(given, made, signature.masks), weights)


def _names_of(given: dict[str, Any], made: dict[int, KerasTensor], masks: Any) -> list[str]:
    """Names for the tensors `made`, after the arguments that they came in: "x" for one beside
    masks."""
    found: dict[int, str] = {}
    for name, value in given.items():
        if name in masks:  # one for several arguments
            found |= {id(t): "mask" for t in graph.flatten_tensors(value) if id(t) in found}
        tensors = [t for t in graph.flatten_tensors(value) if id(t) not in found]
        for i, tensor in enumerate(tensors):
            found[id(tensor)] = f"{name if name in masks else 'x'}{i}" if len(tensors) > 1 else name
    names = [found[id(t)] for t in made.values()]
    others = [n for n in names if n not in masks and n != "mask"]
    return ["x" if n == others[0] else n for n in names] if len(others) == 1 else names


def _what(node: Any) -> str:
    return str(getattr(node.operation, "function", node.operation.name))


def _planned(layer: Layer, args: Any, kwargs: Any, made: dict, training: bool) -> tuple[Plan, dict]:
    outputs, own = _called(layer, args, kwargs, training)
    try:
        plan = Plan([*made.values(), *own.values()], outputs, layer._who())
    except ValueError as error:
        raise Refused("its call() makes tensors that are not recorded") from error
    return plan, {id(tensor): variable for variable, tensor in own.items()}


def _called(layer: Layer, args: Any, kwargs: Any, training: bool) -> tuple[Any, dict]:
    """(outputs, {Variable: symbolic tensor in its place}) of `layer.call`, with all calls inside
    recorded."""
    own = {v: Input(batch_shape=v.shape, dtype=v.dtype) for v in _own_variables(layer)}
    extra = {"training": training} if call_signature(type(layer)).has_training else {}
    inside = call_context.entered(CallContext(training=training))
    try:
        with changed(tracer=None, stand_ins=None), inside, graph.resumed(), without_a_trace(layer):
            outputs = _on_symbols(layer, own).call(*args, **kwargs, **extra)
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise Refused(f"its call() cannot be recorded: {error}") from error
    return outputs, own


@contextmanager
def without_a_trace(layer: Layer) -> Iterator[None]:
    """Inside, calls of what `layer` holds are recorded; afterwards these layers know nothing of
    it."""
    known = [(part, len(part._inbound)) for part in layer._flatten_layers()]
    try:
        yield
    finally:
        for part, count in known:
            del part._inbound[count:]


def of_moments(wrapper: Any, tensor: KerasTensor) -> Block:
    """A TimeDistributed layer: what it holds, on all moments of all samples at once."""
    steps = tensor.shape[1]
    if steps is None:
        raise Refused("an open number of steps")
    x = Input(batch_shape=tensor.shape, dtype=tensor.dtype)
    with changed(tracer=None, stand_ins=None), graph.resumed(), without_a_trace(wrapper):
        y = wrapper.layer(ops.reshape(x, (-1, *tensor.shape[2:])))
        y = ops.reshape(y, (-1, steps, *y.shape[1:]))
    return Block.of_plan(wrapper, Plan(x, y, wrapper._who()), ["x"], {})


def _own_variables(layer: Layer) -> list[Any]:
    """Weights that the layer itself holds, not those of layers within it."""
    below = {id(v) for part in layer._flatten_layers() if part is not layer for v in part.weights}
    return [v for v in layer.weights if id(v) not in below]


def _on_symbols(layer: Layer, own: dict) -> Any:
    """A stand-in for `layer`, which has symbolic tensors where it has Variables of its own: what is
    made of a weight alone would be a constant otherwise."""
    twin = object.__new__(type(layer))
    symbols = {id(v): tensor for v, tensor in own.items()}
    for name, value in vars(layer).items():
        vars(twin)[name] = _replaced(value, symbols)
    return twin


def _replaced(value: Any, symbols: dict[int, Any]) -> Any:
    if id(value) in symbols:
        return symbols[id(value)]
    if isinstance(value, list | tuple) and any(id(x) in symbols for x in value):
        return [_replaced(x, symbols) for x in value]
    if isinstance(value, dict) and any(id(x) in symbols for x in value.values()):
        return {key: _replaced(x, symbols) for key, x in value.items()}
    return value
