"""The file that holds a model as an nn.Module."""

from __future__ import annotations

import numpy as np

import unidl
from unidl.layers import GlobalAveragePooling1D, MultiHeadAttention
from unidl.port.proof import prove
from unidl.port.source.cells import RECURRENT
from unidl.port.source.layout import structure_text
from unidl.port.source.writer import Writer
from unidl.port.weight_rules import Weight
from unidl_torch.port.source import (  # noqa: F401  they fill the tables
    attention,
    normalization,
    recurrent,
    simple,
    windows,
)
from unidl_torch.port.source.functions import FUNCTIONS
from unidl_torch.port.source.helpers import HELPERS
from unidl_torch.port.source.rules import RULES

_HEAD = '''"""{name}, written by unidl {version}.

Needs torch and safetensors. `python {stem}.py` computes again what unidl computed: outputs and
gradients.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
'''

_TAIL = '''

def load(path=HERE / "{stem}.safetensors"):
    """The model with its weights, for inference."""
    model = {name}(){cast}
    model.load_state_dict(load_file(path))
    return model.eval()


def check():
    """The largest difference from unidl in float64, relative to the largest number."""
    torch.set_default_dtype(torch.float64)
    model, kept = load().double(), load_file(HERE / "{stem}_check.safetensors")
    count = sum(key.startswith("input") for key in kept)
    inputs = [kept[f"input{{i}}"] for i in range(count)]
    outputs = flat(model(*inputs))
    found = {{f"output{{i}}": y for i, y in enumerate(outputs)}}
    total = sum((y * kept[f"direction{{i}}"]).sum() for i, y in enumerate(outputs))
    weights = {{n: p for n, p in model.named_parameters() if f"gradient.{{n}}" in kept}}
    if weights:
        gradients = torch.autograd.grad(total, weights.values())
        found |= {{f"gradient.{{n}}": g for n, g in zip(weights, gradients)}}
    sizes = {{key: kept[key].abs().max().item() for key in found}}
    # Gradients that are 0 but for rounding are as good as the largest one lets them be.
    least = 1e-3 * max((s for key, s in sizes.items() if key.startswith("gradient")), default=0.0)
    return max(
        (value - kept[key]).abs().max().item() / max(sizes[key], least, 1e-300)
        for key, value in found.items()
    )


def flat(outputs):
    """The tensors in lists and dicts."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return [y for part in values for y in flat(part)]


if __name__ == "__main__":
    worst = check()
    print(f"{name}: the largest relative difference is {{worst:.1e}}")
    assert worst < 1e-6, "It does not compute what unidl computed."
'''


_CASTS = {"float16": ".half()", "float32": "", "float64": ".double()"}


class TorchWriter(Writer):
    rules, functions = RULES, FUNCTIONS
    keeps_states = True
    masked = (*RECURRENT, GlobalAveragePooling1D, MultiHeadAttention)
    needs, install = ("torch",), "pip install 'unidl-framework[torch]'"
    reserved = ("Path", "HERE", "F", "nn", "torch", "safetensors")
    taken_attributes = (
        "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init",
        "children", "compile", "cpu", "cuda", "double", "dump_patches", "eval", "exported",
        "extra_repr", "float", "forward", "get_buffer", "get_extra_state", "get_parameter",
        "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers",
        "named_children", "named_modules", "named_parameters", "parameters", "register_buffer",
        "register_module", "register_parameter", "requires_grad_", "set_extra_state",
        "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train", "training",
        "type", "xpu", "zero_grad",
    )  # fmt: skip
    largest_literal = 1

    def class_text(self, scope, name):
        lines = [f"class {name}(nn.Module):"]
        lines.append(f'    """{self.signature_text(scope)}"""')
        if scope.made:
            lines += ["", "    def __init__(self):", "        super().__init__()"]
            lines += [f"        {line}" for line in scope.made]
        lines += ["", f"    def forward(self, {', '.join(scope.arguments)}):"]
        lines += [f"        {line}" for line in scope.body]
        lines.append(f"        return {structure_text(scope.returned, brackets=False)}")
        return "\n".join(lines)

    def file_text(self, stem):
        parts = [_HEAD.format(name=self.root, version=unidl.__version__, stem=stem)]
        parts += [HELPERS[name].strip("\n") + "\n" for name in self.helpers]
        parts += [text + "\n" for text in self.texts]
        return "\n\n".join(parts) + _TAIL.format(name=self.root, stem=stem, cast=_CASTS[self.dtype])

    def weight(self, scope, name, variable):
        grad = "" if variable.trainable else ", requires_grad=False"
        return [f"self.{name} = nn.Parameter(torch.empty({_sizes(variable.shape)}){grad})"]

    def constant(self, scope, name, array):
        dtype = "" if array.dtype == np.float32 else f", dtype=torch.{array.dtype}"
        return [f'self.register_buffer("{name}", torch.empty({_sizes(array.shape)}{dtype}))']

    def small_constant(self, array):
        return f"torch.tensor({array.tolist()})" if array.ndim else repr(array.item())

    def child(self, scope, name, made, layer, after, is_once):
        lines = [f"self.{name} = {made}"]
        lines += [f"self.{name}.{each}" for each in after]
        if layer.weights and not layer.trainable:
            lines.append(f"self.{name}.requires_grad_(False)")
        return f"self.{name}", lines

    def children(self, name, kinds):
        if len(set(kinds)) == 1:
            return [f"self.{name} = nn.ModuleList({kinds[0]}() for _ in range({len(kinds)}))"]
        return [f"self.{name} = nn.ModuleList([{', '.join(f'{kind}()' for kind in kinds)}])"]

    def prove(self, source, twin, weights, inputs):
        import torch

        from unidl_torch.port.original import TorchOriginal

        module = self.defined(source)().double()
        module.load_state_dict({n: torch.tensor(x) for n, x in self.arrays()})
        still = {n for n, p in module.named_parameters() if not p.requires_grad}
        return prove(self.root, TorchOriginal(module, still), twin, weights, inputs)

    def native(self, found):
        import torch

        module = self.defined(found.source)()
        module.to(getattr(torch, self.dtype))
        places = dict(module.named_parameters()) | dict(module.named_buffers())
        copied = []
        for names, variable, rule in self.entries:
            held = _memory(variable)
            given = variable.numpy() if held is None else held
            for name, part in Weight(names, variable, rule).taken_out(given).items():
                shares = held is not None and np.shares_memory(part, held)
                if not shares or not part.flags.writeable:
                    copied.append(name)
                    part = part.copy()
                places[name].data = torch.from_numpy(part)
        if copied:
            found.warnings.append(f"copies, not shared with unidl's model: {', '.join(copied)}")
        module.exported = found
        return module.train()

    def moved(self, name, rank, first):
        around = range(2, rank)
        axes = (0, rank - 1, *range(1, rank - 1)) if first else (0, *around, 1)
        # Second in memory too: with channels last, a convolution with a window of one element and
        # strides writes beyond its memory.
        behind = ".contiguous()" if first else ""
        return f"{name}.permute({', '.join(map(str, axes))}){behind}"


def _memory(variable):
    """The numbers of a Variable where they lie, None if this process cannot see them."""
    value = getattr(variable, "value", variable)
    if isinstance(value, np.ndarray):
        return value
    is_here = type(value).__module__ == "torch" and value.device.type == "cpu"
    return value.detach().numpy() if is_here else None


def _sizes(shape):
    return ", ".join(map(str, shape)) if len(shape) else "()"
