"""Layers of unidl as NumPy writes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import activations, layers, ops
from unidl.port.errors import Refused
from unidl.port.layers import Constant, ConstantPadding
from unidl.port.source import rules
from unidl.port.source.cells import one_on_the_other, step_of, steps_of
from unidl.port.source.checks import axes_of, require_last_axis, require_plain_relu
from unidl.port.source.rules import one_or_each
from unidl.port.source.windows import masked_mean
from unidl.port.weight_rules import between
from unidl_numpy.port.source.functions import FUNCTIONS

RULES: dict[type, Any] = rules.merges("np")
layer = rules.registering(RULES)


def activated(function: Any, call: Any, text: str) -> str:
    """`text` with an activation around it."""
    rule = rules.activation(function, FUNCTIONS)
    if rule is None:
        return text
    found = rule(rules.Written(call, "{}"), call.outputs[0])
    if not text.isidentifier():
        if found.count("{}") > 1:  # computed once
            name = call.scope.spare()
            call.scope.body.append(f"{name} = {text}")
            text = name
        elif found.startswith("-"):
            text = f"({text})"
    return found.replace("{}", text)


def _last(m: Any) -> None:
    if getattr(m, "data_format", "channels_last") == "channels_first":
        raise Refused("data_format='channels_first'")


def _with_bias(m: Any, call: Any, text: str) -> str:
    text = f"{text} + {call.weight('bias', m.bias)}" if m.use_bias else text
    return activated(m.activation, call, text)


@layer(layers.Dense)
def dense(m: Any, call: Any) -> str:
    return _with_bias(m, call, f"{call.plain()} @ {call.weight('kernel', m.kernel)}")


@layer(layers.EinsumDense)
def einsum_dense(m: Any, call: Any) -> str:
    product = f"np.einsum({m.equation!r}, {call.plain()}, {call.weight('kernel', m.kernel)})"
    if m.bias is not None:
        product += f" + {call.weight('bias', m.bias)}"
    return activated(m.activation, call, product)


@layer(layers.Embedding)
def embedding(m: Any, call: Any) -> str:
    return f"{call.weight('embeddings', m.embeddings)}[{call.plain()}]"


@layer(layers.Activation)
def activation(m: Any, call: Any) -> str:
    return activated(m.activation, call, call.plain())


@layer(layers.ReLU)
def relu(m: Any, call: Any) -> str:
    require_plain_relu(m)
    x = call.plain()
    if m.negative_slope:
        return f"{call.helper('leaky_relu')}({x}, {float(m.negative_slope)!r})"
    return (
        f"{call.helper('relu')}({x})"
        if m.max_value is None
        else f"np.clip({x}, 0, {m.max_value!r})"
    )


@layer(layers.LeakyReLU)
def leaky_relu(m: Any, call: Any) -> str:
    return f"{call.helper('leaky_relu')}({call.plain()}, {float(m.negative_slope)!r})"


@layer(layers.ELU)
def elu(m: Any, call: Any) -> str:
    return f"{call.helper('elu')}({call.plain()}, {float(m.alpha)!r})"


@layer(layers.PReLU)
def prelu(m: Any, call: Any) -> str:
    return f"{call.helper('leaky_relu')}({call.plain()}, {call.weight('alpha', m.alpha)})"


@layer(layers.Softmax)
def softmax(m: Any, call: Any) -> str:
    return f"{call.helper('softmax')}({call.plain()}, axis={m.axis!r})"


@layer(layers.Masking)
def masking(m: Any, call: Any) -> str:
    return f"np.where({call.own_mask()}[..., None], {call.plain()}, 0.0)"


@layer(
    layers.Identity, layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D,
    layers.SpatialDropout3D, layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout,
    layers.ActivityRegularization,
)  # fmt: skip
def nothing(m: Any, call: Any) -> str:
    return call.plain()


@layer(layers.Flatten)
def flatten(m: Any, call: Any) -> str:
    _last(m)
    return f"{call.plain()}.reshape(len({call.plain()}), -1)"


@layer(layers.Reshape)
def reshape(m: Any, call: Any) -> str:
    x = call.plain()
    return (
        f"{x}.reshape(len({x}), {', '.join(str(-1 if s is None else s) for s in m.target_shape)})"
    )


@layer(layers.Permute)
def permute(m: Any, call: Any) -> str:
    return f"{call.plain()}.transpose(0, {', '.join(map(str, m.dims))})"


@layer(layers.RepeatVector)
def repeat_vector(m: Any, call: Any) -> str:
    return f"np.repeat({call.plain()}[:, None], {m.n}, axis=1)"


def _window_options(m: Any) -> str:
    found = "" if max(m.strides) == 1 else f", strides={one_or_each(m.strides)}"
    found += "" if m.padding == "valid" else f", padding={m.padding!r}"
    dilation = getattr(m, "dilation_rate", (1,))
    return found + ("" if max(dilation) == 1 else f", dilation={one_or_each(dilation)}")


@layer(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(m: Any, call: Any) -> str:
    _last(m)
    kernel, groups = call.weight("kernel", m.kernel), f", groups={m.groups}" if m.groups > 1 else ""
    text = f"{call.helper('conv')}({call.plain()}, {kernel}{_window_options(m)}{groups})"
    return _with_bias(m, call, text)


@layer(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_convolution(m: Any, call: Any) -> str:
    _last(m)
    kernel = call.weight("kernel", m.kernel)
    text = f"{call.helper('depthwise_conv')}({call.plain()}, {kernel}{_window_options(m)})"
    return _with_bias(m, call, text)


@layer(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_convolution(m: Any, call: Any) -> str:
    _last(m)
    kernel = call.weight("depthwise_kernel", m.depthwise_kernel)
    call.helper("conv")
    text = f"{call.helper('depthwise_conv')}({call.plain()}, {kernel}{_window_options(m)})"
    point = call.weight("pointwise_kernel", m.pointwise_kernel)
    return _with_bias(m, call, f"conv({text}, {point})")


@layer(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed_convolution(m: Any, call: Any) -> str:
    _last(m)
    small = any(k < s for k, s in zip(m.kernel_size, m.strides, strict=True))
    if m.output_padding is not None or max(m.dilation_rate) > 1 or (small and m.padding == "same"):
        raise Refused("a transposed convolution with output_padding, dilation or small windows")
    kernel = call.weight("kernel", m.kernel)
    text = f"{call.helper('conv_transpose')}({call.plain()}, {kernel}{_window_options(m)})"
    return _with_bias(m, call, text)


def _pooling(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        _last(m)
        padding = "" if m.padding == "valid" else f", {m.padding!r}"
        sizes = f"{tuple(m.pool_size)}, {one_or_each(m.strides)}"
        return f"{call.helper(name)}({call.plain()}, {sizes}{padding})"

    return rule


def _global(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        if call.mask():
            return masked_mean(m, call)
        _last(m)
        axes = tuple(range(1, call.rank - 1))
        return f"{call.plain()}.{name}({axes}{', keepdims=True' if m.keepdims else ''})"

    return rule


for _rank in "123":
    RULES[getattr(layers, f"MaxPooling{_rank}D")] = _pooling("max_pool")
    RULES[getattr(layers, f"AveragePooling{_rank}D")] = _pooling("average_pool")
    RULES[getattr(layers, f"GlobalAveragePooling{_rank}D")] = _global("mean")
    RULES[getattr(layers, f"GlobalMaxPooling{_rank}D")] = _global("max")


@layer(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D, ConstantPadding)
def padding(m: Any, call: Any) -> str:
    _last(m)
    pairs = [m.padding] if isinstance(m.padding[0], int) else m.padding
    inside = ", ".join(str(tuple(pair)) for pair in pairs)
    value = getattr(m, "value", 0.0)
    fill = f", constant_values={value!r}".replace("inf", "np.inf") if value else ""
    return f"np.pad({call.plain()}, [(0, 0), {inside}, (0, 0)]{fill})"


@layer(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(m: Any, call: Any) -> str:
    _last(m)
    pairs = [m.cropping] if isinstance(m.cropping[0], int) else m.cropping
    cuts = ", ".join(f"{a or ''}:{-b or ''}" for a, b in pairs)
    return f"{call.plain()}[:, {cuts}]"


@layer(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def up_sampling(m: Any, call: Any) -> str:
    _last(m)
    if getattr(m, "interpolation", "nearest") != "nearest":
        raise Refused(f"interpolation={m.interpolation!r}")
    text = call.plain()
    for axis, factor in enumerate((m.size,) if isinstance(m.size, int) else m.size, 1):
        text = text if factor == 1 else f"np.repeat({text}, {factor}, axis={axis})"
    return text


@layer(layers.BatchNormalization)
def batch_normalization(m: Any, call: Any) -> str:
    if m.renorm or m.axis % call.rank != call.rank - 1:
        raise Refused("batch normalization with renorm, or along another axis than the last")
    mean = call.weight("moving_mean", m.moving_mean)
    variance = call.weight("moving_variance", m.moving_variance)
    gamma = call.weight("gamma", m.gamma) if m.scale else "1.0"
    beta = call.weight("beta", m.beta) if m.center else "0.0"
    x = call.plain()
    return f"{call.helper('batch_norm')}({x}, {mean}, {variance}, {gamma}, {beta}, {m.epsilon!r})"


def _scaled(m: Any, call: Any, text: str) -> str:
    text = f"{text} * {call.weight('gamma', m.gamma)}" if m.scale else text
    return f"{text} + {call.weight('beta', m.beta)}" if m.center else text


@layer(layers.LayerNormalization)
def layer_normalization(m: Any, call: Any) -> str:
    axes = axes_of(m, call.rank)
    shaped = m.gamma if m.scale else m.beta
    if m.rms_scaling or (
        shaped is not None and tuple(shaped.shape) != tuple(call.shape[axes[0] :])
    ):
        raise Refused("layer normalization along other axes than the last ones")
    axes_text = tuple(axes) if len(axes) > 1 else axes[0] - call.rank
    return _scaled(
        m, call, f"{call.helper('normalized')}({call.plain()}, {axes_text}, {m.epsilon!r})"
    )


@layer(layers.GroupNormalization)
def group_normalization(m: Any, call: Any) -> str:
    if m.axis % call.rank != call.rank - 1:
        raise Refused("group normalization along another axis than the last")
    return _scaled(
        m, call, f"{call.helper('group_norm')}({call.plain()}, {m.groups}, {m.epsilon!r})"
    )


@layer(layers.RMSNormalization)
def rms_normalization(m: Any, call: Any) -> str:
    require_last_axis(axes_of(m, call.rank), call.rank)
    scale = call.weight("scale", m.scale)
    return f"{call.helper('rms_norm')}({call.plain()}, {scale}, {m.epsilon!r})"


@layer(layers.Normalization)
def normalization(m: Any, call: Any) -> str:
    shape = tuple(ops.shape(m.mean))
    if m.input_mean is None:
        rule = between(tuple(m.adapt_mean.shape), shape)
        mean = call.weight("mean", m.adapt_mean, rule)
        variance = call.weight("variance", m.adapt_variance, rule)
    else:
        mean, variance = (
            call.scope.constant(np.asarray(ops.convert_to_numpy(v))) for v in (m.mean, m.variance)
        )
    deviation = f"np.maximum(np.sqrt({variance}), 1e-7)"
    x = call.plain()
    return f"{x} * {deviation} + {mean}" if m.invert else f"({x} - {mean}) / {deviation}"


@layer(layers.Rescaling)
def rescaling(m: Any, call: Any) -> str:
    scale, offset = (v if np.ndim(v) == 0 else np.asarray(v) for v in (m.scale, m.offset))
    scaled = f"{call.plain()} * {call.text(scale)}"
    return scaled if np.ndim(offset) == 0 and not offset else f"{scaled} + {call.text(offset)}"


@layer(layers.Concatenate)
def concatenate(m: Any, call: Any) -> str:
    return f"np.concatenate([{', '.join(rules.inputs(call))}], axis={m.axis})"


@layer(Constant)
def constant(m: Any, call: Any) -> str:
    return call.weight("value", m.value)


# Sequences.

_KINDS = {layers.LSTM: "lstm", layers.GRU: "gru", layers.SimpleRNN: "rnn"}


def _sequence(m: Any, call: Any, prefix: str = "") -> str:
    """A call that gives (outputs, states ...) of one direction."""
    kind = _KINDS.get(type(m))
    if m.stateful or kind is None or not _is_usual(m.cell, kind):
        return _by_steps(m, call)
    if call.mask():
        cell = f"{call.helper(f'{kind}_cell')}({', '.join(_of_cell(m.cell, kind, call, prefix))})"
        sizes = [(m.units,)] * (2 if kind == "lstm" else 1)
        return _loop(call, m, cell, sizes, call.plain(), rules.initial_states(call), m.go_backwards)
    given = [call.plain(), *_of_cell(m.cell, kind, call, prefix)]
    states = rules.initial_states(call)
    given += [f"states=[{', '.join(states)}]"] if states else []
    given += ["backwards=True"] if m.go_backwards else []
    return f"{call.helper(kind)}({', '.join(given)})"


def _of_cell(cell: Any, kind: str, call: Any, prefix: str) -> list[str]:
    """Its weights, and what it computes otherwise than others."""
    given = [
        call.weight(f"{prefix}kernel", cell.kernel),
        call.weight(f"{prefix}recurrent_kernel", cell.recurrent_kernel),
    ]
    if kind == "rnn":
        name = activations.serialize(cell.activation)
        given.append(_OF_RNN[name])
        if not given[-1].startswith("np."):
            call.helper(name)
    return [*given, f"bias={call.weight(f'{prefix}bias', cell.bias)}"] if cell.use_bias else given


_OF_RNN = {"tanh": "np.tanh", "relu": "relu", "sigmoid": "sigmoid"}


def _is_usual(cell: Any, kind: str) -> bool:
    """Whether a helper function computes it."""
    if kind == "gru" and not cell.reset_after:
        return False
    name = activations.serialize(cell.activation)
    if kind == "rnn":
        return name in _OF_RNN
    return name == "tanh" and cell.recurrent_activation is activations.sigmoid


def _by_steps(m: Any, call: Any) -> str:
    """A loop over the moments with the layer's own cell, or one for each of its cells."""
    if not isinstance(m.cell, layers.StackedRNNCells):
        step, states = step_of(m, call), rules.initial_states(call)
        me = call.scope.child(m, step.made, step.weights)
        return _loop(call, m, me, step.sizes, call.plain(), states, m.go_backwards)
    if call.mask() and m.go_backwards:
        raise Refused("several cells that go backwards, with a mask")
    steps = steps_of(m, call)

    def called(i: int, x: str, begin: list[str]) -> str:
        me = call.scope.child(m.cell.cells[i], steps[i].made, steps[i].weights)
        backwards = m.go_backwards and i == 0
        return _loop(call, m, me, steps[i].sizes, x or call.plain(), begin, backwards)

    return one_on_the_other(m, call, steps, called)


def _loop(
    call: Any, m: Any, cell: str, sizes: list, x: str, states: list[str], backwards: bool
) -> str:
    """Of `cell`, a function or object of one step."""
    mask = call.mask()
    given = [cell, x, *([mask] if mask else []), call.text(sizes)]
    given += [f"states=[{', '.join(states)}]"] if states else []
    given += ["backwards=True"] if backwards else []
    given += ["zeros=True"] if mask and m.zero_output_for_mask else []
    return f"{call.helper('masked_recurrent' if mask else 'recurrent')}({', '.join(given)})"


@layer(*_KINDS, layers.RNN, layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
def recurrent(m: Any, call: Any) -> str:
    text = _sequence(m, call)
    if m.return_state and m.return_sequences:
        return text
    if m.return_state and isinstance(m.cell, layers.StackedRNNCells):
        y, _, states = text.partition(", ")
        return f"{y}[:, -1], {states}"
    if m.return_state:
        return f"(lambda y, *states: (y[:, -1], *states))(*{text})"
    return f"{text}[0]" if m.return_sequences else f"{text}[0][:, -1]"


@layer(layers.Bidirectional)
def bidirectional(m: Any, call: Any) -> str:
    both = [m.forward_layer, m.backward_layer]
    if m.return_state or rules.initial_states(call):
        raise Refused("states of a bidirectional layer")
    parts = [
        _sequence(one, call, f"{n}.") for one, n in zip(both, ("forward", "backward"), strict=True)
    ]
    if m.return_sequences:
        parts = [f"{parts[0]}[0]", f"{parts[1]}[0][:, ::-1]"]
    else:
        parts = [f"{part}[0][:, -1]" for part in parts]
    if call.mask():
        names = ("forward", "backward")
        parts = [call.scope.line(n, part, "") for n, part in zip(names, parts, strict=True)]
    if m.merge_mode == "concat":
        return f"np.concatenate([{', '.join(parts)}], axis=-1)"
    if m.merge_mode is None:
        return f"({', '.join(parts)})"
    merged = f" {'*' if m.merge_mode == 'mul' else '+'} ".join(parts)
    return f"({merged}) / 2" if m.merge_mode == "ave" else merged
