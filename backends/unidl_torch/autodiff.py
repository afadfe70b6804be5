"""Gradients by torch.autograd, with leaves that stand in for the variables while the function
runs."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

import torch

from unidl.backend import contract
from unidl.backend.context import holding
from unidl.backend.frame import standing_in
from unidl.backend.variable import commit, stores_of
from unidl_torch.recomputed import recomputed


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


# Whether the code that runs is a part of a function of which gradients are taken.
_inside: ContextVar[bool] = ContextVar("unidl_torch_inside", default=False)


def leaves_of(values):
    """Tensors to differentiate for. One for which somebody around differentiates stays what it is,
    so that he may go on through the gradients."""
    return [v if v.requires_grad else v.detach().requires_grad_() for v in values]


@contextmanager
def differentiating():
    """`with differentiating() as again:` runs a function of which gradients are taken; `again` says
    whether they are differentiated in turn."""
    again = _inside.get()
    with holding(_inside, True), torch.enable_grad():
        yield again


def gradients_of(value, leaves, again=False):
    """Gradients of the scalar `value` for the tensors `leaves`, to be differentiated `again` or
    not."""
    if not isinstance(value, torch.Tensor) or value.ndim:
        what = (
            f"a tensor of shape {tuple(value.shape)}"
            if isinstance(value, torch.Tensor)
            else f"a {type(value).__name__}"
        )
        raise ValueError(
            f"value_and_grad: the function returned {what}, but only a scalar tensor has one "
            "gradient "
            "for each variable. Reduce it first, for example: return unidl.ops.mean(loss)."
        )
    if not leaves:
        return []
    if not value.requires_grad:
        return [torch.zeros_like(leaf, requires_grad=False) for leaf in leaves]
    return list(
        torch.autograd.grad(
            value, leaves, create_graph=again, allow_unused=True, materialize_grads=True
        )
    )


def differentiate(function, arguments, variables, has_aux):
    """(value, gradients) of `function(*arguments)`, see `contract.Autodiff`."""
    with differentiating() as again:
        leaves = leaves_of(stores_of(variables))
        with standing_in(variables, leaves) as stand_ins:
            result = function(*arguments)
        gradients = gradients_of(result[0] if has_aux else result, leaves, again)
    commit(*stand_ins.assigned())
    return (result if again else detached(result)), gradients


class Autodiff(contract.Autodiff):
    def value_and_grad(self, fn, variables, has_aux=False):
        return differentiate(fn, (), variables, has_aux)

    def remat(self, function, tensors):
        return recomputed(function, tensors)
