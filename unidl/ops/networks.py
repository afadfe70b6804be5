"""Neural-network functions: encodings, normalization, cross-entropies, attention."""

from __future__ import annotations

import math
from typing import Any

from unidl.backend import dtypes
from unidl.backend.host_data import from_host
from unidl.ops.activations import softmax
from unidl.ops.composed import log10
from unidl.ops.core import shape as shape_of
from unidl.ops.creation import zeros_like
from unidl.ops.dispatch import (
    backend_of,
    call,
    call_float,
    convert,
    op,
    owner_of,
    prepare,
    promote,
    run,
    tensor_of,
)
from unidl.ops.elementwise import (
    add,
    clip,
    divide,
    logical_not,
    maximum,
    multiply,
    negative,
    rsqrt,
    square,
    subtract,
)
from unidl.ops.exponentials import log, tanh
from unidl.ops.fused import hidden_keys
from unidl.ops.index_checks import check_indices, whole_numbers
from unidl.ops.indexing import along_axis, where
from unidl.ops.matrices import norm
from unidl.ops.reductions import max as max_
from unidl.ops.reductions import mean, var
from unidl.ops.reductions import sum as sum_
from unidl.ops.shaping import expand_dims, moveaxis, squeeze, swapaxes
from unidl.tracing.rows import current_rows, whole_mean
from unidl.tracing.shapes.arithmetic import one_axis, one_int
from unidl.typing import Axis, DType, Tensor, TensorLike

# Probabilities of a cross-entropy are clipped to [EPSILON, 1 - EPSILON].
EPSILON = 1e-7

# What class numbers are counted in; narrower dtypes may not hold as many as there are.
_INDICES = ("int32", "int64")


@op
def one_hot(
    x: TensorLike,
    num_classes: int,
    axis: int = -1,
    dtype: DType | None = None,
    sparse: bool | None = False,
) -> Tensor:
    """Integers (...,) -> (..., num_classes), the new axis at `axis`; what is out of range gives
    zeros.

    Examples:
        >>> unidl.ops.one_hot([0, 2, 5], 3)  # what is out of range is all zeros
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 0., 0.]], dtype=float32)
    """
    _not_sparse("one_hot", sparse)
    return _one_hot("one_hot", x, num_classes, axis, dtype)


def _one_hot(name: str, x: TensorLike, num_classes: int, axis: int, dtype: Any) -> Any:
    num_classes, x = _classes(name, num_classes), whole_numbers(name, x, "x")
    if axis != -1:
        axis = one_axis(name, axis, len(shape_of(x)) + 1)
    rows = call("one_hot", x, num_classes=num_classes, dtype=dtypes.standardize_dtype(dtype))
    return rows if axis == -1 else moveaxis(rows, -1, axis)


def _classes(name: str, num_classes: Any) -> int:
    number = one_int(name, "num_classes", num_classes)
    if number < 0:
        raise ValueError(f"{name}: num_classes must be at least 0, got {number}.")
    return number


@op
def multi_hot(
    inputs: TensorLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DType | None = None,
    sparse: bool | None = False,
) -> Tensor:
    """Integers (..., k) -> (..., num_classes): 1 for each class that occurs along `axis`.

    Examples:
        >>> unidl.ops.multi_hot([[0, 2], [1, 1]], 3)
        array([[1., 0., 1.],
               [0., 1., 0.]], dtype=float32)
    """
    _not_sparse("multi_hot", sparse)
    if num_classes is None:
        raise ValueError("multi_hot: give num_classes, the size of the new axis.")
    inputs = whole_numbers("multi_hot", inputs, "inputs")
    if not shape_of(inputs):
        raise ValueError(
            "multi_hot: the last axis holds the classes of a sample, got a single number. Use "
            "one_hot."
        )
    if axis != -1:
        axis = one_axis("multi_hot", axis, len(shape_of(inputs)))
    if shape_of(inputs)[-1] == 0:  # a sample without classes
        return sum_(_one_hot("multi_hot", inputs, num_classes, -1, dtype), axis=-2)
    result = max_(_one_hot("multi_hot", inputs, num_classes, -1, dtype), axis=-2)
    return result if axis == -1 else moveaxis(result, -1, axis)


def _not_sparse(name: str, sparse: Any) -> None:
    if sparse:
        raise ValueError(f"{name}: sparse tensors are not supported. Leave out `sparse`.")


# -- normalization ---------------------------------------------------------------------------------


@op
def moments(
    x: TensorLike, axes: Axis, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """(mean, biased variance) over `axes`, computed in float32 at least.

    With `synchronized`, in a step that runs in several processes (`unidl.distribution`), over the
    rows of all of them, the batch being one of the `axes`.

    Examples:
        >>> mean, variance = unidl.ops.moments([[1.0, 10.0], [3.0, 30.0]], axes=[0])
        >>> mean, variance
        (array([ 2., 20.], dtype=float32), array([  1., 100.], dtype=float32))
    """
    backend, x = tensor_of(x)
    dtype = backend.dtype(x)
    wide = backend.cast(x, "float32") if dtype in ("float16", "bfloat16") else x
    if synchronized and current_rows() is not None:
        middle = whole_mean(mean(wide, axes, keepdims=True))
        around = mean(square(subtract(wide, middle)), axes, keepdims)
        results = middle if keepdims else squeeze(middle, axes), whole_mean(around)
    else:
        results = mean(wide, axes, keepdims), var(wide, axes, keepdims)
    return tuple(backend.cast(r, dtype) for r in results) if wide is not x else results


@op
def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Any:
    """(x - mean) * scale / sqrt(variance + epsilon) + offset, all four 1-D along `axis` of x.

    Examples:
        >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
        >>> unidl.ops.batch_normalization(x, [2.0, 20.0], [1.0, 100.0], axis=-1)
        array([[-0.9995, -1.    ],
               [ 0.9995,  1.    ]])
    """
    backend = backend_of([x, mean, variance])
    tensors = [
        t if t is None else backend.asarray(convert(backend, t))
        for t in (x, scale, offset, mean, variance)
    ]
    present = promote(backend, [t for t in tensors if t is not None], to_floats=True)
    source = iter(present)
    x, scale, offset, mean, variance = (None if t is None else next(source) for t in tensors)
    rank = len(backend.shape(x))
    axes = tuple(a for a in range(rank) if a != axis % rank)
    return run(
        backend,
        "batch_norm_inference",
        [x, scale, offset, mean, variance],
        {"axes": axes, "epsilon": epsilon},
    )


@op
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: Axis = -1,
    epsilon: float | None = None,
) -> Tensor:
    """Each sample normalized over `axis` (an int or several), times gamma, plus beta, which have
    the shape of these axes.

    Examples:
        >>> unidl.ops.layer_normalization([[1.0, 3.0], [10.0, 30.0]], gamma=[1.0, 2.0])
        array([[-0.9995,  1.999 ],
               [-1.    ,  2.    ]], dtype=float32)
    """
    backend, x = tensor_of(x)
    rank = len(backend.shape(x))
    axes = tuple(sorted(a % rank for a in ((axis,) if isinstance(axis, int) else axis)))
    gamma, beta = (_along(backend, p, axes, rank) for p in (gamma, beta))
    return call_float(
        "layer_norm", x, gamma, beta, axes=axes, epsilon=1e-3 if epsilon is None else epsilon
    )


@op
def rms_normalization(
    x: TensorLike, scale: TensorLike | None = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """x / sqrt(mean(x**2) + epsilon) over `axis`, times `scale`, which has the shape of these axes.
    epsilon: 1e-6.

    Examples:
        >>> unidl.ops.rms_normalization([3.0, 4.0])
        array([0.8485, 1.1314], dtype=float32)
    """
    backend, x = tensor_of(x)
    rank = len(backend.shape(x))
    axes = tuple(sorted(a % rank for a in ((axis,) if isinstance(axis, int) else axis)))
    y = multiply(
        x, rsqrt(add(mean(square(x), axes, keepdims=True), 1e-6 if epsilon is None else epsilon))
    )
    return y if scale is None else multiply(y, _along(backend, scale, axes, rank))


def _along(backend: Any, parameter: Any, axes: Any, rank: Any) -> Any:
    """`parameter`, whose axes are `axes` of x, in a shape that broadcasts against x."""
    if parameter is None:
        return None
    parameter = backend.asarray(convert(backend, parameter))
    if axes == tuple(range(rank - len(axes), rank)) or len(backend.shape(parameter)) == rank:
        return parameter
    sizes = iter(backend.shape(parameter))
    return backend.reshape(parameter, tuple(next(sizes) if a in axes else 1 for a in range(rank)))


@op
def normalize(
    x: TensorLike, axis: Axis = -1, order: int | float = 2, epsilon: float | None = None
) -> Tensor:
    """x divided by its norm of `order` along `axis`, which counts as `epsilon` (1e-7) at least.

    Examples:
        >>> unidl.ops.normalize([[3.0, 4.0], [0.0, 0.0]])
        array([[0.6, 0.8],
               [0. , 0. ]], dtype=float32)
        >>> unidl.ops.normalize([1.0, 3.0], order=1)
        array([0.25, 0.75], dtype=float32)
    """
    if not isinstance(order, (int, float)) or order < 1:
        raise ValueError(f"normalize: order must be a number of at least 1, got {order!r}.")
    epsilon = EPSILON if epsilon is None else epsilon
    if order == 2:
        return multiply(x, rsqrt(maximum(sum_(square(x), axis, keepdims=True), epsilon**2)))
    return divide(x, maximum(norm(x, order, axis, keepdims=True), epsilon))


# -- cross-entropies -------------------------------------------------------------------------------


@op
def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(t log p) along `axis`: target and output (..., k) -> (...,). Probabilities are
    normalized, then clipped.

    Examples:
        >>> unidl.ops.categorical_crossentropy([[0.0, 1.0]], [[0.2, 0.8]])
        array([0.2231], dtype=float32)
        >>> unidl.ops.categorical_crossentropy([[0.0, 1.0]], [[3.0, 3.0]], from_logits=True)
        array([0.6931], dtype=float32)
    """
    target, output = _float_pair(target, output)
    if axis != -1:
        target, output = moveaxis(target, axis, -1), moveaxis(output, axis, -1)
    if from_logits:
        return call("softmax_cross_entropy", target, output)
    return negative(sum_(multiply(target, log(_probabilities(output))), -1))


@op
def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log p of class `target` (...,) or (..., 1): output (..., k) -> (...,). Probabilities are
    normalized, then clipped.

    Examples:
        >>> unidl.ops.sparse_categorical_crossentropy([1, 0], [[0.2, 0.8], [0.2, 0.8]])
        array([0.2231, 1.6094], dtype=float32)
    """
    name = "sparse_categorical_crossentropy"
    if axis != -1:
        output = moveaxis(output, one_axis(name, axis, len(shape_of(output))), -1)
    check_classes(name, target, (*shape_of(output)[-1:], None)[0])
    return sparse_crossentropy(target, output, from_logits)


def check_classes(name: str, target: TensorLike, classes: int | None) -> None:
    """An error unless `target`, integers or floats, are numbers of `classes`."""
    if owner_of(target) is None:
        target = from_host(target)[0]  # in the dtype that holds them
    hint = (
        f" If yours start at 1, subtract 1; otherwise the output needs more than {classes} columns."
    )
    check_indices(name, target, 0, classes, f"{classes} classes", "class", hint)


@op
def sparse_crossentropy(target: TensorLike, output: TensorLike, from_logits: bool) -> Tensor:
    """`sparse_categorical_crossentropy` of class numbers that are known to be right."""
    backend = backend_of([output, target])
    target, output = (backend.asarray(convert(backend, t)) for t in (target, output))
    shape = backend.shape(target)
    if len(shape) == len(backend.shape(output)) and shape and shape[-1] == 1:
        target = squeeze(target, -1)
    target = target if backend.dtype(target) in _INDICES else backend.cast(target, "int32")
    if from_logits:
        return run(backend, "sparse_softmax_cross_entropy", [target, output], {})
    chosen = along_axis(_probabilities(output), expand_dims(target, -1), -1)
    return negative(log(squeeze(chosen, -1)))


@op
def binary_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False
) -> Tensor:
    """-t log p - (1 - t) log(1 - p), element by element; probabilities are clipped.

    Examples:
        >>> unidl.ops.binary_crossentropy([1.0, 0.0], [0.8, 0.8])  # one for each element
        array([0.2231, 1.6094], dtype=float32)
    """
    target, output = _float_pair(target, output)
    if from_logits:
        return call("sigmoid_cross_entropy", target, output)
    p = clip(output, EPSILON, 1 - EPSILON)
    return negative(
        add(multiply(target, log(p)), multiply(subtract(1.0, target), log(subtract(1.0, p))))
    )


def _float_pair(target: TensorLike, output: TensorLike) -> Any:
    """Both in the float dtype of `output`."""
    backend = backend_of([output, target])
    target, output = (backend.asarray(convert(backend, t)) for t in (target, output))
    dtype = backend.dtype(output) if dtypes.is_float(backend.dtype(output)) else dtypes.floatx()
    return backend.cast(target, dtype), backend.cast(output, dtype)


def _probabilities(output: TensorLike) -> Any:
    return clip(divide(output, sum_(output, -1, keepdims=True)), EPSILON, 1 - EPSILON)


# -- attention and signals -------------------------------------------------------------------------


@op
def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """Attention of query (n, t, heads, d) to key (n, s, heads, d) and value (n, s, heads, v) -> (n,
    t, heads, v).

    `bias` is added to the scores (n, heads, t, s); where `mask` is False, or with `is_causal` the
    key is later than the query, nothing is attended to; a query whose `mask` is False throughout
    gets the mean of all values. `scale` is 1 / sqrt(d) by default. Key and
    value may have fewer heads, which are repeated. `flash_attention` is the backend's own choice
    here and accepted for compatibility.

    Examples:
        >>> x = np.ones((1, 3, 2, 4))  # batch, steps, heads, size
        >>> unidl.ops.dot_product_attention(x, x, x, is_causal=True).shape
        (1, 3, 2, 4)
    """
    backend, tensors = prepare([query, key, value])
    query, key, value = (
        swapaxes(x, 1, 2) for x in promote(backend, [backend.asarray(x) for x in tensors], True)
    )
    heads, fewer = backend.shape(query)[1], backend.shape(key)[1]
    if heads != fewer:
        if heads % fewer:
            raise ValueError(
                f"dot_product_attention: {heads} query heads cannot share {fewer} key heads "
                "equally."
            )
        key, value = (backend.repeat(x, heads // fewer, 1) for x in (key, value))
    dtype = backend.dtype(query)
    scale = 1 / math.sqrt(backend.shape(query)[-1]) if scale is None else scale
    bias = None if bias is None else backend.cast(backend.asarray(convert(backend, bias)), dtype)
    mask = None if mask is None else backend.cast(backend.asarray(convert(backend, mask)), "bool")
    some_blind = mask is not None
    if is_causal:
        causal = _causal(backend, query, key)
        mask = causal if mask is None else backend.logical_and(mask, causal)
    if attn_logits_soft_cap is not None:
        scores = call("matmul", multiply(query, scale), swapaxes(key, -1, -2))
        scores = multiply(tanh(divide(scores, attn_logits_soft_cap)), attn_logits_soft_cap)
        scores = scores if bias is None else add(scores, bias)
        weights = softmax(scores if mask is None else where(mask, scores, _LOWEST[dtype]))
        return swapaxes(call("matmul", weights, value), 1, 2)
    if mask is not None:
        if not some_blind:
            hidden = logical_not(mask)
        else:  # a query that sees nothing gets equal scores, which are constants
            hidden, seen = hidden_keys(mask)
            query = where(seen, query, zeros_like(query))
            bias = None if bias is None else where(seen, bias, zeros_like(bias))
        closed = where(hidden, backend.asarray(_LOWEST[dtype], dtype), 0.0)
        bias = closed if bias is None else add(bias, closed)
    tensors = [query, key, value] + ([] if bias is None else [bias])
    return swapaxes(run(backend, "attention", tensors, {"scale": scale}), 1, 2)


# A score that no other can lift: half of the smallest number, so that adding a bias does not
# overflow.
_LOWEST = {"float16": -3e4, "bfloat16": -1e38, "float32": -1e38, "float64": -1e300}


def _causal(backend: Any, query: TensorLike, key: Any) -> Any:
    """Bool (t, s): whether key j is no later than query i."""
    t, s = backend.shape(query)[2], backend.shape(key)[2]
    if None in (t, s):
        raise ValueError("dot_product_attention: is_causal=True needs sequences of known length.")
    return backend.greater_equal(
        backend.expand_dims(backend.arange(0, t, 1, "int32"), 1), backend.arange(0, s, 1, "int32")
    )


@op
def psnr(x1: TensorLike, x2: TensorLike, max_val: float) -> Tensor:
    """Peak signal-to-noise ratio in decibels, 20 log10(max_val) - 10 log10(mean squared
    difference), over all elements.

    Examples:
        >>> unidl.ops.psnr([0.0, 1.0], [0.1, 0.9], max_val=1.0)  # in decibels
        array(20., dtype=float32)
    """
    error = mean(square(subtract(x1, x2)))
    return subtract(20 * math.log10(max_val), multiply(log10(error), 10.0))
