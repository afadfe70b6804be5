"""From a live nn.Module to a functional model of unidl.

torch.fx runs the users' own `forward` on proxies; modules that have a Piece are not looked into, so
their insides (dynamic batches, training mode, fused kernels) do not matter.
"""

from __future__ import annotations

import inspect

from torch import fx, nn

from unidl import Input, Model
from unidl.port.errors import PortError, Refused
from unidl.port.imported import Imported
from unidl.port.laid import Laid
from unidl.port.layers import Constant
from unidl.port.proof import as_list, in_float64, on_the_reference, prove
from unidl.port.training import carried_over, freeze
from unidl.port.training_proof import prove_training
from unidl.port.weight_rules import Weight, same
from unidl.utils.naming import to_snake_case
from unidl_torch.port import attention, features, recurrent, simple, windows  # noqa: F401
from unidl_torch.port.functions import FUNCTIONS, METHODS
from unidl_torch.port.optimizers import TorchTraining, groups_of, state_of
from unidl_torch.port.original import TorchOriginal, tensors
from unidl_torch.port.pieces import MAKERS


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module, name):
        return type(module) in MAKERS or super().is_leaf_module(module, name)


def from_torch(
    module,
    example_inputs,
    verify=True,
    optimizer=None,
    scheduler=None,
    scheduler_steps=None,
):
    """A functional Model that computes what `module` does, with its weights; see
    `unidl.port.Imported` for what comes with it.

    Args:
        module: an nn.Module. It is not changed.
        example_inputs: a tensor, or a tuple of them, as `module` takes them. The first axis is the
            batch, whose size stays open.
        verify: compare outputs, gradients and some steps of training with `module`.
        optimizer: one of torch.optim over the module's parameters, in groups or not. The model is
            compiled with its counterpart, which has its state, so that training goes on:
            `found.model.compile(found.optimizer, loss)`.
        scheduler: one of torch.optim.lr_scheduler over `optimizer`.
        scheduler_steps: how many steps of the optimizer lie between two calls of the scheduler; by
            default what their counts tell, or 1.

    Raises:
        PortError: with every part that cannot be converted, and the reason.

    Examples:
        >>> import torch
        >>> module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU())
        >>> found = unidl.port.from_torch(module, torch.randn(2, 3, 8, 8))
        >>> found.proof.passed
        True
        >>> found.model.output_shape
        (None, 8, 6, 6)
        >>> adam = torch.optim.AdamW(module.parameters(), 0.01)
        >>> found = unidl.port.from_torch(module, torch.randn(2, 3, 8, 8), optimizer=adam)
        >>> found.model.compile(found.optimizer, "mse")
    """
    examples = as_list(example_inputs)
    name = type(module).__name__
    if optimizer is None and (scheduler is not None or scheduler_steps is not None):
        raise ValueError("from_torch: a scheduler needs its optimizer too. Give optimizer=.")
    found = _made(module, examples, name)
    trained = (module, optimizer, scheduler, scheduler_steps)
    if optimizer is not None:
        found.warnings += _carry_over(found, name, *trained)
        found._state_of_optimizer = lambda: state_of(
            module, optimizer, found.optimizer, found.weights
        )
        found.model.compile(found.optimizer)
    if verify:
        found.proof = _proved(module, examples, name, found.still)
        if optimizer is not None:
            _prove_optimizer(found.proof, examples, name, *trained)
    return found


def _carry_over(found, name, module, optimizer, scheduler, scheduler_steps):
    """Gives `found` its optimizer; warnings."""
    groups, steps, told = groups_of(module, optimizer, scheduler, scheduler_steps, name)
    found.optimizer, warnings = carried_over(name, found.model, found.weights, groups, steps)
    return [*told, *warnings]


def _prove_optimizer(proof, examples, name, module, optimizer, scheduler, scheduler_steps):
    original = TorchTraining(module, optimizer, scheduler, scheduler_steps)
    inputs = in_float64([x.detach().cpu().numpy() for x in examples])
    with on_the_reference():
        twin = _made(original.module, tensors(inputs), name)
        _carry_over(
            twin, name, original.module, original.optimizer, original.scheduler, scheduler_steps
        )
    prove_training(proof, original, twin.model, twin.weights, inputs, twin.optimizer)


def _made(module, examples, name):
    graph = _traced(module, name, len(examples))
    pieces = _pieces(module, graph, name)
    model, weights = _Builder(module, graph, pieces, examples, name).result
    arrays = {
        n: t.detach().cpu().numpy()
        for n, t in (*module.named_parameters(), *module.named_buffers())
    }
    for weight in weights:
        weight.bring_in(arrays)
    frozen = {n for n, p in module.named_parameters() if not p.requires_grad}
    still = [weight.variable for weight in weights if frozen.issuperset(weight.names)]
    warnings = [text for piece in pieces.values() for text in piece.warnings]
    warnings += [f"not trained, as in the original: {text}" for text in freeze(model, still)]
    return Imported(model, weights, warnings)


def _proved(module, examples, name, still):
    original = TorchOriginal(module, still)
    inputs = in_float64([x.detach().cpu().numpy() for x in examples])
    with on_the_reference():
        twin = _made(original.module, tensors(inputs), name)
    return prove(name, original, twin.model, twin.weights, inputs)


def _traced(module, name, count):
    hooks = [
        (path, "it has hooks, which would not run")
        for path, part in module.named_modules()
        if part._forward_hooks or part._forward_pre_hooks or part._backward_hooks
    ]
    if hooks:
        raise PortError(name, hooks)
    if type(module) in MAKERS:
        graph = fx.Graph()
        inputs = tuple(graph.placeholder(f"x{i}") for i in range(count))
        graph.output(graph.call_module("", inputs))
        return graph
    try:
        return _Tracer().trace(module)
    except (fx.proxy.TraceError, TypeError, RuntimeError) as error:
        raise PortError(name, [("", f"its forward cannot be recorded: {error}")]) from error


def _pieces(module, graph, name):
    """{path: Piece} of all modules that the graph calls; PortError with everything that has no
    counterpart."""
    found, refused = {}, []
    for node in graph.nodes:
        try:
            if node.op == "call_module" and node.target not in found:
                part = module.get_submodule(node.target)
                maker = MAKERS.get(type(part))
                if maker is None:
                    raise Refused(f"{type(part).__name__} has no counterpart")
                found[node.target] = maker(part, node.target or type(part).__name__.lower())
            elif node.op == "call_function" and node.target not in FUNCTIONS:
                raise Refused(f"it calls {_called(node.target)}, which has no counterpart")
            elif node.op == "call_method" and node.target not in METHODS:
                raise Refused(f"it calls the method {node.target}(), which has no counterpart")
        except Refused as error:
            place = node.target if node.op == "call_module" else node.name
            refused.append((place, str(error)))
    if refused:
        raise PortError(name, refused)
    return found


def _called(target):
    return f"{getattr(target, '__module__', '')}.{getattr(target, '__name__', target)}".lstrip(".")


class _Builder:
    """Goes through the graph with symbols of unidl."""

    def __init__(self, module, graph, pieces, examples, name):
        self._module, self._pieces, self._weights = module, pieces, []
        self._examples, self._inputs, self._constants = iter(examples), [], {}
        values, refused = {}, []
        for node in graph.nodes:
            if any(source not in values for source in node.all_input_nodes):
                continue  # it follows a refused one
            args, kwargs = fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
            try:
                values[node] = getattr(self, node.op)(node.target, *args, **kwargs)
            except Refused as error:
                place = node.target if node.op == "call_module" else node.name
                refused.append((place, str(error)))
        if refused:
            raise PortError(name, refused)
        structure = _first(values[node])
        inputs = self._inputs if len(self._inputs) > 1 else self._inputs[0]
        model = Model(inputs, structure, name=to_snake_case(name))
        for path, piece in pieces.items():
            prefix = f"{path}." if path else ""
            for names, variable, rule, block in piece.weights:
                full = tuple(prefix + n for n in names)
                self._weights.append(Weight(full, variable(), rule, block))
        self._weights += [
            Weight((path,), layer.value, same) for path, (layer, _) in self._constants.items()
        ]
        self.result = model, self._weights

    def placeholder(self, target, *default):
        example = next(self._examples, None)
        if example is None:
            if default:
                return default[0]
            raise Refused("there is no example for this input")
        dtype = str(example.dtype).removeprefix("torch.")
        symbol = Input(tuple(example.shape[1:]), dtype=dtype, name=target)
        self._inputs.append(symbol)
        return Laid(symbol)

    def output(self, target, structure):
        return structure

    def get_attr(self, target):
        if target not in self._constants:
            tensor = _attribute(self._module, target)
            dtype = str(tensor.dtype).removeprefix("torch.")
            layer = Constant(tuple(tensor.shape), dtype, name=target)
            layer.trainable = isinstance(tensor, nn.Parameter)
            self._constants[target] = layer, Laid(layer(self._inputs[0]))
        return self._constants[target][1]

    def call_module(self, target, *args, **kwargs):
        return _called_with(self._pieces[target].apply, args, kwargs)

    def call_function(self, target, *args, **kwargs):
        return _called_with(FUNCTIONS[target], args, kwargs)

    def call_method(self, target, *args, **kwargs):
        return _called_with(METHODS[target], args, kwargs)


def _called_with(function, args, kwargs):
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise Refused(f"it is called in a way that has no counterpart: {error}") from None
    return function(*args, **kwargs)


def _attribute(module, path):
    for part in path.split("."):
        module = getattr(module, part)
    return module


def _first(structure):
    """With each tensor in the original's order of axes."""
    if isinstance(structure, Laid):
        return structure.first()
    if isinstance(structure, dict):
        return {key: _first(x) for key, x in structure.items()}
    return [_first(x) for x in structure]
