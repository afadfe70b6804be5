"""The file that holds a model as plain NumPy, for inference."""

from __future__ import annotations

import unidl
from unidl import ops, tree
from unidl.layers import GlobalAveragePooling1D
from unidl.port.proof import BUDGET, Proof, in_float64
from unidl.port.source.cells import RECURRENT
from unidl.port.source.layout import structure_text
from unidl.port.source.writer import Writer
from unidl.port.twin import one_or_all
from unidl_numpy.port.source.functions import FUNCTIONS
from unidl_numpy.port.source.helpers import HELPERS, NEEDS
from unidl_numpy.port.source.layers import RULES

_HEAD = '''"""{name}, written by unidl {version}.

Inference alone. Needs numpy and safetensors. `python {stem}.py` computes again what unidl computed.
"""

{math}from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).parent
'''

_TAIL = '''

def part(weights, name):
    """The weights of one part of the model."""
    return {{key[len(name) + 1 :]: w for key, w in weights.items() if key.startswith(f"{{name}}.")}}


def load(path=HERE / "{stem}.safetensors", dtype="{dtype}"):
    """The model with its weights."""
    weights = load_file(path)
    return {name}({{n: w.astype(dtype) if w.dtype.kind == "f" else w for n, w in weights.items()}})


def check():
    """The largest difference from unidl in float64, relative to the largest number."""
    kept = load_file(HERE / "{stem}_check.safetensors")
    count = sum(key.startswith("input") for key in kept)
    inputs = [kept[f"input{{i}}"] for i in range(count)]
    outputs = flat(load(dtype="float64")(*inputs))
    wanted = [kept[f"output{{i}}"] for i in range(len(outputs))]
    return max(np.abs(y - w).max() / max(np.abs(w).max(), 1e-300) for y, w in zip(outputs, wanted))


def flat(outputs):
    """The arrays in tuples and dicts."""
    if isinstance(outputs, np.ndarray):
        return [outputs]
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return [y for each in values for y in flat(each)]


if __name__ == "__main__":
    worst = check()
    print(f"{name}: the largest relative difference is {{worst:.1e}}")
    assert worst < 1e-6, "It does not compute what unidl computed."
'''


class NumpyWriter(Writer):
    rules, functions = RULES, FUNCTIONS
    masked = (*RECURRENT, GlobalAveragePooling1D)
    taken_attributes = ("weights", "exported")
    trains = False
    largest_literal = 1
    reserved = ("Path", "HERE", "np", "numpy", "math", "safetensors", "part", "flat")

    def class_text(self, scope, name):
        lines = [f"class {name}:", f'    """{self.signature_text(scope)}"""', ""]
        lines += ["    def __init__(self, weights):", "        self.weights = weights"]
        lines += [f"        {line}" for line in scope.made]
        lines += ["", f"    def __call__(self, {', '.join(scope.arguments)}):"]
        if any("w[" in line for line in scope.body) or "w[" in str(scope.returned):
            lines.append("        w = self.weights")
        lines += [f"        {line}" for line in scope.body]
        return "\n".join(
            [*lines, f"        return {structure_text(scope.returned, brackets=False)}"]
        )

    def file_text(self, stem):
        used = dict.fromkeys(name for each in self.helpers for name in _with_needs(each))
        texts = [HELPERS[name].strip("\n") + "\n" for name in used]
        math = "import math\n" if any("math." in text for text in texts) else ""
        parts = [_HEAD.format(name=self.root, version=unidl.__version__, stem=stem, math=math)]
        parts += [*texts, *(text + "\n" for text in self.texts)]
        return "\n\n".join(parts) + _TAIL.format(name=self.root, stem=stem, dtype=self.dtype)

    def weight(self, scope, name, variable):
        return []

    def constant(self, scope, name, array):
        return []

    def small_constant(self, array):
        text = f"np.array({array.tolist()}, {str(array.dtype)!r})"
        return text if array.ndim else repr(array.item())

    def child(self, scope, name, made, layer, after, is_once):
        if not made:  # its weights stand where they are used
            return name, []
        return f"self.{name}", [f'self.{name} = {made[:-1]}part(weights, "{name}"))']

    def children(self, name, kinds):
        if len(set(kinds)) == 1:
            made = f'{kinds[0]}(part(weights, f"{name}.{{i}}"))'
            return [f"self.{name} = [{made} for i in range({len(kinds)})]"]
        made = ", ".join(f'{kind}(part(weights, "{name}.{i}"))' for i, kind in enumerate(kinds))
        return [f"self.{name} = [{made}]"]

    def held(self, scope, name):
        return f'w["{name}"]'

    def moved(self, name, rank, first):
        raise AssertionError("the channels are last everywhere")

    def prove(self, source, twin, weights, inputs):
        proof = Proof(self.root, BUDGET, left_out=["gradients: plain NumPy has none"])
        names, arrays = zip(*self.arrays(), strict=True) if self.entries else ((), ())
        model = self.defined(source)(dict(zip(names, in_float64(arrays), strict=True)))
        outputs = tree.flatten(twin(one_or_all(inputs), training=False))
        for i, (y, wanted) in enumerate(zip(tree.flatten(model(*inputs)), outputs, strict=True)):
            what = f"outputs {i}" if len(outputs) > 1 else "outputs"
            proof.compare(what, y, ops.convert_to_numpy(wanted))
        return proof

    def native(self, found):
        model = self.defined(found.source)({n: w.copy() for n, w in self.arrays()})
        model.exported = found
        return model


def _with_needs(name):
    for other in NEEDS.get(name, ()):
        yield from _with_needs(other)
    yield name
