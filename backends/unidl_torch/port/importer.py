"""From a live nn.Module to a functional model of unidl."""

from __future__ import annotations

import numpy as np

from unidl import Model
from unidl.port.errors import PortError
from unidl.port.imported import Imported
from unidl.port.laid import Laid
from unidl.port.proof import as_list, in_float64, on_the_reference, prove
from unidl.port.training import carried_over, freeze
from unidl.port.training_proof import prove_training
from unidl.port.twin import Twin, silence
from unidl.port.weight_rules import Weight, same
from unidl.utils.naming import to_snake_case
from unidl_torch.port import attention, features, recurrent, simple, windows  # noqa: F401
from unidl_torch.port.optimizers import TorchTraining, groups_of, state_of
from unidl_torch.port.original import TorchOriginal, tensors
from unidl_torch.port.recorder import Recorder


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
    found, _ = _made(module, examples, name)
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
        twin, _ = _made(original.module, tensors(inputs), name)
        silence(twin.model)
        _carry_over(
            twin, name, original.module, original.optimizer, original.scheduler, scheduler_steps
        )
    prove_training(proof, original, twin.model, twin.weights, inputs, twin.optimizer)


IN_SINGLE = 1e-6


def _made(module, examples, name):
    """(what is brought in, whether its forward keeps fewer digits than its inputs have)."""
    _require_no_hooks(module, name)
    recorder = Recorder(module, examples)
    structure = _recorded(recorder, name)
    pieces = recorder.pieces
    inputs = recorder.inputs if len(recorder.inputs) > 1 else recorder.inputs[0]
    model = Model(inputs, _first(structure), name=to_snake_case(name))
    weights = [
        Weight(tuple(f"{path}.{n}".strip(".") for n in names), variable(), rule, block)
        for path, piece in pieces.items()
        for names, variable, rule, block in piece.weights
    ]
    constants = recorder.constants.items()
    weights += [Weight((path,), layer.value, same) for path, (layer, _) in constants]
    held = {id(variable) for variable in model.variables}
    unused = [weight for weight in weights if id(weight.variable) not in held]
    weights = [weight for weight in weights if id(weight.variable) in held]
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
    warnings += [f"left out, since no output needs it: {n}" for w in unused for n in w.names]
    return Imported(model, weights, warnings), recorder.narrows


def _proved(module, examples, name, still):
    original = TorchOriginal(module, still)
    inputs = in_float64([x.detach().cpu().numpy() for x in examples])
    with on_the_reference():
        twin, narrows = _made(original.module, tensors(inputs), name)
        silence(twin.model)
    if narrows:
        original.budget = IN_SINGLE
        original.left_out.append("digits beyond float32, in which a part of its forward computes")
    another = _of_another_batch(name, original, twin.model, inputs)
    proof = prove(name, original, twin.model, twin.weights, inputs)
    for i, (found, wanted) in enumerate(another):
        proof.compare(f"output {i} of a larger batch", found, wanted)
    return proof


def _of_another_batch(name, original, model, inputs):
    """Outputs of both for one sample more: a size that was taken from the examples would show."""
    if len({x.shape[0] for x in inputs}) > 1:
        original.left_out.append("another batch, since the first axes of the inputs differ")
        return []
    more = [np.concatenate([x, x[:1]]) for x in inputs]
    try:
        wanted = original.outputs(more, training=False)
    except Exception as error:  # noqa: BLE001 - whatever a forward raises
        told = str(error).strip().split("\n")[0]
        original.left_out.append(f"another batch, which the original does not take: {told}")
        return []
    try:
        with on_the_reference():
            found = Twin(model, []).outputs(more, training=False)
    except ValueError as error:
        reason = f"it takes no other batch than that of the examples: {error}"
        raise PortError(name, [("", reason)]) from error
    return list(zip(found, wanted, strict=True))


def _require_no_hooks(module, name):
    hooks = [
        (path, "it has hooks, which would not run")
        for path, part in module.named_modules()
        if part._forward_hooks or part._forward_pre_hooks or part._backward_hooks
    ]
    if hooks:
        raise PortError(name, hooks)


def _recorded(recorder, name):
    try:
        structure = recorder.run()
    except Exception as error:  # whatever a forward raises
        told = f"its forward does not run on the example inputs: {type(error).__name__}: {error}"
        raise PortError(name, [*recorder.refused, ("", told)]) from error
    if recorder.refused:
        raise PortError(name, recorder.refused)
    return structure


def _first(structure):
    """With each tensor in the original's order of axes."""
    if isinstance(structure, Laid):
        return structure.first()
    if isinstance(structure, dict):
        return {key: _first(x) for key, x in structure.items()}
    return [_first(x) for x in structure]
