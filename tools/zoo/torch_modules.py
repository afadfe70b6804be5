"""torch's own modules over the configurations that torch tests them with."""

from __future__ import annotations

import functools

from tools.zoo.rows import Case, NotRun

TITLE = "torch.nn"
ABOUT = (
    "torch's list of its modules (`module_db`), each with the configurations that torch tests it "
    "with, but for empty inputs and those of which torch itself makes NaN; k of n have a "
    "counterpart here. Losses are no models."
)
FRAMEWORK = "torch"


@functools.cache
def _infos():
    from torch.testing._internal.common_modules import module_db

    infos = {info.name.removeprefix("nn."): info for info in module_db}
    return {n: info for n, info in infos.items() if "Loss" not in n and "Lazy" not in n}


def names():
    return list(_infos())


def make(name):
    import torch

    info = _infos()[name]
    torch.manual_seed(0)
    given = info.module_inputs_func(
        info, device="cpu", dtype=torch.float32, requires_grad=False, training=True
    )
    cases = []
    for one in given:
        module = info.module_cls(*one.constructor_input.args, **one.constructor_input.kwargs)
        called = one.forward_input
        kwargs = {k: v for k, v in called.kwargs.items() if v is not None}
        tensors, structure = torch.utils._pytree.tree_flatten((called.args, kwargs))
        if not all(isinstance(x, torch.Tensor) and x.numel() for x in tensors):
            continue
        is_plain = not kwargs and len(tensors) == len(called.args)
        model = module if is_plain else _with_inputs(module, structure)
        if not _gives_numbers(model.eval(), tensors):
            continue
        cases.append(Case(model, tuple(x.detach().numpy() for x in tensors), writes=False))
    if not cases:
        raise NotRun("it takes more than tensors, or torch's own example does not run in float32")
    return cases


def _gives_numbers(model, tensors):
    import torch

    try:
        with torch.no_grad():
            found = torch.utils._pytree.tree_leaves(model(*tensors))
    except RuntimeError:
        return False
    return not any(y.is_floating_point() and y.isnan().any() for y in found)


def _with_inputs(module, structure):
    """A module around `module`, whose call gives it tensors by keywords and in tuples."""
    import torch

    class Inputs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, *tensors):
            args, kwargs = torch.utils._pytree.tree_unflatten(tensors, structure)
            return self.module(*args, **kwargs)

    return Inputs()
