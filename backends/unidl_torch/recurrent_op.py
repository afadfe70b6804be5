"""torch's recurrent kernels, each as one operation of a graph for torch.compile.

Left to itself, the compiler writes out all moments of a GRU or a SimpleRNN, for which a C++
compiler needs minutes, and fails on the kernel of an LSTM for the CPU: it takes its four results
for one tensor. What it cannot look into it has to call.
"""

from __future__ import annotations

from contextvars import ContextVar

import torch

from unidl.backend.context import holding

_recorded: ContextVar[bool] = ContextVar("unidl_torch_recorded", default=False)


def recurrences_as_operations():
    """While a graph for torch.compile is recorded."""
    return holding(_recorded, True)


def run(mode, x, states, weights):
    """(outputs (n, t, u), *last states) of torch's function `mode`; states have a leading axis,
    weights torch's layout and order."""
    if _recorded.get():
        return _Operation.apply(mode, x, len(states), *states, *weights)
    wanted = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *states, *weights))
    # While gradients are enabled the LSTM's kernel keeps its workspace, three times as slow,
    # whether anybody wants one or not.
    with torch.set_grad_enabled(wanted):
        return _kernel(mode, x, states, weights)


def _kernel(mode, x, states, weights):
    return getattr(torch, mode)(
        x,
        states if mode == "lstm" else states[0],
        weights,
        len(weights) > 2,
        1,
        0.0,
        True,
        False,
        True,
    )


def _fresh(tensors):
    """As an operation has to return them: contiguous, and none of them the same as another."""
    return [t.clone(memory_format=torch.contiguous_format) for t in tensors]


def _forward(mode, x, states, weights):
    return _fresh(_kernel(mode, x, states, weights))


def _backward(mode, x, states, weights, gradients):
    """Gradients for x, states and weights. The kernel runs again: how large a workspace it wants to
    keep, no graph can say."""
    leaves = [t.detach().requires_grad_() for t in (x, *states, *weights)]
    # Operations run below autograd while they are recorded; this one needs it.
    with (
        torch._C._SetExcludeDispatchKeyGuard(torch._C.DispatchKey.AutogradFunctionality, False),
        torch.enable_grad(),
    ):
        outputs = _kernel(mode, leaves[0], leaves[1 : 1 + len(states)], leaves[1 + len(states) :])
    return _fresh(torch.autograd.grad(outputs, leaves, gradients))


def _like_forward(mode, x, states, weights):
    return [
        x.new_empty((*x.shape[:2], states[0].shape[-1])),
        *(s.new_empty(s.shape) for s in states),
    ]


def _like_backward(mode, x, states, weights, gradients):
    return [t.new_empty(t.shape) for t in (x, *states, *weights)]


_library = torch.library.Library("unidl", "DEF")
for _name, _more, _run, _like in (
    ("recurrence", "", _forward, _like_forward),
    ("recurrence_gradients", ", Tensor[] gradients", _backward, _like_backward),
):
    _library.define(
        f"{_name}(str mode, Tensor x, Tensor[] states, Tensor[] weights{_more}) -> Tensor[]"
    )
    _library.impl(_name, _run, "CompositeExplicitAutograd")
    torch.library.register_fake(f"unidl::{_name}", _like, lib=_library)


class _Operation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, mode, x, count, *tensors):
        ctx.mode, ctx.count = mode, count
        ctx.save_for_backward(x, *tensors)
        return tuple(torch.ops.unidl.recurrence(mode, x, tensors[:count], tensors[count:]))

    @staticmethod
    def backward(ctx, *gradients):
        if torch.is_grad_enabled():
            raise NotImplementedError(
                f"jit_compile=True: torch's {ctx.mode} kernel is one operation of the compiled "
                "graph, which has a first derivative and "
                f"no second. Write compile(..., jit_compile=False), or unroll=True for the layer."
            )
        x, *tensors = ctx.saved_tensors
        made = torch.ops.unidl.recurrence_gradients(
            ctx.mode, x, tensors[: ctx.count], tensors[ctx.count :], gradients
        )
        return None, made[0], None, *made[1:]
