"""Functions of unidl.ops as JAX writes them: most are called alike in jax.numpy."""

from __future__ import annotations

from typing import Any

from unidl.port.errors import Refused
from unidl.port.source.attention import attentions
from unidl.port.source.checks import require_euclidean, require_last_axis
from unidl.port.source.rules import COMMON, SIGNS, registering

FUNCTIONS: dict[str, Any] = dict(COMMON)
function = registering(FUNCTIONS)

# Of the same name and arguments in jax.numpy.
_OF_NUMPY = (
    "abs", "absolute", "all", "amax", "amin", "any", "append", "arccos", "arccosh", "arcsin",
    "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin", "argsort", "array_split",
    "average", "bitwise_and", "bitwise_invert", "bitwise_not", "bitwise_or", "bitwise_xor",
    "broadcast_to", "cbrt", "ceil", "clip", "concatenate", "conj", "conjugate", "copy", "cos",
    "cosh", "count_nonzero", "cross", "cumprod", "cumsum", "deg2rad", "diag", "diagflat",
    "diagonal", "diff", "digitize", "dot", "dsplit", "dstack", "exp", "exp2", "expand_dims",
    "expm1", "fabs", "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod",
    "full_like", "gcd", "heaviside", "hsplit", "hstack", "hypot", "inner", "isclose", "isfinite",
    "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "kron", "lcm", "left_shift", "log",
    "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and", "logical_not", "logical_or",
    "logical_xor", "max", "maximum", "mean", "median", "min", "minimum", "mod", "moveaxis",
    "nanmax", "nanmean", "nanmin", "nanprod", "nansum", "ones_like", "outer", "prod",
    "ptp", "rad2deg", "ravel", "real", "reciprocal", "repeat", "right_shift", "roll",
    "rot90", "round", "searchsorted", "sign", "signbit", "sin", "sinc", "sinh", "sort", "split",
    "sqrt", "square", "squeeze", "stack", "std", "sum", "swapaxes", "take_along_axis", "tan",
    "tanh", "tensordot", "tile", "trace", "transpose", "trapezoid", "tril", "triu", "trunc",
    "unstack", "vander", "var", "vdot", "vsplit", "vstack", "where", "zeros_like",
)  # fmt: skip

# Of the same name and arguments in jax.nn.
_OF_NN = (
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "log_sigmoid", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "softplus", "sparse_plus", "sparse_sigmoid", "squareplus", "swish",
)  # fmt: skip

_ELEMENTWISE = {name: f"jax.nn.{name}({{}})" for name in _OF_NN} | {
    "negative": "-{}", "rsqrt": "jax.lax.rsqrt({})", "stop_gradient": "jax.lax.stop_gradient({})",
    "softsign": "jax.nn.soft_sign({})", "erf": "jax.lax.erf({})", "erfc": "jax.lax.erfc({})",
    "erfinv": "jax.lax.erf_inv({})", "det": "jnp.linalg.det({})", "inv": "jnp.linalg.inv({})",
    "cholesky": "jnp.linalg.cholesky({})", "qr": "jnp.linalg.qr({})",
    "eigh": "jnp.linalg.eigh({})",
}  # fmt: skip


def _unary(pattern: str) -> Any:
    return lambda call, x: pattern.format(call.text(x))


def _binary(pattern: str) -> Any:
    return lambda call, x1, x2: pattern.format(call.text(x1), call.text(x2))


def _direct(name: str) -> Any:
    def rule(call: Any, *args: Any, **kwargs: Any) -> str:
        given = [*map(call.text, args)]
        given += [f"{k}={_dtype(v) if k == 'dtype' else call.text(v)}" for k, v in kwargs.items()]
        return f"jnp.{name}({', '.join(given)})"

    return rule


def _dtype(dtype: Any) -> str:
    """Floats are JAX' default ones, so that the model can be run in others."""
    return "float" if dtype is None or "float" in str(dtype) else repr(str(dtype))


FUNCTIONS |= {name: _direct(name) for name in _OF_NUMPY}
FUNCTIONS |= {name: _unary(pattern) for name, pattern in _ELEMENTWISE.items()}
FUNCTIONS |= {name: _binary(f"{{}} {sign} {{}}") for name, sign in SIGNS.items()}
FUNCTIONS["solve"] = _binary("jnp.linalg.solve({}, {})")


@function("tanh_shrink")
def tanh_shrink(call: Any, x: Any) -> str:
    return f"{call.helper('tanh_shrink')}({call.text(x)})"


# Activations with numbers of their own.


def _unless(value: Any, default: Any) -> str:
    return "" if value == default else f", {value!r}"


@function("leaky_relu")
def leaky_relu(call: Any, x: Any, negative_slope: float = 0.2) -> str:
    return f"jax.nn.leaky_relu({call.text(x)}, {negative_slope!r})"


@function("elu")
def elu(call: Any, x: Any, alpha: float = 1.0) -> str:
    return f"jax.nn.elu({call.text(x)}{_unless(alpha, 1.0)})"


@function("celu")
def celu(call: Any, x: Any, alpha: float = 1.0) -> str:
    return f"jax.nn.celu({call.text(x)}{_unless(alpha, 1.0)})"


@function("soft_shrink")
def soft_shrink(call: Any, x: Any, threshold: float = 0.5) -> str:
    return f"{call.helper('soft_shrink')}({call.text(x)}, {threshold!r})"


@function("hard_shrink")
def hard_shrink(call: Any, x: Any, threshold: float = 0.5) -> str:
    return f"{call.helper('hard_shrink')}({call.text(x)}, {threshold!r})"


@function("threshold")
def threshold(call: Any, x: Any, threshold: float, default_value: float) -> str:
    return f"{call.helper('threshold')}({call.text(x)}, {threshold!r}, {default_value!r})"


@function("gelu")
def gelu(call: Any, x: Any, approximate: bool = True) -> str:
    return f"jax.nn.gelu({call.text(x)}{'' if approximate else ', approximate=False'})"


@function("glu")
def glu(call: Any, x: Any, axis: int = -1) -> str:
    return f"jax.nn.glu({call.plain()}{_axis(axis)})"


@function("softmax")
def softmax(call: Any, x: Any, axis: Any = -1) -> str:
    return f"jax.nn.softmax({call.plain()}{_axis(axis)})"


@function("log_softmax")
def log_softmax(call: Any, x: Any, axis: Any = -1) -> str:
    return f"jax.nn.log_softmax({call.plain()}{_axis(axis)})"


def _axis(axis: Any) -> str:
    axis = tuple(axis) if isinstance(axis, list) else axis
    return "" if axis == -1 else f", axis={axis}"


@function("logsumexp")
def logsumexp(call: Any, x: Any, axis: Any = None, keepdims: bool = False) -> str:
    keep = ", keepdims=True" if keepdims else ""
    return f"jax.nn.logsumexp({call.text(x)}, axis={axis}{keep})"


@function("one_hot")
def one_hot(call: Any, x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> str:
    kind = call.outputs[0].dtype
    more = "" if kind.startswith("float") else f", dtype={kind!r}"
    return f"jax.nn.one_hot({call.text(x)}, {num_classes}{_axis(axis)}{more})"


# Dtypes, shapes and places.


@function("cast")
def cast(call: Any, x: Any, dtype: Any) -> str:
    before, after = x.dtype, call.outputs[0].dtype
    if before == after or {before, after} == {"float32", "float64"}:
        return call.text(x)  # all of a module is in one dtype
    if "float" in before and "float" in after:
        raise Refused(f"it casts from {before} to {after}")
    return f"{call.text(x)}.astype({_dtype(after)})"


@function("reshape")
def reshape(call: Any, x: Any, newshape: Any) -> str:
    if any(hasattr(size, "shape") for size in newshape):
        raise Refused("it reshapes to sizes that are computed")
    return f"{call.text(x)}.reshape({', '.join(map(call.text, newshape))})"


@function("broadcast_to")
def broadcast_to(call: Any, x: Any, shape: Any) -> str:
    if None in shape or -1 in shape:
        raise Refused("it broadcasts to sizes that are not known")
    return f"jnp.broadcast_to({call.text(x)}, {call.text(tuple(shape))})"


@function("get_item")
def get_item(call: Any, x: Any, key: Any) -> str:
    keys = key if isinstance(key, tuple) else (key,)
    parts = ["None" if k is None else call.text(k) for k in keys]
    return f"{call.text(x)}[{', '.join(parts)}]"


@function("take")
def take(call: Any, x: Any, indices: Any, axis: Any = None) -> str:
    if axis is None or hasattr(axis, "shape"):
        raise Refused("ops.take without an axis")
    return f"jnp.take({call.text(x)}, {call.text(indices)}, axis={axis})"


@function("pad")
def pad(
    call: Any, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> str:
    more = "" if mode == "constant" else f", mode={mode!r}"
    more += f", constant_values={call.text(constant_values)}" if constant_values else ""
    return f"jnp.pad({call.text(x)}, {call.text(pad_width)}{more})"


@function("moments")
def moments(call: Any, x: Any, axes: Any, keepdims: bool = False) -> str:
    name, keep = call.text(x), ", keepdims=True" if keepdims else ""
    call.comment = "mean and variance"
    return f"{name}.mean({tuple(axes)}{keep}), {name}.var({tuple(axes)}{keep})"


@function("nan_to_num")
def nan_to_num(call: Any, x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> str:
    given = {"nan": nan, "posinf": posinf, "neginf": neginf}
    more = "".join(f", {name}={call.text(v)}" for name, v in given.items() if v is not None)
    return f"jnp.nan_to_num({call.text(x)}{more})"


@function("einsum")
def einsum(call: Any, equation: str, *operands: Any) -> str:
    return f"jnp.einsum({equation!r}, {', '.join(map(call.text, operands))})"


@function("top_k")
def top_k(call: Any, x: Any, k: int, sorted: bool = True) -> str:
    return f"jax.lax.top_k({call.text(x)}, {k})"


@function("divide_no_nan")
def divide_no_nan(call: Any, x1: Any, x2: Any) -> str:
    return f"{call.helper('divide_no_nan')}({call.text(x1)}, {call.text(x2)})"


# What networks are made of.


FUNCTIONS |= attentions("jnp")


@function("embedding")
def embedding(call: Any, table: Any, indices: Any) -> str:
    return f"jnp.take({call.text(table)}, {call.text(indices)}, axis=0)"


@function("rms_normalization")
def rms_normalization(call: Any, x: Any, scale: Any, axis: Any, epsilon: float) -> str:
    require_last_axis(axis, len(x.shape))
    return f"{call.helper('rms_norm')}({call.text(x)}, {call.text(scale)}, {epsilon!r})"


@function("normalize")
def normalize(call: Any, x: Any, axis: Any = -1, order: Any = 2, epsilon: Any = 1e-7) -> str:
    require_euclidean(order)
    axis = tuple(axis) if isinstance(axis, list) else axis
    return f"{call.helper('unit_norm')}({call.text(x)}, {axis}, {epsilon**2!r})"
