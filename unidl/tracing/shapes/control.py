"""Symbolic rules: branches, loops, gradients, and what is computed by segments, bits or waves."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, broadcast, check_rank, shapes_agree
from unidl.tracing.shapes.elementwise import common_dtype


class Control:
    # A predicate without a value: both branches were checked to give the same shapes, and either stands for both.

    def cond(self, pred, true_fn, false_fn):
        false_fn()
        return true_fn()

    def while_loop(self, condition, body, state, maximum_iterations=None):
        condition(*state)
        return list(body(*state))

    def custom_gradient(self, function, tensors):
        return function(*tensors)[0]

    def jvp(self, function, primals, tangents):
        outputs = function(*primals)
        return outputs, [KerasTensor(y.shape, y.dtype) for y in outputs]


class Segments:
    def segment_sum(self, x, ids, count):
        return _segments("segment_sum", x, ids, count)

    def segment_max(self, x, ids, count):
        return _segments("segment_max", x, ids, count)

    def segment_min(self, x, ids, count):
        return _segments("segment_min", x, ids, count)

    def segment_prod(self, x, ids, count):
        return _segments("segment_prod", x, ids, count)


def _segments(name, x, ids, count):
    check_rank(name, "data", x.shape, 1)
    if ids.ndim != 1 or not agree(ids.shape[0], x.shape[0]):
        raise ValueError(
            f"{name}: segment_ids must hold one integer for each row of data, got the shapes {ids.shape} and {x.shape}."
        )
    return KerasTensor((count, *x.shape[1:]), x.dtype)


class Special:
    def gcd(self, x1, x2):
        dtype = common_dtype("gcd", x1, x2)
        if not dtypes.is_integer(dtype):
            raise TypeError(f"gcd: integer tensors are needed, got {dtype}.")
        return KerasTensor(broadcast("gcd", x1.shape, x2.shape), dtype)

    def nextafter(self, x1, x2):
        return KerasTensor(
            broadcast("nextafter", x1.shape, x2.shape), common_dtype("nextafter", x1, x2)
        )

    def i0(self, x):
        return KerasTensor(x.shape, x.dtype)

    def bitcast(self, x, dtype):
        old, new = _bytes(x.dtype), _bytes(dtype)
        if old == new:
            return KerasTensor(x.shape, dtype)
        check_rank("view", "a tensor read as numbers of another width", x.shape, 1)
        last = x.shape[-1]
        if last is not None and last * old % new:
            raise ValueError(
                f"view: the last axis of the shape {x.shape}, {last * old} bytes, does not hold whole numbers of {dtype}."
            )
        return KerasTensor((*x.shape[:-1], None if last is None else last * old // new), dtype)


def _bytes(dtype):
    return 1 if dtype == "bool" else int("".join(c for c in dtype if c.isdigit())) // 8


class Fourier:
    def fft(self, real, imag, inverse=False):
        return KerasTensor(_pair("fft", real, imag), real.dtype), KerasTensor(
            real.shape, real.dtype
        )

    def rfft(self, x):
        check_rank("rfft", "x", x.shape, 1)
        bins = None if x.shape[-1] is None else x.shape[-1] // 2 + 1
        return KerasTensor((*x.shape[:-1], bins), x.dtype), KerasTensor(
            (*x.shape[:-1], bins), x.dtype
        )

    def irfft(self, real, imag, n):
        return KerasTensor((*_pair("irfft", real, imag)[:-1], n), real.dtype)


def _pair(name, real, imag):
    check_rank(name, "x", real.shape, 1)
    common_dtype(name, real, imag)
    if not shapes_agree(real.shape, imag.shape):
        raise ValueError(
            f"{name}: real and imaginary part must have one shape, got {real.shape} and {imag.shape}."
        )
    return real.shape
