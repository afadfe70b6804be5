"""A module of torch as the proof asks it."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from unidl import tree
from unidl.port.proof import BUDGET
from unidl_torch.port.recorder import as_structure


class _Still(TorchFunctionMode):
    """Nothing random: what drops and what makes noise in a forward leaves things as they are."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in _DROPOUTS:
            return args[0] if args else kwargs["input"]
        if func is torch.randn_like:
            return torch.zeros_like(args[0])
        if func is torch.Tensor.bernoulli_:  # kept with this probability, and divided by it
            return args[0].fill_(args[1] if len(args) > 1 else kwargs.get("p", 0.5))
        if func is F.scaled_dot_product_attention:
            if len(args) > 4:
                args = (*args[:4], 0.0, *args[5:])
            else:
                kwargs["dropout_p"] = 0.0
        return func(*args, **kwargs)


_DROPOUTS = {
    F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout,
    torch.dropout,
}  # fmt: skip


class TorchOriginal:
    """A copy of `module` in float64, without dropout.

    Args:
        still: names of parameters that are not trained: they have no counterpart of their own.
    """

    def __init__(self, module, still):
        self.budget, self.left_out = BUDGET, []
        if any(name.endswith("running_var") for name, _ in module.named_buffers()):
            self.left_out.append("moving variances, which torch multiplies by n / (n - 1)")
        self.module = copy.deepcopy(module).double()
        for part in self.module.modules():
            if isinstance(part, torch.nn.modules.dropout._DropoutNd):
                part.p = 0.0
            elif isinstance(part, torch.nn.RNNBase | torch.nn.MultiheadAttention):
                part.dropout = 0.0
            elif isinstance(part, torch.nn.Hardsigmoid):
                # The gradient of its kernel has 1/6 in float32, 3e-8 off.
                part.forward = lambda x: torch.nn.functional.relu6(x + 3) / 6
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(parameter.requires_grad and name not in still)

    def _parameters(self):
        return {n: p for n, p in self.module.named_parameters() if p.requires_grad}

    def outputs(self, inputs, training):
        state = copy.deepcopy(self.module.state_dict())
        with torch.no_grad():
            found = [y.numpy().copy() for y in self._run(tensors(inputs), training)]
        self.module.load_state_dict(state)  # normalization keeps averages, recurrence states
        return found

    def _run(self, given, training):
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)  # what integers become next to numbers
        try:
            with _Still():
                return tree.flatten(as_structure(self.module.train(training)(*given)))
        finally:
            torch.set_default_dtype(before)

    def gradients(self, inputs, directions):
        given = tensors(inputs)
        floats = [x.requires_grad_() for x in given if x.is_floating_point()]
        outputs = self._run(given, True)
        parameters = self._parameters()
        total = sum((y * d).sum() for y, d in zip(outputs, tensors(directions), strict=True))
        wanted = [*parameters.values(), *floats]
        found = torch.autograd.grad(total, wanted, allow_unused=True, materialize_grads=True)
        arrays = [g.numpy() for g in found]
        of_floats = iter(arrays[len(parameters) :])
        of_inputs = [next(of_floats) if x.is_floating_point() else None for x in given]
        return dict(zip(parameters, arrays, strict=False)), of_inputs

    def descend(self, gradients, rate):
        with torch.no_grad():
            for name, parameter in self._parameters().items():
                parameter -= rate * torch.from_numpy(gradients[name])

    def state(self):
        skipped = ("running_var", "num_batches_tracked")
        return {
            name: value.numpy()
            for name, value in self.module.state_dict().items()
            if name.rpartition(".")[2] not in skipped
        }


def tensors(arrays):
    return [torch.from_numpy(x.copy()) for x in arrays]
