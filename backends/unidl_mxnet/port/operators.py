"""What stands for each operator of a symbol.

A handler takes a `Call`, whose inputs are `Laid` tensors, or `Parameter`s where the graph has a
weight there, and returns a `Laid` tensor or a tuple of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unidl import layers, ops
from unidl.port import windows
from unidl.port.errors import Refused
from unidl.port.laid import Laid
from unidl.port.weight_rules import Rule, same, transposed

HANDLERS: dict[str, Callable[[Call], Any]] = {}


@dataclass(frozen=True)
class Parameter:
    """A weight or statistic of the graph, by its name."""

    name: str


@dataclass
class Call:
    """One node: `name`, `inputs`, and its attributes; `shapes` {parameter: shape}; `bind` takes
    (parameters, function that gives the Variable, rule), where the numbers of parameters go.
    `constant` makes a tensor of a parameter, `fixed` one of numbers; `float_dtype` is that of the
    weights."""

    name: str
    inputs: list[Any]
    attrs: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    bind: Callable[..., None]
    warn: Callable[[str], None]
    constant: Callable[[str], Laid]
    fixed: Callable[[Any], Laid]
    float_dtype: str

    def get(self, name: str, default: Any = None) -> Any:
        return self.attrs.get(name, default)

    def sizes(self, name: str, rank: int, default: int) -> tuple[int, ...]:
        """A number for each axis."""
        found = self.attrs.get(name) or (default,)
        found = found if isinstance(found, tuple) else (found,)
        return found * rank if len(found) == 1 else found

    def tensors(self) -> list[Laid]:
        return [self.tensor(i) for i in range(len(self.inputs))]

    def tensor(self, i: int = 0) -> Laid:
        if isinstance(self.inputs[i], Parameter):
            return self.constant(self.inputs[i].name)
        return self.inputs[i]

    def weight(self, i: int, variable: Callable[[], Any], rule: Rule = same) -> None:
        if not isinstance(self.inputs[i], Parameter):
            raise Refused("a weight is computed from others")
        self.bind(((self.inputs[i].name,), variable, rule))

    def shape(self, i: int) -> tuple[int, ...]:
        return self.shapes[self.inputs[i].name]


def operator(*names: str) -> Callable:
    def register(handler):
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


def _require_channels_first(call):
    if call.get("layout") not in (None, "None", "NCW", "NCHW", "NCDHW"):
        raise Refused(f"layout={call.get('layout')}")


@operator("Convolution")
def convolution(call):
    _require_channels_first(call)
    rank, has_bias = len(call.get("kernel")), not call.get("no_bias", False)
    layer, function = windows.convolution(
        call.get("num_filter"), call.get("kernel"), call.sizes("stride", rank, 1),
        call.sizes("pad", rank, 0), call.sizes("dilate", rank, 1), call.get("num_group", 1),
        has_bias, call.name,
    )  # fmt: skip
    return _convolved(call, layer, function, rank, has_bias)


@operator("Deconvolution")
def deconvolution(call):
    _require_channels_first(call)
    if call.get("num_group", 1) != 1 or call.get("target_shape"):
        raise Refused("num_group or target_shape of a transposed convolution")
    rank, has_bias = len(call.get("kernel")), not call.get("no_bias", True)
    layer, function = windows.transposed_convolution(
        call.get("num_filter"), call.get("kernel"), call.sizes("stride", rank, 1),
        call.sizes("pad", rank, 0), call.sizes("adj", rank, 0), call.sizes("dilate", rank, 1),
        has_bias, call.name,
    )  # fmt: skip
    return _convolved(call, layer, function, rank, has_bias)


def _convolved(call, layer, function, rank, has_bias):
    found = Laid(function(call.tensor().last()), True)
    call.weight(1, lambda: layer.kernel, transposed(*range(2, rank + 2), 1, 0))
    if has_bias:
        call.weight(2, lambda: layer.bias)
    return found


@operator("FullyConnected")
def fully_connected(call):
    x, has_bias = call.tensor(), not call.get("no_bias", False)
    layer = layers.Dense(call.get("num_hidden"), use_bias=has_bias, name=call.name)
    given = x.first()
    if call.get("flatten", True) and x.rank > 2:
        given = layers.Flatten()(given)
    found = Laid(layer(given))
    call.weight(1, lambda: layer.kernel, transposed(1, 0))
    if has_bias:
        call.weight(2, lambda: layer.bias)
    return found


@operator("BatchNorm", "BatchNorm_v1")
def batch_norm(call):
    if call.get("axis", 1) != 1:
        raise Refused(f"axis={call.get('axis')} of a batch normalization")
    if call.get("use_global_stats", False):
        raise Refused("use_global_stats=True")
    layer = layers.BatchNormalization(
        momentum=call.get("momentum", 0.9), epsilon=call.get("eps", 1e-3),
        scale=not call.get("fix_gamma", True), name=call.name,
    )  # fmt: skip
    found = Laid(layer(call.tensor().last()), True)
    if layer.scale:
        call.weight(1, lambda: layer.gamma)
    call.weight(2, lambda: layer.beta)
    call.weight(3, lambda: layer.moving_mean)
    call.weight(4, lambda: layer.moving_variance)
    return found


@operator("LayerNorm")
def layer_norm(call):
    layer = layers.LayerNormalization(
        axis=call.get("axis", -1), epsilon=call.get("eps", 1e-5), name=call.name
    )
    return _normalized(call, layer, Laid(layer(call.tensor().first())))


@operator("GroupNorm")
def group_norm(call):
    if call.shape(1)[0] != call.tensor().shape[1]:
        raise Refused("one scale for each group, which Keras has for each channel")
    layer = layers.GroupNormalization(
        call.get("num_groups", 1), epsilon=call.get("eps", 1e-5), name=call.name
    )
    return _normalized(call, layer, Laid(layer(call.tensor().last()), True))


@operator("InstanceNorm")
def instance_norm(call):
    layer = layers.GroupNormalization(-1, epsilon=call.get("eps", 1e-3), name=call.name)
    return _normalized(call, layer, Laid(layer(call.tensor().last()), True))


def _normalized(call, layer, found):
    call.weight(1, lambda: layer.gamma)
    call.weight(2, lambda: layer.beta)
    return found


@operator("Embedding")
def embedding(call):
    layer = layers.Embedding(call.get("input_dim"), call.get("output_dim"), name=call.name)
    found = Laid(layer(call.tensor().first()))
    call.weight(1, lambda: layer.embeddings)
    return found


@operator("Pooling", "Pooling_v1")
def pooling(call):
    _require_channels_first(call)
    kinds = {"max": "Max", "avg": "Average"}
    if call.get("pool_type", "max") not in kinds:
        raise Refused(f"pool_type={call.get('pool_type')}")
    x, kind = call.tensor(), kinds[call.get("pool_type", "max")]
    rank = x.rank - 2
    if call.get("global_pool", False):
        return Laid(windows.pooling_to(kind, (1,) * rank, call.name)(x.last()), True)
    window, strides = call.sizes("kernel", rank, 1), call.sizes("stride", rank, 1)
    pads = call.sizes("pad", rank, 0)
    rounds_up = call.get("pooling_convention", "valid") == "full"
    found = windows.pooling(kind, window, strides, pads, call.name, rounds_up)(x.last())
    if any(pads) and kind == "Average" and call.get("count_include_pad", True) is False:
        name = f"{call.name}.seen"
        seen = windows.pooling(kind, window, strides, pads, name, rounds_up)
        found = found / seen(ops.ones_like(x.last()))
    return Laid(found, True)


ACTIVATIONS = {
    "relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh", "softrelu": "softplus",
    "softsign": "softsign",
}  # fmt: skip


@operator("Activation")
def activation(call):
    layer = layers.Activation(ACTIVATIONS[call.get("act_type")], name=call.name)
    return elementwise(call, layer)


def elementwise(call, function):
    x = call.tensor()
    return x.like(function(x.tensor))


@operator("LeakyReLU")
def leaky_relu(call):
    kind, slope = call.get("act_type", "leaky"), call.get("slope", 0.25)
    if kind == "leaky":
        return elementwise(call, layers.LeakyReLU(slope, name=call.name))
    if kind == "elu":
        return elementwise(call, layers.ELU(slope, name=call.name))
    if kind == "selu":
        call.warn("MXNet's gradient of selu is not that of its formula; here it is")
    if kind in ("selu", "gelu"):
        return elementwise(call, layers.Activation(kind, name=call.name))
    if kind != "prelu":
        raise Refused(f"act_type={kind}")
    x, (count,) = call.tensor(), call.shape(1)
    shared = range(1, x.rank - 1) if count > 1 else range(1, x.rank)
    layer = layers.PReLU(shared_axes=list(shared) or None, name=call.name)
    found = Laid(layer(x.last()), True)
    flat = Rule(lambda v: v.reshape(layer.alpha.shape), lambda v: v.reshape(count))
    call.weight(1, lambda: layer.alpha, flat)
    return found


@operator("Dropout")
def dropout(call):
    axes = call.get("axes") or ()
    if not axes:
        return elementwise(call, layers.Dropout(call.get("p", 0.5), name=call.name))
    x = call.tensor().first()
    shape = [1 if axis in axes else None for axis in range(len(x.shape))]
    return Laid(layers.Dropout(call.get("p", 0.5), noise_shape=shape, name=call.name)(x))


@operator("Flatten", "flatten")
def flatten(call):
    return Laid(layers.Flatten(name=call.name)(call.tensor().first()))


@operator("Concat", "concat")
def concat(call):
    inputs, axis = call.tensors(), call.get("dim", 1)
    first = inputs[0]
    if len(inputs) == 1:
        return first
    if all(x.channels_last == first.channels_last for x in inputs):
        return first.like(layers.Concatenate(first.axis(axis))([x.tensor for x in inputs]))
    return Laid(layers.Concatenate(axis)([x.first() for x in inputs]))


@operator("identity", "_copy")
def identity(call):
    return call.tensor()


@operator("SoftmaxOutput", "Softmax")
def softmax_output(call):
    """The old training graphs end so; the label and its gradient belong to the loss."""
    return elementwise(call, lambda x: ops.softmax(x, axis=-1))


def _softmax(function):
    def handler(call):
        x = call.tensor()
        if call.get("temperature") not in (None, 1.0, 1):
            raise Refused(f"temperature={call.get('temperature')}")
        return x.like(function(x.tensor, axis=x.axis(call.get("axis", -1))))

    return handler


HANDLERS |= {"softmax": _softmax(ops.softmax), "log_softmax": _softmax(ops.log_softmax)}


@operator("clip")
def clip(call):
    low, high = call.get("a_min"), call.get("a_max")
    return elementwise(call, lambda x: ops.clip(x, low, high))


def _reduction(function):
    def handler(call):
        x, axis = call.tensor(), call.get("axis")
        if axis in (None, ()) or call.get("exclude", False):
            raise Refused("a reduction of all axes, the batch among them")
        axes = axis if isinstance(axis, tuple) else (axis,)
        if not call.get("keepdims", False):
            return Laid(function(x.first(), axis=axes))
        return x.like(function(x.tensor, axis=tuple(x.axis(a) for a in axes), keepdims=True))

    return handler


HANDLERS |= {name: _reduction(getattr(ops, name)) for name in ("mean", "sum", "max", "min")}


def of_two(function):
    def handler(call):
        a, b = call.tensors()
        if a.rank == b.rank and (a.channels_last or b.channels_last):
            return Laid(function(a.last(), b.last()), True)
        return Laid(function(a.first(), b.first()))

    return handler


for _names, _function in {
    ("elemwise_add", "_plus", "_Plus", "broadcast_add", "broadcast_plus"): ops.add,
    ("elemwise_sub", "_minus", "broadcast_sub", "broadcast_minus"): ops.subtract,
    ("elemwise_mul", "_mul", "broadcast_mul"): ops.multiply,
    ("elemwise_div", "_div", "broadcast_div"): ops.divide,
    ("broadcast_maximum", "_maximum"): ops.maximum,
    ("broadcast_minimum", "_minimum"): ops.minimum,
}.items():
    HANDLERS |= dict.fromkeys(_names, of_two(_function))


def with_number(function):
    return lambda call: elementwise(call, lambda x: function(x, call.get("scalar")))


HANDLERS |= {
    "_plus_scalar": with_number(ops.add),
    "_minus_scalar": with_number(ops.subtract),
    "_rminus_scalar": with_number(lambda x, n: n - x),
    "_mul_scalar": with_number(ops.multiply),
    "_div_scalar": with_number(ops.divide),
    "_rdiv_scalar": with_number(lambda x, n: n / x),
    "_power_scalar": with_number(ops.power),
    "_maximum_scalar": with_number(ops.maximum),
    "_minimum_scalar": with_number(ops.minimum),
}


def _plain(function):
    return lambda call: elementwise(call, function)


HANDLERS["BlockGrad"] = _plain(ops.stop_gradient)
HANDLERS |= {
    name: _plain(getattr(ops, name))
    for name in (
        "relu", "sigmoid", "tanh", "exp", "log", "sqrt", "rsqrt", "square", "abs", "sin", "cos",
        "negative", "softsign", "expm1", "log1p", "log2", "log10", "reciprocal", "tan", "arcsin",
        "arccos", "arctan", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "sign", "floor",
        "ceil", "trunc", "erf", "erfinv", "zeros_like", "ones_like",
    )
}  # fmt: skip


@operator("transpose")
def transpose(call):
    x = call.tensor()
    axes = call.get("axes") or tuple(reversed(range(x.rank)))
    return Laid(ops.transpose(x.first(), axes))


@operator("SwapAxis", "swapaxes")
def swap_axes(call):
    x = call.tensor()
    return Laid(ops.swapaxes(x.first(), call.get("dim1", 0), call.get("dim2", 0)))


@operator("expand_dims")
def expand_dims(call):
    return Laid(ops.expand_dims(call.tensor().first(), call.get("axis")))


@operator("Reshape", "reshape")
def reshape(call):
    x, shape = call.tensor(), call.get("shape")
    shape = shape if isinstance(shape, tuple) else (shape,)
    if call.get("reverse", False):
        raise Refused("a reshape from the right")
    sizes = resolved(shape, x.shape)
    first, *rest = sizes
    if x.shape[0] is not None and sizes.count(None) <= 1:  # of parameters
        return Laid(ops.reshape(x.first(), [-1 if n is None else n for n in sizes]))
    before = x.shape[1:]
    if shape[0] == 0 and rest.count(None) <= 1:
        return Laid(layers.Reshape([-1 if n is None else n for n in rest])(x.first()))
    if first is not None or None in rest:
        raise Refused(f"a reshape to {shape}")
    if None not in before and math.prod(before) == math.prod(rest):
        return Laid(layers.Reshape(rest)(x.first()))
    return Laid(ops.reshape(x.first(), (-1, *rest)))


def resolved(shape, sizes):
    """A shape in MXNet's language, of a tensor with these sizes: None for what is open."""
    found, axis, codes = [], 0, iter(shape)
    for code in codes:
        if code == -4:
            parts, whole = [next(codes), next(codes)], sizes[axis]
            if -1 in parts:
                known = parts[1 - parts.index(-1)]
                parts[parts.index(-1)] = None if whole is None else whole // known
            found += parts
        elif code == -2:
            found += sizes[axis:]
            axis = len(sizes)
        elif code == -3:
            both = sizes[axis : axis + 2]
            found.append(None if None in both else math.prod(both))
            axis += 1
        elif code == 0:
            found.append(sizes[axis])
        else:
            found.append(None if code == -1 else code)
        axis += 1
    return found


@operator("UpSampling")
def up_sampling(call):
    if call.get("sample_type") != "nearest" or len(call.inputs) != 1:
        raise Refused("only sample_type=nearest of one input is converted")
    layer = layers.UpSampling2D(call.get("scale"), name=call.name)
    return Laid(layer(call.tensor().last()), True)


@operator("_contrib_BilinearResize2D")
def resize(call):
    is_plain = call.get("mode", "size") == "size" and call.get("scale_height") is None
    if not is_plain or call.get("align_corners", True):
        raise Refused("bilinear resizing other than to a height and a width, or to aligned corners")
    layer = layers.Resizing(call.get("height"), call.get("width"), name=call.name)
    return Laid(layer(call.tensor().last()), True)


@operator("Pad", "pad")
def pad(call):
    if call.get("mode") != "constant" or call.get("constant_value", 0):
        raise Refused(f"mode={call.get('mode')} of padding, or a value")
    widths = call.get("pad_width")
    pairs = [widths[i : i + 2] for i in range(4, len(widths), 2)]
    if any(widths[:4]):
        raise Refused("padding of the batch or the channels")
    return Laid(windows.zeros(pairs, call.name)(call.tensor().last()), True)


@operator("SliceChannel", "split")
def split(call):
    x, axis = call.tensor(), call.get("axis", 1)
    if call.get("squeeze_axis", False):
        parts = ops.split(x.first(), call.get("num_outputs"), axis=axis)
        return tuple(Laid(ops.squeeze(part, axis)) for part in parts)
    parts = ops.split(x.tensor, call.get("num_outputs"), axis=x.axis(axis))
    return tuple(x.like(part) for part in parts)
