"""Layers of unidl as torch writes them."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from unidl import activations, layers, ops
from unidl.port.errors import Refused
from unidl.port.layers import Constant, ConstantPadding
from unidl.port.weight_rules import Rule, between, gates, transposed
from unidl_torch.port.source.functions import FUNCTIONS, concatenated, permuted

RULES: dict[type, Any] = {}


def layer(*kinds: type) -> Any:
    """Register what writes a call of layers of exactly these classes."""

    def register(rule: Any) -> Any:
        for kind in kinds:
            RULES[kind] = rule
        return rule

    return register


def called(name: str, *arguments: Any, **options: Any) -> str:
    """A call as text, with the options that are not None."""
    given = [repr(a) for a in arguments]
    given += [f"{k}={v!r}" for k, v in options.items() if v is not None]
    return f"{name}({', '.join(given)})"


def activated(owner: Any, call: Any, text: str) -> str:
    """`text` with the activation of a layer around it."""
    return _activation(owner.activation, call, text)


def _activation(function: Any, call: Any, text: str) -> str:
    if function is None or function is activations.linear:
        return text
    config = activations.serialize(function)
    name = config if isinstance(config, str) else getattr(function, "__name__", "")
    rule = FUNCTIONS.get({"exponential": "exp"}.get(name, name))
    if rule is None or not isinstance(config, str):
        raise Refused(f"the activation {name or function!r} has no counterpart")
    # Its defaults, which are not all those of the function in ops.
    options = {
        n: p.default
        for n, p in inspect.signature(function).parameters.items()
        if p.default is not p.empty and n in inspect.signature(rule).parameters
    }
    return rule(_Text(call, text), call.outputs[0], **options)


class _Text:
    """Stands for a call whose input is an expression already."""

    def __init__(self, call: Any, text: str) -> None:
        self._call, self._text = call, text
        self.outputs = call.outputs

    def either(self) -> str:
        return self._text

    def plain(self) -> str:
        if self._call.first:
            raise Refused("an activation along the last axis of a convolution")
        return self._text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


def one_or_each(sizes: Any) -> Any:
    """3 for (3, 3)."""
    sizes = tuple(sizes)
    return sizes[0] if len(set(sizes)) == 1 else sizes


# Dense layers and embeddings.


@layer(layers.Dense)
def dense(m: Any, call: Any) -> str:
    made = called("nn.Linear", *m.kernel.shape, bias=None if m.use_bias else False)
    me = call.child(made, ("weight", m.kernel, transposed(1, 0)), *_bias(m))
    return activated(m, call, f"{me}({call.plain()})")


def _bias(m: Any) -> list:
    return [("bias", m.bias)] if m.use_bias else []


@layer(layers.Embedding)
def embedding(m: Any, call: Any) -> str:
    me = call.child(called("nn.Embedding", *m.embeddings.shape), ("weight", m.embeddings))
    return f"{me}({call.plain()})"


# Activations.


@layer(layers.Activation)
def activation(m: Any, call: Any) -> str:
    return _activation(m.activation, call, _as_needed(m.activation, call))


def _as_needed(function: Any, call: Any) -> str:
    """Along an axis: with the axes as in unidl."""
    along = function in (activations.softmax, activations.log_softmax, activations.glu)
    return call.plain() if along else call.either()


@layer(layers.ReLU)
def relu(m: Any, call: Any) -> str:
    if m.threshold or (m.negative_slope and m.max_value is not None):
        raise Refused("a ReLU with a threshold, or with a slope and a largest value")
    x = call.either()
    if m.negative_slope:
        return f"F.leaky_relu({x}, {float(m.negative_slope)!r})"
    return f"F.relu({x})" if m.max_value is None else f"torch.clamp({x}, 0, {m.max_value!r})"


@layer(layers.LeakyReLU)
def leaky_relu(m: Any, call: Any) -> str:
    return f"F.leaky_relu({call.either()}, {float(m.negative_slope)!r})"


@layer(layers.ELU)
def elu(m: Any, call: Any) -> str:
    return f"F.elu({call.either()}, {float(m.alpha)!r})"


@layer(layers.Softmax)
def softmax(m: Any, call: Any) -> str:
    return FUNCTIONS["softmax"](call, call.node.inputs[0], m.axis)


@layer(layers.Dropout)
def dropout(m: Any, call: Any) -> str:
    if m.noise_shape is not None:
        raise Refused("noise_shape, which torch's dropout does not have")
    return f"{call.child(called('nn.Dropout', m.rate))}({call.either()})"


@layer(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
def spatial_dropout(m: Any, call: Any) -> str:
    me = call.child(called(f"nn.Dropout{call.rank - 2}d", m.rate))
    return f"{me}({_window_input(m, call)})"


@layer(layers.Identity)
def identity(m: Any, call: Any) -> str:
    return call.either()


# Shapes.


@layer(layers.Flatten)
def flatten(m: Any, call: Any) -> str:
    if m.data_format == "channels_first" and call.rank > 2:
        raise Refused("data_format='channels_first'")
    return f"{call.plain()}.flatten(1)" if call.rank > 1 else f"{call.plain()}.unsqueeze(1)"


@layer(layers.Reshape)
def reshape(m: Any, call: Any) -> str:
    sizes = ", ".join(str(-1 if s is None else s) for s in m.target_shape)
    if m.target_shape.count(-1) == 0:
        return f"{call.plain()}.reshape(-1, {sizes})"
    solved = call.outputs[0].shape[1:]
    if None in solved:
        return f"{call.plain()}.reshape({call.plain()}.shape[0], {sizes})"
    return f"{call.plain()}.reshape(-1, {', '.join(map(str, solved))})"


@layer(layers.Permute)
def permute(m: Any, call: Any) -> str | None:
    return permuted(call, (0, *m.dims))


@layer(layers.RepeatVector)
def repeat_vector(m: Any, call: Any) -> str:
    return f"{call.plain()}.unsqueeze(1).expand(-1, {m.n}, -1)"


# Convolutions and pooling.

_CONVOLUTIONS = (
    layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D,
    layers.SeparableConv1D, layers.SeparableConv2D,
)  # fmt: skip
_MAX_POOLS = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
_POOLS = (
    *_MAX_POOLS, layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D
)  # fmt: skip


def _window_input(m: Any, call: Any) -> str:
    return call.plain() if _format(m) == "channels_first" else call.channels_first()


def _space(m: Any, call: Any) -> tuple:
    """Sizes of the axes between the batch and the channels."""
    return tuple(call.shape[2:] if _format(m) == "channels_first" else call.shape[1:-1])


def _padded(
    call: Any, x: str, m: Any, window: Any, strides: Any, dilation: Any, value: float = 0.0
):
    """(`x` padded where it has to be, the padding that the module does itself)."""
    if m.padding == "valid":
        return x, call.scope.padding.get(id(call.node.inputs[0]))
    if m.padding == "causal":
        before = dilation[0] * (window[0] - 1)
        return f"F.pad({x}, ({before}, 0))", None
    sizes = _space(m, call)
    pairs = []
    for n, k, s, d in zip(sizes, window, strides, dilation, strict=True):
        if n is None and s > 1:
            call.helper("same_padding")
            given = f"{tuple(window)}, {tuple(strides)}, {tuple(dilation)}"
            behind = f", {value!r}" if value else ""
            return f"same_padding({x}, {given}{behind})".replace("-inf", "-torch.inf"), None
        whole = d * (k - 1)
        total = whole if n is None else max((-(-n // s) - 1) * s + whole + 1 - n, 0)
        pairs.append((total // 2, total - total // 2))
    if all(a == b for a, b in pairs):
        return x, one_or_each(a for a, _ in pairs) or None
    flat = tuple(n for pair in reversed(pairs) for n in pair)
    behind = ", value=-torch.inf" if value else ""
    return f"F.pad({x}, {flat}{behind})", None


def _kernel_first(rank: int) -> Rule:
    """(*window, in, out) from (out, in, *window)."""
    return transposed(*range(2, rank + 2), 1, 0)


@layer(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(m: Any, call: Any) -> str:
    rank = call.rank - 2
    x = _window_input(m, call)
    x, padding = _padded(call, x, m, m.kernel_size, m.strides, m.dilation_rate)
    made = called(
        f"nn.Conv{rank}d", m.kernel.shape[-2] * m.groups, m.filters, one_or_each(m.kernel_size),
        stride=_unless_one(m.strides), padding=padding, dilation=_unless_one(m.dilation_rate),
        groups=m.groups if m.groups > 1 else None, bias=None if m.use_bias else False,
    )  # fmt: skip
    me = call.child(made, ("weight", m.kernel, _kernel_first(rank)), *_bias(m))
    return activated(m, call, f"{me}({x})")


def _unless_one(sizes: Any) -> Any:
    return None if max(sizes) == 1 else one_or_each(sizes)


@layer(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_convolution(m: Any, call: Any) -> str:
    rank = call.rank - 2
    x = _window_input(m, call)
    x, padding = _padded(call, x, m, m.kernel_size, m.strides, m.dilation_rate)
    channels = m.kernel.shape[-2]
    made = called(
        f"nn.Conv{rank}d", channels, channels * m.depth_multiplier, one_or_each(m.kernel_size),
        stride=_unless_one(m.strides), padding=padding, dilation=_unless_one(m.dilation_rate),
        groups=channels, bias=None if m.use_bias else False,
    )  # fmt: skip
    me = call.child(made, ("weight", m.kernel, _depthwise(m.kernel, rank)), *_bias(m))
    return activated(m, call, f"{me}({x})")


def _depthwise(kernel: Any, rank: int) -> Rule:
    """(*window, channels, multiplier) from (channels * multiplier, 1, *window)."""
    *window, channels, multiplier = kernel.shape
    ours = between((channels, multiplier, *window), (channels * multiplier, 1, *window))
    return ours.then(transposed(*range(2, rank + 2), 0, 1))


@layer(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_convolution(m: Any, call: Any) -> str:
    rank = call.rank - 2
    x = _window_input(m, call)
    x, padding = _padded(call, x, m, m.kernel_size, m.strides, m.dilation_rate)
    channels = m.depthwise_kernel.shape[-2]
    wide = channels * m.depth_multiplier
    depthwise = called(
        f"nn.Conv{rank}d", channels, wide, one_or_each(m.kernel_size),
        stride=_unless_one(m.strides), padding=padding, dilation=_unless_one(m.dilation_rate),
        groups=channels, bias=False,
    )  # fmt: skip
    pointwise = called(f"nn.Conv{rank}d", wide, m.filters, 1, bias=None if m.use_bias else False)
    me = call.child(
        f"nn.Sequential({depthwise}, {pointwise})",
        ("0.weight", m.depthwise_kernel, _depthwise(m.depthwise_kernel, rank)),
        ("1.weight", m.pointwise_kernel, _kernel_first(rank)),
        *([("1.bias", m.bias)] if m.use_bias else []),
    )
    return activated(m, call, f"{me}({x})")


@layer(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed_convolution(m: Any, call: Any) -> str:
    rank = call.rank - 2
    if m.output_padding is not None or max(m.dilation_rate) > 1:
        raise Refused("a transposed convolution with output_padding or dilation")
    made = called(
        f"nn.ConvTranspose{rank}d", m.kernel.shape[-1], m.filters, one_or_each(m.kernel_size),
        stride=_unless_one(m.strides), bias=None if m.use_bias else False,
    )  # fmt: skip
    me = call.child(made, ("weight", m.kernel, _kernel_first(rank)), *_bias(m))
    y = f"{me}({_window_input(m, call)})"
    cuts = []
    for k, s in zip(m.kernel_size, m.strides, strict=True):
        if m.padding == "valid":
            extra = max(s - k, 0)  # unidl has these zeros behind
            if extra:
                raise Refused("strides that are larger than the window")
            cuts.append(":")
            continue
        if k < s:
            raise Refused("strides that are larger than the window")
        before = (k - s) // 2
        after = k - s - before
        cuts.append(f"{before or ''}:{-after or ''}")
    if any(c != ":" for c in cuts):
        y += f"[:, :, {', '.join(cuts)}]"
    return activated(m, call, y)


@layer(*_MAX_POOLS)
def max_pooling(m: Any, call: Any) -> str:
    rank = call.rank - 2
    x = _window_input(m, call)
    x, padding = _padded(call, x, m, m.pool_size, m.strides, (1,) * rank, value=-np.inf)
    size, strides = one_or_each(m.pool_size), one_or_each(m.strides)
    more = "" if strides == size else f", stride={strides}"
    more += f", padding={padding}" if padding else ""
    return f"F.max_pool{rank}d({x}, {size}{more})"


@layer(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
def average_pooling(m: Any, call: Any) -> str:
    rank = call.rank - 2
    x = _window_input(m, call)
    padded, padding = _padded(call, x, m, m.pool_size, m.strides, (1,) * rank)
    if padded.startswith("F.pad("):
        sides = padded.removeprefix(f"F.pad({x}, ").removesuffix(")")
        window = f"{tuple(m.pool_size)}, {tuple(m.strides)}"
        return f"{call.helper('average_pool')}({x}, {window}, {sides})"
    if padded != x:
        raise Refused("average pooling with padding='same' of open sizes")
    size, strides = one_or_each(m.pool_size), one_or_each(m.strides)
    more = "" if strides == size else f", stride={strides}"
    more += f", padding={padding}" if padding else ""
    more += ", count_include_pad=False" if padding and m.padding == "same" else ""
    return f"F.avg_pool{rank}d({x}, {size}{more})"


def _global(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        x = _window_input(m, call)
        call.first = call.first and m.keepdims
        dims = tuple(range(2, call.rank))
        return f"{x}.{name}(dim={dims}{', keepdim=True' if m.keepdims else ''})"

    return rule


for _rank in "123":
    RULES[getattr(layers, f"GlobalAveragePooling{_rank}D")] = _global("mean")
    RULES[getattr(layers, f"GlobalMaxPooling{_rank}D")] = _global("amax")


@layer(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def zero_padding(m: Any, call: Any) -> str | None:
    pairs = [m.padding] if call.rank == 3 else m.padding
    return _pad(call, _window_input(m, call), pairs, 0.0)


def _pad(call: Any, x: str, pairs: Any, value: float) -> str | None:
    if _is_left_to_the_next(call, pairs, value):
        call.scope.padding[id(call.outputs[0])] = one_or_each(a for a, _ in pairs)
        call.scope.same_as(call, call.first, x)
        return None
    fill = f", value={value!r}".replace("inf", "torch.inf") if value else ""
    return f"F.pad({x}, {_flat(pairs)}{fill})"


def _is_left_to_the_next(call: Any, pairs: Any, value: float) -> bool:
    """Whether a convolution or pooling stands behind that can pad by itself."""
    user = call.only_user()
    if user is None or getattr(user.operation, "padding", None) != "valid":
        return False
    kind, pads = type(user.operation), [a for a, _ in pairs]
    if any(a != b for a, b in pairs) or user.operation.data_format != _format(call.layer):
        return False
    if kind in _CONVOLUTIONS:
        return value == 0
    if kind in _POOLS:  # which pad by at most half of their window
        fill = -np.inf if kind in _MAX_POOLS else 0.0
        halves = zip(pads, user.operation.pool_size, strict=True)
        return value == fill and all(2 * p <= k for p, k in halves)
    return False


def _format(m: Any) -> str:
    return getattr(m, "data_format", "channels_last")


def _flat(pairs: Any) -> tuple:
    """Pairs as F.pad takes them: the last axis first."""
    return tuple(int(n) for pair in reversed(list(pairs)) for n in pair)


@layer(ConstantPadding)
def constant_padding(m: Any, call: Any) -> str | None:
    return _pad(call, call.channels_first(), m.padding, m.value)


@layer(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(m: Any, call: Any) -> str:
    pairs = [m.cropping] if call.rank == 3 else m.cropping
    return f"F.pad({_window_input(m, call)}, {tuple(-n for n in _flat(pairs))})"


@layer(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def up_sampling(m: Any, call: Any) -> str:
    mode = getattr(m, "interpolation", "nearest")
    if mode not in ("nearest", "bilinear"):
        raise Refused(f"interpolation={mode!r}")
    size = (m.size,) if isinstance(m.size, int) else m.size
    more = "" if mode == "nearest" else f", mode={mode!r}"
    return f"F.interpolate({_window_input(m, call)}, scale_factor={tuple(map(float, size))}{more})"


@layer(layers.Resizing)
def resizing(m: Any, call: Any) -> str:
    unusual = m.crop_to_aspect_ratio or m.pad_to_aspect_ratio or call.rank != 4
    if m.interpolation != "bilinear" or m.antialias or unusual:
        raise Refused("resizing that is not plainly bilinear")
    return f"F.interpolate({_window_input(m, call)}, {(m.height, m.width)}, mode='bilinear')"


def _adaptive(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        x = _window_input(m, call)
        return f"F.adaptive_{name}_pool{call.rank - 2}d({x}, {tuple(m.output_size)})"

    return rule


for _rank in "123":
    RULES[getattr(layers, f"AdaptiveAveragePooling{_rank}D")] = _adaptive("avg")
    RULES[getattr(layers, f"AdaptiveMaxPooling{_rank}D")] = _adaptive("max")


# Normalization.


@layer(layers.BatchNormalization)
def batch_normalization(m: Any, call: Any) -> str:
    if m.renorm:
        raise Refused("renorm=True")
    axis = m.axis % call.rank
    if axis == call.rank - 1:
        x = call.channels_first() if call.rank > 2 else call.plain()
    elif axis == 1:
        x = call.plain()
    else:
        raise Refused(f"batch normalization along axis {m.axis}")
    if call.rank > 5:
        raise Refused("batch normalization of more than five axes")
    rank = max(call.rank - 2, 1)
    channels = m.moving_mean.shape[0]
    affine = m.center or m.scale
    made = called(
        f"nn.BatchNorm{rank}d", channels, eps=_unless(m.epsilon, 1e-5),
        momentum=_unless(round(1 - m.momentum, 12), 0.1), affine=None if affine else False,
    )  # fmt: skip
    weights = [("running_mean", m.moving_mean), ("running_var", m.moving_variance)]
    weights += [("weight", m.gamma)] if m.scale else []
    weights += [("bias", m.beta)] if m.center else []
    after = []
    for name, is_there, value in (("weight", m.scale, np.ones), ("bias", m.center, np.zeros)):
        if affine and not is_there:
            weights.append((name, value(channels, "float32")))
            after.append(f"{name}.requires_grad_(False)")
    me = call.child(made, *weights, after=tuple(after))
    if not m.trainable:  # as in Keras, it does not learn from its batches either
        given = [f"{me}.{n}" for n in ("running_mean", "running_var", "weight", "bias")]
        return f"F.batch_norm({x}, {', '.join(given)}, eps={me}.eps)"
    call.warn("torch multiplies the moving variance of a batch by n / (n - 1)")
    return f"{me}({x})"


def _unless(value: Any, default: Any) -> Any:
    return None if value == default else value


@layer(layers.LayerNormalization)
def layer_normalization(m: Any, call: Any) -> str:
    axes = sorted(a % call.rank for a in (m.axis if isinstance(m.axis, list) else [m.axis]))
    if m.rms_scaling or axes != list(range(axes[0], call.rank)):
        raise Refused("layer normalization along other axes than the last ones")
    shape = tuple(call.shape[axes[0] :])
    made = called(
        "nn.LayerNorm", one_or_each(shape) if len(shape) == 1 else shape,
        eps=_unless(m.epsilon, 1e-5), elementwise_affine=None if m.scale else False,
        bias=None if m.center or not m.scale else False,
    )  # fmt: skip
    if m.center and not m.scale:
        raise Refused("layer normalization with a center and without a scale")
    kept = between((int(np.prod(shape)),), shape) if len(shape) > 1 else None
    weights: list[tuple] = [("weight", m.gamma)] if m.scale else []
    weights += [("bias", m.beta)] if m.center else []
    if kept is not None and m.scale and len(m.gamma.shape) == 1:
        weights = [(*w, kept) for w in weights]
    return f"{call.child(made, *weights)}({call.plain()})"


@layer(layers.GroupNormalization)
def group_normalization(m: Any, call: Any) -> str:
    if m.axis % call.rank != call.rank - 1 or m.scale != m.center:
        raise Refused("group normalization with another axis, or with a scale or center alone")
    x = call.channels_first() if call.rank > 2 else call.plain()
    made = called(
        "nn.GroupNorm", m.groups, call.shape[-1], eps=_unless(m.epsilon, 1e-5),
        affine=None if m.scale else False,
    )  # fmt: skip
    weights = [("weight", m.gamma), ("bias", m.beta)] if m.scale else []
    return f"{call.child(made, *weights)}({x})"


@layer(layers.RMSNormalization)
def rms_normalization(m: Any, call: Any) -> str:
    axes = [a % call.rank for a in (m.axis if isinstance(m.axis, list) else [m.axis])]
    if axes != [call.rank - 1]:
        raise Refused("RMS normalization along other axes than the last")
    made = called("nn.RMSNorm", call.shape[-1], eps=m.epsilon)
    return f"{call.child(made, ('weight', m.scale))}({call.plain()})"


@layer(layers.Normalization)
def normalization(m: Any, call: Any) -> str:
    call.helper("Normalization")
    shape = tuple(ops.shape(m.mean))
    made = called("Normalization", *shape)
    if m.input_mean is None:
        rule = between(tuple(m.adapt_mean.shape), shape)
        me = call.child(made, ("mean", m.adapt_mean, rule), ("variance", m.adapt_variance, rule))
    else:
        moments = [np.asarray(ops.convert_to_numpy(v)) for v in (m.mean, m.variance)]
        me = call.child(made, *zip(("mean", "variance"), moments, strict=True))
    x = call.plain()
    return f"{x} * {me}.deviation() + {me}.mean" if m.invert else f"{me}({x})"


@layer(layers.Rescaling)
def rescaling(m: Any, call: Any) -> str:
    scale, offset = (v if np.ndim(v) == 0 else np.asarray(v) for v in (m.scale, m.offset))
    x = call.plain() if np.ndim(scale) or np.ndim(offset) else call.either()
    scaled = f"{x} * {call.text(scale)}"
    return scaled if np.ndim(offset) == 0 and not offset else f"{scaled} + {call.text(offset)}"


# Several inputs.


def _inputs(call: Any) -> list[str]:
    """All inputs, if they have as many axes: others are aligned at the batch, as in Keras."""
    if len({len(t.shape) for t in call.node.inputs}) > 1:
        raise Refused("inputs with different numbers of axes")
    return call.alike()


def _merged(sign: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        return f" {sign} ".join(_inputs(call))

    return rule


RULES |= {layers.Add: _merged("+"), layers.Multiply: _merged("*")}


@layer(layers.Subtract)
def subtract(m: Any, call: Any) -> str:
    return " - ".join(_inputs(call))


@layer(layers.Average)
def average(m: Any, call: Any) -> str:
    names = _inputs(call)
    return f"({' + '.join(names)}) / {len(names)}"


def _extreme(name: str) -> Any:
    def rule(m: Any, call: Any) -> str:
        first, *rest = _inputs(call)
        for other in rest:
            first = f"torch.{name}({first}, {other})"
        return first

    return rule


RULES |= {layers.Maximum: _extreme("maximum"), layers.Minimum: _extreme("minimum")}


@layer(layers.Concatenate)
def concatenate(m: Any, call: Any) -> str:
    return concatenated(call, call.node.inputs, m.axis)


@layer(Constant)
def constant(m: Any, call: Any) -> str:
    return call.scope.own_weight(m.value)


# Attention.


@layer(layers.MultiHeadAttention)
def multi_head_attention(m: Any, call: Any) -> str | None:
    given = dict(zip(("query", "value", "key"), call.node.args, strict=False)) | call.node.kwargs
    tensors = {n: given.pop(n) for n in ("query", "value", "key") if given.get(n) is not None}
    causal = given.pop("use_causal_mask", False)
    unusual = {k: v for k, v in given.items() if v not in (None, False) and k != "training"}
    if unusual or m.use_gate or m._shared_by != 1 or len(m.attention_axes) != 1 or call.rank != 3:
        raise Refused("attention with masks, a gate, shared heads or over several axes")
    if m.sliding_window is not None or (m.output_shape is not None and len(m.output_shape) > 1):
        raise Refused("attention within a sliding window, or with an output of several axes")
    call.helper("MultiHeadAttention")
    sizes = [t.shape[-1] for t in (tensors["query"], tensors.get("key", tensors["value"]),
                                   tensors["value"])]  # fmt: skip
    out = call.outputs[0].shape[-1]
    made = called(
        "MultiHeadAttention", m.num_heads, m.key_dim, m.value_dim, *sizes, out,
        bias=None if m.use_bias else False, dropout=m.dropout or None,
    )  # fmt: skip
    weights: list[tuple] = []
    for name in ("query", "key", "value"):
        weights += _projection(name, getattr(m, f"{name}_dense"), 1)
    weights += _projection("output", m.output_dense, 2)
    me = call.child(made, *weights)
    places = {id(t): i for i, t in reversed([*enumerate(call.node.inputs)])}
    names = [call.plain(places[id(t)]) for t in tensors.values()]
    return f"{me}({', '.join(names)}{', causal=True' if causal else ''})"


def _projection(name: str, dense: Any, inputs: int) -> list[tuple]:
    """The weights of a linear module from (in, heads, size), or from (heads, size, out)."""
    shape = tuple(dense.kernel.shape)
    flat = (int(np.prod(shape[:inputs])), int(np.prod(shape[inputs:])))
    rule = transposed(1, 0).then(between(shape, flat))
    found: list[tuple] = [(f"{name}.weight", dense.kernel, rule)]
    if dense.bias is not None:
        whole = tuple(dense.bias.shape)
        count = int(np.prod(whole))
        found.append((f"{name}.bias", dense.bias, between(whole, (count,))))
    return found


# Sequences.

_UPDATE_FIRST = (1, 0, 2)  # torch's GRU has the reset gate first


def _check_recurrent(m: Any, cell: Any, kind: str) -> None:
    usual = {"LSTM": "tanh", "GRU": "tanh"}.get(kind)
    name = activations.serialize(cell.activation)
    if (usual and name != usual) or (kind == "RNN" and name not in ("tanh", "relu")):
        raise Refused(f"activation={name!r}, which torch's {kind} does not have")
    gate = getattr(cell, "recurrent_activation", None)
    if gate is not None and activations.serialize(gate) != "sigmoid":
        raise Refused("another recurrent_activation than sigmoid")
    if cell.dropout or cell.recurrent_dropout:
        raise Refused("dropout within the recurrence")
    if m.stateful:
        raise Refused("stateful=True")
    if kind == "GRU" and not cell.reset_after:
        raise Refused("reset_after=False, which torch's GRU does not have")


def _weights_of(cell: Any, kind: str, suffix: str) -> tuple[list, list]:
    """(weights, biases that stay 0)."""
    kernel = transposed(1, 0)
    if kind == "GRU":
        kernel = gates(*_UPDATE_FIRST).then(kernel)
    found = [
        (f"weight_ih_l0{suffix}", cell.kernel, kernel),
        (f"weight_hh_l0{suffix}", cell.recurrent_kernel, kernel),
    ]
    if not cell.use_bias:
        return found, []
    names = (f"bias_ih_l0{suffix}", f"bias_hh_l0{suffix}")
    if kind == "GRU":
        return [*found, (names, cell.bias, gates(*_UPDATE_FIRST, axis=1))], []
    # Trained alone, as in unidl: torch would move their sum twice as far.
    return [*found, (names[0], cell.bias)], [names[1]]


def _written(call: Any, kind: str, m: Any, both: list, merge: Any = "") -> str:
    cells = [getattr(one, "cell", one) for one in both]
    for one, cell in zip(both, cells, strict=True):
        _check_recurrent(one, cell, kind)
    cell = cells[0]
    nonlinearity = activations.serialize(cell.activation) if kind == "RNN" else None
    made = called(
        f"nn.{kind}", call.shape[-1], cell.units, bias=None if cell.use_bias else False,
        nonlinearity=_unless(nonlinearity, "tanh"), batch_first=True,
        bidirectional=True if len(both) > 1 else None,
    )  # fmt: skip
    weights, zero = [], []
    for suffix, one in zip(("", "_reverse"), cells, strict=False):
        mine, still = _weights_of(one, kind, suffix)
        weights += mine
        weights += [(name, np.zeros(one.bias.shape, "float32")) for name in still]
        zero += [f"{name}.requires_grad_(False)  # the other bias is all" for name in still]
    me = call.child(made, *weights, after=tuple(zero))
    x = call.plain()
    if len(both) == 1 and both[0].go_backwards:
        x = f"torch.flip({x}, [1])"
    return _results(call, f"{me}({', '.join([x, *_initial(call, len(both))])})", m, merge)


def _initial(call: Any, directions: int) -> list[str]:
    """The states at the beginning, if they are given."""
    states = [call.plain(i) for i in range(1, len(call.node.inputs))]
    if not states:
        return []
    if directions > 1:
        raise Refused("initial states of a bidirectional layer")
    given = [f"{state}.unsqueeze(0)" for state in states]
    return [given[0] if len(given) == 1 else f"({', '.join(given)})"]


def _results(call: Any, text: str, m: Any, merge: Any) -> str:
    """What of (sequence, states) the layer returns."""
    if merge not in ("", "concat"):
        raise Refused(f"merge_mode={merge!r}")
    if m.return_state:
        if merge:
            raise Refused("return_state=True of a bidirectional layer")
        call.comment = "(sequence, states)" if m.return_sequences else "(last output, states)"
        last = "" if m.return_sequences else ", last=True"
        return f"{call.helper('with_states')}({text}{last})"
    if m.return_sequences:
        return f"{text}[0]"
    if merge:
        return f"{call.helper('both_ends')}({text})"
    return f"{text}[0][:, -1]"


def _recurrent_rule(kind: str) -> Any:
    return lambda m, call: _written(call, kind, m, [m])


_KINDS = {layers.LSTM: "LSTM", layers.GRU: "GRU", layers.SimpleRNN: "RNN"}
for _class, _kind in _KINDS.items():
    RULES[_class] = _recurrent_rule(_kind)


@layer(layers.Bidirectional)
def bidirectional(m: Any, call: Any) -> str:
    both = [m.forward_layer, m.backward_layer]
    kinds = {_KINDS.get(type(one)) for one in both}
    if len(kinds) > 1 or None in kinds:
        raise Refused("a bidirectional layer of other layers than LSTM, GRU and SimpleRNN")
    return _written(call, str(kinds.pop()), m, both, m.merge_mode)
