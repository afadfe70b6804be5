"""Tensor functions, by NumPy's names and Keras 3's.

They take and return native tensors of any backend; NumPy arrays, Python numbers, nested lists and Variables are accepted
everywhere. The backend is that of the tensors, else the active one. Called on a `KerasTensor`, a function becomes a node of
the functional graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils.namespaces import namespace

import sys  # isort: skip_file

from unidl.tracing.capture.symbol import Symbol
from unidl.tracing import KerasTensor
from unidl.backend.variable import Variable
from unidl.ops.activations import (
    celu, elu, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu, log_sigmoid, log_softmax, mish,
    relu, relu6, selu, sigmoid, silu, soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax,
    squareplus, swish, tanh_shrink, threshold,
)  # fmt: skip
from unidl.ops.complex import (
    angle,
    conj,
    conjugate,
    imag,
    isreal,
    polar,
    real,
    view_as_complex,
    view_as_real,
)
from unidl.ops.composed import (
    allclose, cbrt, deg2rad, divide_no_nan, erfc, exp2, fabs, fmax, fmin, fmod, heaviside, hypot, isclose, isneginf, isposinf,
    ldexp, log10, log2, logaddexp, logaddexp2, nan_to_num, rad2deg, sinc,
)  # fmt: skip
from unidl.ops.control import cond, fori_loop, map, scan, switch, vectorized_map, while_loop
from unidl.ops.convolution import (
    adaptive_average_pool, adaptive_max_pool, average_pool, conv, conv_transpose, depthwise_conv, max_pool, separable_conv,
)  # fmt: skip
from unidl.ops.core import (
    array, cast, convert_to_numpy, convert_to_tensor, copy, device_scope, dtype, is_tensor, ndim, saturate_cast, shape, size,
    slice, slice_update, stop_gradient,
)  # fmt: skip
from unidl.ops.creation import (
    arange, bartlett, blackman, empty, empty_like, eye, full, full_like, geomspace, hamming, hanning, identity, kaiser, linspace,
    logspace, ones, ones_like, tri, zeros, zeros_like,
)  # fmt: skip
from unidl.ops.ctc import ctc_decode, ctc_loss
from unidl.ops.elementwise import (
    abs, absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, bitwise_and, bitwise_invert,
    bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, ceil, clip, cos, cosh, divide, equal, erf,
    erfinv, exp, expm1, floor, floor_divide, greater, greater_equal, isfinite, isinf, isnan, left_shift, less, less_equal, log,
    log1p, logical_and, logical_not, logical_or, logical_xor, maximum, minimum, mod, multiply, negative, not_equal, power,
    reciprocal, right_shift, round, rsqrt, sign, sin, sinh, sqrt, square, subtract, tan, tanh, true_divide, trunc,
)  # fmt: skip
from unidl.ops.functional import associative_scan, custom_gradient, jvp, vectorize
from unidl.ops.indexing import (
    argsort, bincount, digitize, get_item, in_top_k, isin, scatter, scatter_update, searchsorted, select, sort, take,
    take_along_axis, top_k, unravel_index, where,
)  # fmt: skip
from unidl.ops.linalg import (
    cdist, cholesky, cholesky_inverse, det, eig, eigh, inv, logdet, lstsq, lu_factor, matrix_rank, norm, pinv, qr, slogdet, solve,
    solve_triangular, svd,
)  # fmt: skip
from unidl.ops.nan import (
    nanargmax, nanargmin, nancumprod, nancumsum, nanmax, nanmean, nanmedian, nanmin, nanpercentile, nanprod, nanquantile,
    nanstd, nansum, nanvar,
)  # fmt: skip
from unidl.ops.nn import (
    batch_normalization, binary_crossentropy, categorical_crossentropy, dot_product_attention, layer_normalization, moments,
    multi_hot, normalize, one_hot, psnr, rms_normalization, sparse_categorical_crossentropy,
)  # fmt: skip
from unidl.ops.bits_and_divisors import gcd, i0, lcm, nextafter, signbit, view
from unidl.ops.operators import bind_equality_with_tensors, bind_operators
from unidl.ops.products import (
    cross, diag, diagflat, diagonal, dot, einsum, inner, kron, matmul, outer, tensordot, trace, tril, triu, vander, vdot,
)  # fmt: skip
from unidl.ops.rearrange import rearrange
from unidl.ops.reductions import (
    all, amax, amin, any, argmax, argmin, average, count_nonzero, cumprod, cumsum, diff, logsumexp, max, mean, median, min,
    percentile, prod, ptp, quantile, std, sum, trapezoid, var,
)  # fmt: skip
from unidl.ops.segments import segment_max, segment_min, segment_prod, segment_sum
from unidl.ops.sets import argpartition, histogram, nonzero, unique
from unidl.ops.shaping import (
    append, array_split, broadcast_to, concatenate, depth_to_space, dsplit, dstack, expand_dims, flip, fliplr, flipud, hsplit,
    hstack, meshgrid, moveaxis, pad, ravel, repeat, reshape, roll, rot90, space_to_depth, split, squeeze, stack, swapaxes, tile,
    transpose, unstack, vsplit, vstack,
)  # fmt: skip
from unidl.ops.signal import fft, fft2, ifft2, irfft, istft, rfft, stft
from unidl.ops.statistics import corrcoef, correlate
from unidl.ops.patches import extract_sequences, fold, unfold

__all__ = [  # noqa: RUF022 - many names a line
    "abs", "absolute", "adaptive_average_pool", "adaptive_max_pool", "add", "all", "allclose", "amax", "amin", "angle", "any",
    "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin",
    "argpartition", "argsort", "array", "array_split", "associative_scan", "average", "average_pool", "bartlett",
    "batch_normalization", "binary_crossentropy", "bincount", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "blackman", "broadcast_to", "cast",
    "categorical_crossentropy", "cbrt", "cdist", "ceil", "celu", "cholesky", "cholesky_inverse", "clip", "concatenate",
    "cond", "conj", "conjugate", "conv", "conv_transpose", "convert_to_numpy", "convert_to_tensor", "copy", "corrcoef",
    "correlate", "cos", "cosh", "count_nonzero", "cross", "ctc_decode", "ctc_loss", "cumprod", "cumsum", "custom_gradient",
    "deg2rad", "depth_to_space", "depthwise_conv", "det", "device_scope", "diag", "diagflat", "diagonal", "diff", "digitize",
    "divide", "divide_no_nan", "dot", "dot_product_attention", "dsplit", "dstack", "dtype", "eig", "eigh", "einsum", "elu",
    "empty", "empty_like", "equal", "erf", "erfc", "erfinv", "exp", "exp2", "expand_dims", "expm1", "extract_sequences",
    "eye", "fabs", "fft", "fft2", "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "fold",
    "fori_loop", "full", "full_like", "gcd", "gelu", "geomspace", "get_item", "glu", "greater", "greater_equal", "hamming",
    "hanning", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "heaviside", "histogram", "hsplit",
    "hstack", "hypot", "i0", "identity", "ifft2", "imag", "in_top_k", "inner", "inv", "irfft", "is_tensor", "isclose",
    "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "istft", "jvp", "kaiser", "kron",
    "layer_normalization", "lcm", "ldexp", "leaky_relu", "left_shift", "less", "less_equal", "linspace", "log", "log10",
    "log1p", "log2", "log_sigmoid", "log_softmax", "logaddexp", "logaddexp2", "logdet", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logspace", "logsumexp", "lstsq", "lu_factor", "map", "matmul", "matrix_rank", "max",
    "max_pool", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mish", "mod", "moments", "moveaxis", "multi_hot",
    "multiply", "nan_to_num", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "ndim", "negative", "nextafter", "nonzero",
    "norm", "normalize", "not_equal", "one_hot", "ones", "ones_like", "outer", "pad", "percentile", "pinv", "polar", "power",
    "prod", "psnr", "ptp", "qr", "quantile", "rad2deg", "ravel", "real", "rearrange", "reciprocal", "relu", "relu6", "repeat",
    "reshape", "rfft", "right_shift", "rms_normalization", "roll", "rot90", "round", "rsqrt", "saturate_cast", "scan",
    "scatter", "scatter_update", "searchsorted", "segment_max", "segment_min", "segment_prod", "segment_sum", "select",
    "selu", "separable_conv", "shape", "sigmoid", "sign", "signbit", "silu", "sin", "sinc", "sinh", "size", "slice",
    "slice_update", "slogdet", "soft_shrink", "softmax", "softplus", "softsign", "solve", "solve_triangular", "sort",
    "space_to_depth", "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid", "sparsemax", "split", "sqrt",
    "square", "squareplus", "squeeze", "stack", "std", "stft", "stop_gradient", "subtract", "sum", "svd", "swapaxes", "swish",
    "switch", "take", "take_along_axis", "tan", "tanh", "tanh_shrink", "tensordot", "threshold", "tile", "top_k", "trace",
    "transpose", "trapezoid", "tri", "tril", "triu", "true_divide", "trunc", "unfold", "unique", "unravel_index", "unstack",
    "vander", "var", "vdot", "vectorize", "vectorized_map", "view", "view_as_complex", "view_as_real", "vsplit", "vstack",
    "where", "while_loop", "zeros", "zeros_like",
]  # fmt: skip
if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)

bind_operators(KerasTensor, sys.modules[__name__])
bind_operators(Symbol, sys.modules[__name__], other_ufunc=Symbol._no_value)
# Variables among themselves are compared by identity: they are looked up in lists and sets.
bind_operators(Variable, sys.modules[__name__], equality=False)
bind_equality_with_tensors(Variable, equal, not_equal)
