"""The file that holds a model as a functional model of Keras."""

from __future__ import annotations

import re

import numpy as np

import unidl
from unidl import layers
from unidl.layers import Layer
from unidl.port.errors import Refused
from unidl.port.proof import prove
from unidl.port.source.layout import structure_text
from unidl.port.source.writer import Writer
from unidl.port.weight_rules import same
from unidl_keras.source.calls import constructor, function_text, label_of
from unidl_keras.source.depthwise import as_depthwise

_SHORT = 8  # numbers that are written out whatever their shape

# An array of a functional model, which has no place but in layers for what lies in its file.
_FIXED = '''\
class Fixed(layers.Layer):
    """An array that does not change, whatever the layer is called on."""

    def __init__(self, shape, of=None, **kwargs):
        super().__init__(**kwargs)
        self.array = self.add_weight(shape=shape, dtype=of, initializer="zeros", trainable=False)

    def call(self, x):
        return ops.convert_to_tensor(self.array)
'''

_HEAD = '''"""{name}, written by unidl {version}.

Needs keras, on any of its backends, and safetensors. `python {stem}.py` computes again what unidl
computed.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from safetensors.numpy import load_file

HERE = Path(__file__).parent
'''

_TAIL = '''

def named(model, path=""):
    """{{name in the file: weight}}."""
    found = {{}}
    for part in model.layers:
        if isinstance(part, keras.Model):
            found |= named(part, f"{{path}}{{part.name}}.")
        else:
            found |= {{f"{{path}}{{part.name}}.{{i}}": v for i, v in enumerate(part.weights)}}
    return found


def load(path=HERE / "{stem}.safetensors"):
    """The model with its weights."""
    model = {root}()
    weights = named(model)
    for name, value in load_file(path).items():
        weights[name].assign(value)
{adapted}    return model


def check():
    """The largest difference from unidl in float64, relative to the largest number."""
{wide}    model, kept = load(), load_file(HERE / "{stem}_check.safetensors")
    count = sum(key.startswith("input") for key in kept)
    inputs = [kept[f"input{{i}}"] for i in range(count)]
    outputs = keras.tree.flatten(model(inputs[0] if len(inputs) == 1 else inputs))
    found = {{f"output{{i}}": ops.convert_to_numpy(y) for i, y in enumerate(outputs)}}
    found |= gradients(model, inputs, kept)
    sizes = {{key: np.abs(kept[key]).max() for key in found}}
    # Gradients that are 0 but for rounding are as good as the largest one lets them be.
    least = 1e-3 * max((s for key, s in sizes.items() if key.startswith("gradient")), default=0.0)
    return max(
        np.abs(value - kept[key]).max() / max(sizes[key], least, 1e-300)
        for key, value in found.items()
    )


def gradients(model, inputs, kept):
    """Of the sum of outputs * directions for each weight, where Keras' backend has a tape."""
    weights = {{n: v for n, v in named(model).items() if f"gradient.{{n}}" in kept}}
    values = [v.value for v in weights.values()]
    if not values:
        return {{}}

    def total():
        outputs = keras.tree.flatten(model(inputs[0] if len(inputs) == 1 else inputs))
        outputs = [ops.cast(y, "float64") for y in outputs]
        directions = [ops.convert_to_tensor(kept[f"direction{{i}}"]) for i in range(len(outputs))]
        return sum(ops.sum(y * d) for y, d in zip(outputs, directions))

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = total()
        found = [tf.convert_to_tensor(g) for g in tape.gradient(loss, values)]
    elif keras.backend.backend() == "torch":
        total().backward()
        found = [v.grad for v in values]
    else:
        return {{}}
    return {{f"gradient.{{n}}": ops.convert_to_numpy(g) for n, g in zip(weights, found)}}


if __name__ == "__main__":
    worst = check()
    print(f"{name}: the largest relative difference is {{worst:.1e}}")
    assert worst < {budget}, "It does not compute what unidl computed."
'''


_WIDE = """\
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
"""

_ADAPTED = """\
    for part in model.layers:
        if isinstance(part, layers.Normalization):
            part.finalize_state()  # it computes with what it keeps
"""


class KerasWriter(Writer):
    needs, install = ("keras",), "pip install 'unidl-framework[tensorflow]'"
    reserved = ("Path", "HERE", "Fixed", "keras", "np", "numpy", "layers", "ops", "safetensors")
    short_names = ("x", "y", "z")
    takes_masks = True
    largest_literal = 64
    unwraps = False

    def __init__(self, model):
        self._functions = set()  # of functional models, which Keras names by itself
        self._labels = {}
        super().__init__(model)

    def parts(self, block):
        if _is_function(block):
            called = (node.operation for node in block.nodes)
            self._functions |= {f.function.__name__ for f in called if not isinstance(f, Layer)}
        return block.nodes  # a functional model names each of its layers

    def label(self, operation):
        """The name of a layer, which none may have that Keras gives to a function: "add_1"."""
        if id(operation) not in self._labels:
            label = label_of(operation)
            is_taken = re.sub(r"_\d+$", "", label) in self._functions
            self._labels[id(operation)] = f"{label}_layer" if is_taken else label
        return self._labels[id(operation)]

    def argument_names(self, block):
        names = super().argument_names(block)
        return ["inputs"] if names == ["x"] and _is_function(block) else names

    def keeps_inputs(self, block):
        return _is_function(block)

    def shares_names(self, block):
        return _is_function(block)

    def expression(self, call):
        operation = call.layer
        if not isinstance(operation, Layer):
            name = operation.function.__name__
            return function_text(call, name, call.node.args, call.node.kwargs)
        if getattr(operation, "_plan", None) is not None or not is_of_keras(operation):
            return self.nested(call)
        made, rule = as_depthwise(operation) or (operation, same)
        rules = {id(getattr(operation, "kernel", None)): rule}
        weights = [(str(i), v, rules.get(id(v), same)) for i, v in enumerate(operation.weights)]
        # Parts of a layer are called as its attributes are.
        label = self.label(operation) if _is_function(call.scope.block) else None
        me = call.child(constructor(made, label), *weights)
        kwargs = {k: v for k, v in call.node.kwargs.items() if v is not None and v is not False}
        given = [*map(call.text, call.node.args)]
        return f"{me}({', '.join([*given, *(f'{k}={call.text(v)}' for k, v in kwargs.items())])})"

    def class_text(self, scope, name):
        if not _is_function(scope.block):
            return self._layer_text(scope, name)
        lines = [f"def {name}():", f'    """{self.signature_text(scope)}"""']
        for tensor, argument in zip(scope.block.inputs, scope.arguments, strict=True):
            dtype = "" if tensor.dtype in ("float32", "float64") else f", dtype={tensor.dtype!r}"
            label = self.label(tensor.history[0].operation)
            name_ = "" if label.startswith("input_layer") else f", name={label!r}"
            lines.append(f"    {argument} = keras.Input({tuple(tensor.shape[1:])}{dtype}{name_})")
        lines += [f"    {line}" for line in (*scope.made, *scope.body)]
        names = ", ".join(scope.arguments)
        inputs = names if len(scope.arguments) == 1 else f"[{names}]"
        outputs, model = structure_text(scope.returned, brackets=True), scope.block.owner.name
        lines.append(f"    return keras.Model({inputs}, {outputs}, name={model!r})")
        return "\n".join(lines)

    def _layer_text(self, scope, name):
        lines = [f"class {name}(layers.Layer):", f'    """{self.signature_text(scope)}"""', ""]
        lines += ["    def __init__(self, **kwargs):", "        super().__init__(**kwargs)"]
        lines += [f"        {line}" for line in scope.made]
        lines += ["", f"    def call(self, {', '.join(scope.arguments)}):"]
        lines += [f"        {line}" for line in scope.body]
        return "\n".join(
            [*lines, f"        return {structure_text(scope.returned, brackets=True)}"]
        )

    def file_text(self, stem):
        parts = [_HEAD.format(name=self.root, version=unidl.__version__, stem=stem)]
        parts += [_FIXED] * ("Fixed" in self.helpers)
        parts += [text + "\n" for text in self.texts]
        adapted = _ADAPTED if any("layers.Normalization(" in text for text in self.texts) else ""
        lower = any(_has_dtypes(text) for text in self.texts)
        tail = _TAIL.format(
            name=self.name, root=self.root, stem=stem, adapted=adapted,
            wide="" if lower else _WIDE, budget=0.05 if lower else 1e-5,
        )  # fmt: skip
        return "\n\n".join(parts) + tail

    def weight(self, scope, name, variable):
        if _is_function(scope.block):
            raise Refused("a weight that belongs to no layer")
        frozen = "" if variable.trainable else ", trainable=False"
        return [
            f"self.{name} = self.add_weight(shape={tuple(variable.shape)}, name={name!r}{frozen})"
        ]

    def constant(self, scope, name, array):
        # Floats have the layer's own dtype, so that a model in float64 has no others.
        dtype = "" if array.dtype.kind == "f" else str(array.dtype)
        if _is_function(scope.block):
            self.helpers["Fixed"] = None
            label, x = self._constant_label(scope, name), scope.arguments[0]
            given = f"{array.shape}, {dtype!r}" if dtype else f"{array.shape}"
            return [f"{name} = Fixed({given}, name={label!r})({x})"]
        given = f"dtype={dtype!r}, " if dtype else ""
        return [
            f"self.{name} = self.add_weight(shape={array.shape}, {given}trainable=False, "
            f'initializer="zeros", name={name!r})'
        ]

    def constant_entry(self, scope, name):
        return f"{self._constant_label(scope, name)}.0" if _is_function(scope.block) else name

    def _constant_label(self, scope, name):
        """That of no layer of the model."""
        taken = {label_of(node.operation) for node in scope.block.nodes}
        return f"{name}_array" if name in taken else name

    def is_literal(self, array):
        return super().is_literal(array) or array.size <= _SHORT

    def small_constant(self, array):
        return (
            f"np.array({array.tolist()}, {str(array.dtype)!r})"
            if array.ndim
            else repr(array.item())
        )

    def child(self, scope, name, made, layer, after, is_once):
        if not made.startswith("layers."):  # a class or a function of the file
            named = _is_function(scope.block) and not getattr(layer, "_plan", None)
            made = f"{made[:-1]}name={self.label(layer)!r})" if named else made
        if not _is_function(scope.block):
            return f"self.{name}", [f"self.{name} = {made}"]
        return (made, []) if is_once else (name, [f"{name} = {made}"])

    def children(self, name, kinds):
        raise AssertionError("a functional model has no lists of layers")

    def moved(self, name, rank, first):
        raise AssertionError("Keras has the channels where unidl has them")

    def attribute(self, scope, name):
        return name if _is_function(scope.block) else f"self.{name}"

    held = attribute

    def title(self, name, block):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        return f"make_{words}" if _is_function(block) else name

    def entry_name(self, name, layer, inside):
        return f"{self.label(layer)}.{inside}"

    def inner_entries(self, layer, inner):
        if getattr(layer, "_plan", None) is not None:
            order = {id(v): i for i, v in enumerate(layer.weights)}
            last = len(order)  # constants
            return sorted(map(tuple, inner.entries), key=lambda e: order.get(id(e[1]), last))
        # Keras has a layer's own weights before those of its parts, those that are trained first.
        own = [e for e in inner.entries if "." not in e.names[0]]
        own.sort(key=lambda e: isinstance(e.variable, np.ndarray) or not e.variable.trainable)
        rest = [e for e in inner.entries if "." in e.names[0]]
        if any(isinstance(e.variable, np.ndarray) and e.names[0].count(".") > 1 for e in rest):
            raise Refused("a constant of a functional model that a layer of your own holds")
        return [(str(i), e.variable, e.rule) for i, e in enumerate((*own, *rest))]

    def prove(self, source, twin, weights, inputs):
        from unidl_keras.source.original import WrittenModel

        lower = _has_dtypes(source.partition("def named(")[0])
        source = self.file_text("proof") if lower else source
        original = WrittenModel(source, self.root, dict(self.arrays()))
        if lower:
            original.left_out.append("the dtypes of layers: all of them computed in float64")
        return prove(self.name, original, twin, weights, inputs)

    def native(self, found):
        from unidl_keras.source.original import made

        model = made(found.source, self.root, dict(self.arrays()))
        found.warnings.append("all weights are copies, not shared with unidl's model")
        model.exported = found
        return model


def _has_dtypes(source):
    """Whether layers in it have dtypes of their own, not only inputs."""
    return any("layers." in line and "dtype=" in line for line in source.splitlines())


def is_of_keras(layer):
    return getattr(layers, type(layer).__name__, None) is type(layer)


def _is_function(block):
    return getattr(block.owner, "_plan", None) is not None
