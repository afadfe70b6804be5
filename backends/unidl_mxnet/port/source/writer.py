"""The file that holds a model as a HybridBlock."""

from __future__ import annotations

import re

import numpy as np

import unidl
from unidl import tree
from unidl.backend.dtypes import is_float
from unidl.layers import GlobalAveragePooling1D, Layer, MultiHeadAttention
from unidl.port.errors import Refused
from unidl.port.proof import prove
from unidl.port.source.cells import RECURRENT
from unidl.port.source.layout import structure_text
from unidl.port.source.writer import Writer
from unidl.port.weight_rules import between, same
from unidl.tracing import graph
from unidl_mxnet.files.params import write_into
from unidl_mxnet.port.source import (  # noqa: F401
    attention,
    normalization,
    products,
    recurrent,
    shaping,
    simple,
    windows,
)
from unidl_mxnet.port.source.functions import COMPARISONS, FUNCTIONS, TAKE_INTEGERS
from unidl_mxnet.port.source.helpers import HELPERS, NEEDS
from unidl_mxnet.port.source.rules import RULES

_HEAD = '''"""{name}, written by unidl {version}.

Needs mxnet 1.9. `python {stem}.py` computes again what unidl computed: outputs and gradients.
"""

from pathlib import Path

import numpy as np

if "bool" not in vars(np):
    np.bool = bool  # MXNet asks for it, and NumPy 1.24 took it away

import mxnet as mx
from mxnet import autograd, gluon
{imports}
HERE = Path(__file__).parent
'''

_TAIL = '''

def load(path=HERE / "{stem}.params"):
    """The model with its weights."""
    net = {name}(){cast}
    net.initialize()
    net.load_parameters(str(path))
    return net


def check():
    """The largest difference from unidl in float64, relative to the largest number."""
    net, kept = load(), mx.nd.load(str(HERE / "{stem}_check.params"))
    net.cast("float64")
    count = sum(key.startswith("input") for key in kept)
    with autograd.record(train_mode=False):
        outputs = net(*(kept[f"input{{i}}"] for i in range(count)))
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        found = {{f"output{{i}}": y.astype("float64") for i, y in enumerate(outputs)}}
        directions = [kept[f"direction{{i}}"] for i in range(len(outputs))]
        total = sum((y * d).sum() for y, d in zip(found.values(), directions))
    parameters = net._collect_params_with_prefix()  # by the names in the file of weights
    weights = {{n: p for n, p in parameters.items() if f"gradient.{{n}}" in kept}}
    if weights:
        total.backward(train_mode=False)
        found.update((f"gradient.{{n}}", p.grad()) for n, p in weights.items())
    sizes = {{key: largest(kept[key]) for key in found}}
    # Gradients that are 0 but for rounding are as good as the largest one lets them be.
    least = 1e-3 * max((s for key, s in sizes.items() if key.startswith("gradient")), default=0.0)
    return max(
        largest(value - kept[key].astype("float64")) / max(sizes[key], least, 1e-300)
        for key, value in found.items()
    )


def largest(array):
    return float(np.abs(array.asnumpy()).max())


if __name__ == "__main__":
    worst = check()
    print(f"{name}: the largest relative difference is {{worst:.1e}}")
    assert worst < 1e-6, "It does not compute what unidl computed."
'''


_EXACT = 2**24  # integers up to here are floats without loss


class GluonWriter(Writer):
    rules, functions = RULES, FUNCTIONS
    masked = (*RECURRENT, GlobalAveragePooling1D, MultiHeadAttention)
    reserved = (
        "Path", "HERE", "F", "autograd", "gluon", "mx", "mxnet", "nn", "np", "numpy", "rnn"
    )  # fmt: skip
    taken_attributes = (
        "apply", "cast", "collect_params", "export", "exported", "forward", "hybrid_forward",
        "hybridize", "infer_shape", "infer_type", "initialize", "load", "load_parameters",
        "load_params", "name", "name_scope", "optimize_for", "params", "prefix",
        "register_child", "register_forward_hook", "register_forward_pre_hook",
        "register_op_hook", "save", "save_parameters", "save_params", "summary",
        "y", "z",
    )  # fmt: skip
    suffix = ".params"
    gives_weights = True
    _call = None  # which is being written

    def __init__(self, model):
        self._made_floats = set()  # (scope, tensor) of integers that have become floats there
        self._float_masks = set()  # tensors that are masks and floats
        super().__init__(model)

    def class_text(self, scope, name):
        lines = [f"class {name}(gluon.HybridBlock):"]
        lines.append(f'    """{self.signature_text(scope)}"""')
        if scope.made:
            lines += ["", "    def __init__(self, **kwargs):"]
            lines += ["        super().__init__(**kwargs)", "        with self.name_scope():"]
            lines += [f"            {line}" for line in scope.made]
        given = ", ".join(["self", "F", *scope.arguments, *scope.given])
        lines += ["", f"    def hybrid_forward({given}):"]
        lines += [f"        {line}" for line in scope.body]
        lines.append(f"        return {structure_text(self._returned(scope), brackets=False)}")
        return "\n".join(lines)

    def _returned(self, scope):
        """Blocks return lists alone, and MXNet's arrays have axes."""
        if any(t.shape == () for t in graph.flatten_tensors(scope.block.outputs)):
            self.refused.append((scope.path, "it returns a number without axes: MXNet has none"))
        same = {n: f"F.identity({n})" for n in _handed_on(scope)}
        if isinstance(scope.returned, str):
            return same.get(scope.returned, scope.returned)
        # Within the model by the order of its graph, and outside by that of unidl's own structures.
        if not scope.path and isinstance(scope.returned, dict):
            keys = map(str, tree.flatten({key: key for key in scope.returned}))
            self.warn(f"outputs come as a list, in this order: {', '.join(keys)}")
        names = _leaves(scope.returned) if scope.path else tree.flatten(scope.returned)
        return [same.get(name, name) for name in names]

    def file_text(self, stem):
        used = dict.fromkeys(n for each in self.helpers for n in (*NEEDS.get(each, ()), each))
        texts = [*(HELPERS[name].strip("\n") for name in used), *self.texts]
        modules = [m for m in ("nn", "rnn") if re.search(rf"\b{m}\.", "".join(texts))]
        imports = f"from mxnet.gluon import {', '.join(modules)}\n" if modules else ""
        head = _HEAD.format(name=self.root, version=unidl.__version__, stem=stem, imports=imports)
        parts = [head, *(f"{text}\n" for text in texts)]
        cast = "" if self.dtype == "float32" else f'\n    net.cast("{self.dtype}")'
        return "\n\n".join(parts) + _TAIL.format(name=self.root, stem=stem, cast=cast)

    def expression(self, call):
        before, self._call = self._call, call
        self._make_floats(call)
        text = super().expression(call)
        self._call = before
        output = call.outputs[0]
        is_mask = any(output is t for t in call.scope.block.of_masks)
        if not is_mask or isinstance(call.layer, Layer):
            return text
        is_made = _is_of_floats(output) or all(id(t) in self._float_masks for t in call.node.inputs)
        self._float_masks.add(id(output))
        return text if is_made else f"{_floats(call)}({text})"

    def hand_on(self, masks):
        self._float_masks.update(
            key for key, mask in masks.items() if id(mask) in self._float_masks
        )

    def _make_floats(self, call):
        """Integers become floats where they meet them: MXNet has no promotion of dtypes."""
        operation = call.layer
        if _takes_integers(call) or not all(is_float(t.dtype) for t in call.outputs):
            return
        if type(operation) not in self.rules and hasattr(operation, "weights"):
            return  # a class of its own, which sees to it
        for tensor in call.node.inputs:
            key = id(call.scope), id(tensor)
            if key in self._made_floats or id(tensor) in self._float_masks:
                continue
            if not _is_of_floats(tensor) and id(tensor) not in call.scope.block.weights:
                self._made_floats.add(key)
                call.scope.rebind(tensor, f"{_floats(call)}({{}})")

    def write(self, file, arrays):
        write_into(file, dict(arrays))

    def weight(self, scope, name, variable):
        grad = "" if variable.trainable else ', grad_req="null"'
        return [f'self.{name} = self.params.get("{name}", shape={_sizes(variable.shape)}{grad})']

    def held(self, scope, name):
        return name

    def own_rule(self, variable):
        return same if variable.shape else between((), (1,))

    def constant(self, scope, name, array):
        given = f'"{name}", shape={_sizes(array.shape)}, grad_req="null"'
        if array.dtype.kind in "iu":
            if np.abs(array).max(initial=0) > _EXACT:
                raise Refused("a constant of integers beyond those that float32 has")
            # A block has parameters of one dtype, and integers only meet integers.
            integers = [t for t in self._call.node.inputs if not _is_of_floats(t)]
            if integers or _takes_integers(self._call):
                dtype = integers[0].dtype if integers else array.dtype
                scope.body.append(f'{name} = F.cast({name}, dtype="{dtype}")')
        return [f"self.{name} = self.params.get({given})"]

    def is_literal(self, array):
        return array.ndim == 0

    def small_constant(self, array):
        return repr(array.item())

    def child(self, scope, name, made, layer, after, is_once):
        lines = [f"self.{name} = {made}"]
        lines += [f"self.{name}.{each}" for each in after]
        if getattr(layer, "weights", ()) and not layer.trainable:
            lines.append(f'self.{name}.collect_params().setattr("grad_req", "null")')
        return f"self.{name}", lines

    def children(self, name, kinds):
        lines = [f"self.{name} = nn.HybridSequential()"]
        if len(set(kinds)) == 1:
            lines.append(f"for _ in range({len(kinds)}):")
            return [*lines, f"    self.{name}.add({kinds[0]}())"]
        return [*lines, f"self.{name}.add({', '.join(f'{kind}()' for kind in kinds)})"]

    def loop(self, children, given):
        if len(given) > 1:
            return super().loop(children, given)
        return [f"{given[0]} = {children}({given[0]})"]

    def moved(self, name, rank, first):
        axes = (0, rank - 1, *range(1, rank - 1)) if first else (0, *range(2, rank), 1)
        return f"F.transpose({name}, axes={axes})"

    def kept(self, array):
        """Beside weights, and with axes."""
        return array.astype(self.dtype).reshape(array.shape or (1,))

    def prove(self, source, twin, weights, inputs):
        from unidl_mxnet.port.source.original import GluonOriginal

        block = self.filled(source, dict(self.arrays()), "float64")
        return prove(self.root, GluonOriginal(block, weights, inputs), twin, weights, inputs)

    def native(self, found):
        block = self.filled(found.source, dict(self.arrays()), self.dtype)
        found.warnings.append("copies, not shared with unidl's model: all weights")
        block.exported = found
        return block

    def filled(self, source, arrays, dtype):
        """The block that a written file makes, with these numbers."""
        block = self.defined(source)()
        block.cast(dtype)
        block.initialize()
        for name, parameter in block._collect_params_with_prefix().items():
            parameter.set_data(arrays[name])
        return block

    def defined(self, source):
        from unidl_mxnet.load import load_mxnet

        load_mxnet()
        had = "bool" in vars(np)
        try:
            return super().defined(source)
        finally:
            if not had:
                vars(np).pop("bool", None)


def _floats(call):
    """What makes floats of integers in the class."""
    return call.scope.single("floats", f"{call.helper('Floats')}()")


def _takes_integers(call):
    operation = call.layer
    name = getattr(getattr(operation, "function", None), "__name__", type(operation))
    return name in TAKE_INTEGERS


def _handed_on(scope):
    """Names that hold an input as it came: a graph of MXNet cannot return it."""
    found = {*scope.arguments}
    for line in scope.body:
        names, _, made = line.partition(" = ")
        is_same = made.partition("  #")[0] in found
        for name in names.split(", "):
            found.add(name) if is_same else found.discard(name)
    return found


def _leaves(structure):
    """What is in lists and dicts, in the order in which it stands there."""
    if isinstance(structure, dict):
        structure = [*structure.values()]
    if not isinstance(structure, list | tuple):
        return [structure]
    return [leaf for each in structure for leaf in _leaves(each)]


def _is_of_floats(tensor):
    """Whether it is floats in MXNet, where those are also what comparisons of floats give."""
    if is_float(tensor.dtype):
        return True
    node = tensor.history[0] if tensor.history else None
    function = getattr(getattr(node, "operation", None), "function", None)
    is_comparison = tensor.dtype == "bool" and getattr(function, "__name__", "") in COMPARISONS
    return is_comparison and all(map(_is_of_floats, node.inputs))


def _sizes(shape):
    return tuple(int(n) for n in shape) or (1,)
