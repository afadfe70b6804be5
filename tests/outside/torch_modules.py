"""torch's own modules over the configurations that torch tests them with, beside what has their
meaning here.

A configuration that nothing here means raises `Unported` and stands in the list of exclusions.
"""

from __future__ import annotations

import functools
import zlib

import numpy as np

from tests.outside.exclusions import Result
from tests.outside.torch_ports import PORTS, Unported
from unidl import ops, use_backend, value_and_grad
from unidl.backend import Variable

SOURCE = "torch_modules"
BUDGET = 1e-12


@functools.cache
def cases():
    """(name, module class, configuration); the list is private to torch and made for the version
    that is pinned."""
    import torch
    from torch.testing._internal.common_modules import module_db

    found = []
    for info in module_db:
        torch.manual_seed(0)
        inputs = info.module_inputs_func(
            info, device="cpu", dtype=torch.float64, requires_grad=True, training=True
        )
        found += [
            (f"{info.name.removeprefix('nn.')}-{i}", info.module_cls, one)
            for i, one in enumerate(inputs)
        ]
    return found


def run(backend):
    """Every configuration on `backend`."""
    with use_backend(backend):
        return [result(case, backend) for case in cases()]


def result(case, backend):
    import torch

    name, cls, one = case
    if cls.__name__.removeprefix("Lazy") not in PORTS:
        return Result(name, backend, "there is no such layer or loss")
    torch.manual_seed(zlib.crc32(name.encode()))
    module = cls(*one.constructor_input.args, **one.constructor_input.kwargs).double()
    args, kwargs = one.forward_input.args, dict(one.forward_input.kwargs)
    args = (kwargs.pop("input"), *args) if "input" in kwargs else args
    try:
        # The first call of a lazy module makes its parameters and its class.
        outputs = module(*args, **kwargs)
        port = PORTS[type(module).__name__](module, args, kwargs)
        return Result(name, backend, error=_compare(module, port, args, outputs))
    except Unported as error:
        return Result(name, backend, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the report says
        return Result(
            name, backend, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        )


def _flat(values):
    """The tensors of nested tuples."""
    if isinstance(values, (tuple, list)):
        return [x for value in values for x in _flat(value)]
    return [] if values is None else [values]


def _compare(module, port, args, outputs):
    """The worst error of outputs and gradients. AssertionError above the budget."""
    import torch

    outputs = _flat(outputs)
    draw = np.random.default_rng(len(outputs))
    cotangents = [draw.normal(size=tuple(y.shape)) for y in outputs]
    parameters = dict(module.named_parameters())
    leaves = [x for x in _flat(args) if x.is_floating_point() and x.requires_grad]
    total = sum(
        (y * torch.from_numpy(np.asarray(c))).sum()
        for y, c in zip(outputs, cotangents, strict=True)
    )
    gradients = torch.autograd.grad(
        total, [*leaves, *parameters.values()], allow_unused=True, materialize_grads=True
    )
    theirs = [g.numpy() for g in gradients[: len(leaves)]]
    of_parameters = {
        name: g.numpy() for name, g in zip(parameters, gradients[len(leaves) :], strict=True)
    }

    watched = {id(x): Variable(x.detach().numpy(), dtype="float64") for x in leaves}

    def given(x):
        if isinstance(x, (tuple, list)):
            return tuple(given(one) for one in x)
        if x is None:
            return None
        return (
            watched[id(x)].value if id(x) in watched else ops.convert_to_tensor(x.detach().numpy())
        )

    port.build([given(x) for x in args])
    for variable, value, _ in port.weights:
        variable.assign(value)

    def loss():
        ys = _flat(port.call(*[given(x) for x in args]))
        terms = [ops.sum(ops.multiply(y, c)) for y, c in zip(ys, cotangents, strict=True)]
        return functools.reduce(ops.add, terms), ys

    (_, ys), found = value_and_grad(
        loss, [*watched.values(), *(w[0] for w in port.weights)], has_aux=True
    )
    wanted = theirs + [np.asarray(gradient(of_parameters)) for _, _, gradient in port.weights]
    error = max(
        _error(f"output {i}", y, t.detach().numpy(), 0.0)
        for i, (y, t) in enumerate(zip(ys, outputs, strict=True))
    )
    largest = max((np.abs(g).max(initial=0.0) for g in wanted), default=0.0)
    return max(
        [
            error,
            *(
                _error(f"gradient {i}", a, b, largest)
                for i, (a, b) in enumerate(zip(found, wanted, strict=True))
            ),
        ]
    )


def _error(what, ours, theirs, largest):
    """Relative to the largest of `theirs`; where these are zero but for rounding, to the `largest`
    of all gradients."""
    ours = ops.convert_to_numpy(ours)
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape} for {theirs.shape}"
    scale = np.abs(theirs).max(initial=0.0)
    scale = scale if scale > BUDGET * largest else largest
    error = float(np.abs(ours - theirs).max(initial=0.0) / (scale or 1.0))
    assert error <= BUDGET, f"{what}: {error:.1e}"
    return error
