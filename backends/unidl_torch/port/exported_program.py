"""Programs of torch.export: files that `torch.export.load` reads."""

from __future__ import annotations

import logging
from contextlib import contextmanager

import numpy as np
import torch

from unidl import tree
from unidl.backend import device
from unidl.port.errors import PortError
from unidl.port.exports.format import Format
from unidl.port.exports.tracing import Program
from unidl_torch.arrays import share
from unidl_torch.port.relay import TorchRelay, adapter
from unidl_torch.types import torch_dtype

WHO = "export to torch"
# torch takes an axis of size 0 or 1 in the example for one that always has that size. The sizes
# are different ones, so that it does not take two axes for one.
_FIRST_SIZE = 3


class ExportedProgram(Format):
    suffix = ".pt2"

    def write(self, endpoints, path):
        (endpoint,) = endpoints
        with device("cpu"), _quietly():
            torch.export.save(exported(endpoint), path)

    def runtime(self, path, endpoint):
        return _Loaded(path, endpoint)


@contextmanager
def _quietly():
    """Inside, torch does not say that it takes an empty list for one of tensors, which it is."""
    log = logging.getLogger("torch._export.serde.serialize")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def exported(endpoint):
    """The `torch.export.ExportedProgram` of an endpoint."""
    if not hasattr(torch.export.Dim, "DYNAMIC"):
        raise ImportError(
            f"{WHO} needs torch 2.6 or newer, this is {torch.__version__}. Install it with: pip "
            "install -U torch"
        )
    module = Module(Program(endpoint, TorchRelay, adapter(), WHO)).eval()
    signature = endpoint.signature
    sizes = {name: _FIRST_SIZE + i for i, name in enumerate(signature.axes)}
    examples = [
        torch.zeros([sizes.get(s, s) for s in i.shape], dtype=torch_dtype(i.dtype))
        for i in signature.inputs
    ]
    open_axes = [
        {a: torch.export.Dim.DYNAMIC for a, s in enumerate(i.shape) if isinstance(s, str)}
        for i in signature.inputs
    ]
    try:
        with torch.no_grad():
            return torch.export.export(
                module,
                tuple(signature.arguments(examples)),
                dynamic_shapes=(tuple(signature.arguments(open_axes)),),
                strict=False,
            )
    except PortError:
        raise
    except Exception as error:  # whatever torch raises
        raise PortError(endpoint.owner, [("", " ".join(str(error).split())[:500])]) from error


class Module(torch.nn.Module):
    """An endpoint, with its weights as parameters and buffers under their paths."""

    def __init__(self, program):
        super().__init__()
        self._program = [program]  # in a list, so that it is no part of the state
        self._places = [self._hold(v) for v in program.variables]

    def _hold(self, variable):
        """(module, name) of the new parameter or buffer of a Variable."""
        *folders, name = variable.path.split("/")
        module = self
        for folder in folders:
            folder = _identifier(folder)
            if folder not in module._modules:
                module.add_module(folder, torch.nn.Module())
            module = module._modules[folder]
        name = _free(_identifier(name), module)
        value = share(np.asarray(variable.own_numpy(), order="C")).to(torch_dtype(variable.dtype))
        if variable.trainable and value.is_floating_point():
            module.register_parameter(name, torch.nn.Parameter(value))
        else:
            module.register_buffer(name, value)
        return module, name

    def forward(self, *arguments):
        weights = [getattr(module, name) for module, name in self._places]
        return self._program[0](weights, tree.flatten(list(arguments)))


def _identifier(text):
    """`text` as torch takes it for a name: a dot would part it."""
    return text.replace(".", "_") or "_"


def _free(name, module):
    taken = {*module._parameters, *module._buffers, *module._modules}
    count, wanted = 1, name
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    return name


class _Loaded:
    """A file that was loaded."""

    def __init__(self, path, endpoint):
        self.name = f"torch {torch.__version__}"
        self._run = torch.export.load(path).module()
        self._signature = endpoint.signature

    def run(self, inputs):
        given = [
            share(x).to(torch_dtype(i.dtype))
            for x, i in zip(inputs, self._signature.inputs, strict=True)
        ]
        with torch.no_grad():
            outputs = self._run(*self._signature.arguments(given))
        found = tree.flatten(outputs)
        return [(y.float() if y.dtype is torch.bfloat16 else y).numpy() for y in found]
