"""Gradients by torch.autograd, with the variables as leaves only while the function runs."""

from __future__ import annotations

import torch

from unidl.backend import contract
from unidl.backend.variable import rebound


def detached(structure):
    """`structure` of tensors in lists, tuples and dicts, without their graphs."""
    if isinstance(structure, torch.Tensor):
        return structure.detach()
    if isinstance(structure, list | tuple):
        items = map(detached, structure)
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    if isinstance(structure, dict):
        return {key: detached(item) for key, item in structure.items()}
    return structure


def differentiate(function, arguments, variables, has_aux):
    """(value, gradients) of `function(*arguments)`, see `contract.Autodiff`."""
    assigned = []
    with torch.enable_grad():
        leaves = [variable._store.detach().requires_grad_() for variable in variables]
        with rebound(variables, leaves):
            result = function(*arguments)
            value = result[0] if has_aux else result
            for variable, leaf in zip(variables, leaves, strict=True):
                if variable._store is not leaf:
                    assigned.append((variable, variable._store))
        _check_scalar(value)
        if not value.requires_grad:
            gradients = [torch.zeros_like(leaf, requires_grad=False) for leaf in leaves]
        else:
            gradients = (
                list(torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True))
                if leaves
                else []
            )
    for variable, store in assigned:
        variable._store = store
    return detached(result), gradients


def _check_scalar(value):
    if not isinstance(value, torch.Tensor) or value.ndim:
        what = (
            f"a tensor of shape {tuple(value.shape)}"
            if isinstance(value, torch.Tensor)
            else f"a {type(value).__name__}"
        )
        raise ValueError(
            f"value_and_grad: the function returned {what}, but only a scalar tensor has one gradient for each variable. "
            "Reduce it first, for example: return unidl.ops.mean(loss)."
        )


class Autodiff(contract.Autodiff):
    def value_and_grad(self, fn, variables, has_aux=False):
        return differentiate(fn, (), variables, has_aux)
