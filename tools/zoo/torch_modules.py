"""torch's own modules over the configurations that torch tests them with."""

from __future__ import annotations

import functools

from tools.zoo.rows import Case, NotRun

TITLE = "torch.nn"
ABOUT = (
    "torch's list of its modules (`module_db`), each with the configurations that torch tests it "
    "with, but for empty inputs and inputs that are no tensors. Losses are no models."
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
        args, kwargs = one.forward_input.args, one.forward_input.kwargs
        args = (kwargs["input"], *args) if "input" in kwargs else args
        tensors = all(isinstance(x, torch.Tensor) and x.numel() for x in args)
        if tensors and not set(kwargs) - {"input"}:
            cases.append(Case(module.eval(), tuple(x.detach().numpy() for x in args), writes=False))
    if not cases:
        raise NotRun("it takes more than tensors, or keywords")
    return cases
