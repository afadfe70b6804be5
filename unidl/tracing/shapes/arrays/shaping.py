"""Shape rules: functions that move elements around without changing them."""

from __future__ import annotations

from itertools import pairwise

from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, one_axis, product, shapes_agree, some_axes
from unidl.tracing.shapes.operands import common_dtype
from unidl.tracing.sizes import OpenSize, a_size, is_open, merged, of_both, opened

PAD_MODES = ("constant", "reflect", "symmetric", "edge")


class Shaping:
    def reshape(self, x, shape):
        shape = tuple(a_size(size) for size in shape)
        if None in shape:
            return KerasTensor(_with_open_axes(x.shape, shape), x.dtype)
        if shape.count(-1) > 1 or min(shape, default=0) < -1:
            raise ValueError(
                f"reshape: one size may be -1 and all others must be at least 0, got {shape}."
            )
        old, new = _without_common(x.shape, shape)
        total, wanted = product(old), product(size for size in new if size != -1)
        misfit = ValueError(
            f"reshape: a tensor of shape {x.shape} has {total} elements and cannot be given the "
            f"shape {shape}"
            + (
                f", which has {wanted}."
                if -1 not in shape
                else f": {total} is not a multiple of {wanted}."
            )
        )
        if -1 not in shape:
            if is_open(total) and not is_open(wanted) and _cannot_fill(old, wanted):
                raise misfit
            if not agree(total, wanted):
                raise misfit
            return KerasTensor(shape, x.dtype)
        solved = _solve(total, wanted)
        if solved == "misfit":
            raise misfit
        return KerasTensor(tuple(solved if size == -1 else size for size in shape), x.dtype)

    def transpose(self, x, axes):
        full = some_axes("transpose", tuple(axes), x.ndim, x.shape)
        if len(full) != x.ndim:
            raise ValueError(
                f"transpose: axes must contain every axis of the shape {x.shape} once, got "
                f"{tuple(axes)}."
            )
        return KerasTensor(tuple(x.shape[a] for a in axes), x.dtype)

    def broadcast_to(self, x, shape):
        shape = tuple(shape)
        lead = len(shape) - x.ndim
        fits = lead >= 0 and all(size != -1 for size in shape[:lead])
        result = list(shape)
        for axis, size in enumerate(x.shape if fits else ()):
            wanted = shape[lead + axis]
            if wanted == -1:
                result[lead + axis] = size
            elif size != 1 and not agree(size, wanted):
                fits = False
        if not fits:
            raise ValueError(
                f"broadcast_to: a tensor of shape {x.shape} does not broadcast to {shape}. Axes, "
                "counted from the last, must be "
                "equal to the target's, or 1."
            )
        return KerasTensor(result, x.dtype)

    def expand_dims(self, x, axis):
        count = len(axis) if isinstance(axis, (tuple, list)) else 1
        axes = some_axes("expand_dims", axis, x.ndim + count)
        sizes = iter(x.shape)
        return KerasTensor(
            tuple(1 if i in axes else next(sizes) for i in range(x.ndim + count)), x.dtype
        )

    def squeeze(self, x, axis):
        axes = some_axes("squeeze", axis, x.ndim, x.shape)
        for i in axes:
            if not agree(x.shape[i], 1):
                raise ValueError(
                    f"squeeze: axis {i} of the shape {x.shape} has the size {x.shape[i]}; only "
                    "axes of size 1 can be dropped."
                )
        return KerasTensor(tuple(size for i, size in enumerate(x.shape) if i not in axes), x.dtype)

    def concatenate(self, xs, axis):
        shapes = _joinable("concatenate", xs)
        dtype, first = common_dtype("concatenate", *xs), shapes[0]
        axis = one_axis("concatenate", axis, len(first), first)
        for shape in shapes:
            if not shapes_agree(shape[:axis] + shape[axis + 1 :], first[:axis] + first[axis + 1 :]):
                raise ValueError(
                    f"concatenate: all shapes must be equal except on axis {axis}, got "
                    f"{', '.join(map(str, shapes))}. Join along another axis, or pad the shorter "
                    "ones."
                )
        sizes = [shape[axis] for shape in shapes]
        joined = _merge(shapes)
        joined[axis] = None if None in sizes else sum(sizes)
        return KerasTensor(joined, dtype)

    def stack(self, xs, axis):
        shapes = _joinable("stack", xs)
        dtype = common_dtype("stack", *xs)
        if not all(shapes_agree(shape, shapes[0]) for shape in shapes):
            raise ValueError(
                f"stack: all tensors must have the same shape, got {', '.join(map(str, shapes))}. "
                "Use concatenate to join unequal ones."
            )
        joined = _merge(shapes)
        joined.insert(one_axis("stack", axis, len(joined) + 1), len(xs))
        return KerasTensor(joined, dtype)

    def split(self, x, indices_or_sections, axis):
        axis = one_axis("split", axis, x.ndim, x.shape)
        size = _known_size("split", x, axis)
        if isinstance(indices_or_sections, int):
            if indices_or_sections < 1 or (not is_open(size) and size % indices_or_sections):
                raise ValueError(
                    f"split: axis {axis} of the shape {x.shape} cannot be cut into "
                    f"{indices_or_sections} equal parts. Use array_split."
                )
            part = size // indices_or_sections
            if is_open(size):
                part = opened(lambda size: max(1, size // indices_or_sections), size)
            sizes = [part] * indices_or_sections
        else:
            cuts = [0, *indices_or_sections, size]
            sizes = [
                of_both(lambda size, a, b: len(range(size)[a:b]), size, a, b)
                for a, b in pairwise(cuts)
            ]
        return [
            KerasTensor((*x.shape[:axis], part, *x.shape[axis + 1 :]), x.dtype) for part in sizes
        ]

    def unstack(self, x, axis):
        axis = one_axis("unstack", axis, x.ndim, x.shape)
        shape = x.shape[:axis] + x.shape[axis + 1 :]
        return [KerasTensor(shape, x.dtype) for _ in range(_known_size("unstack", x, axis))]

    def flip(self, x, axis):
        some_axes("flip", axis, x.ndim, x.shape)
        return KerasTensor(x.shape, x.dtype)

    def tile(self, x, repeats):
        if len(repeats) != x.ndim:
            raise ValueError(
                f"tile: expected one repeat for each axis of the shape {x.shape}, got "
                f"{tuple(repeats)}."
            )
        return KerasTensor(
            tuple(None if s is None else s * r for s, r in zip(x.shape, repeats, strict=True)),
            x.dtype,
        )

    def repeat(self, x, repeats, axis):
        axis = one_axis("repeat", axis, x.ndim, x.shape)
        shape = list(x.shape)
        shape[axis] = None if shape[axis] is None else shape[axis] * repeats
        return KerasTensor(shape, x.dtype)

    def pad(self, x, pad_width, mode="constant", constant_values=0):
        if mode not in PAD_MODES:
            raise ValueError(f"pad: mode must be one of {', '.join(PAD_MODES)}, got {mode!r}.")
        if len(pad_width) != x.ndim or any(len(pair) != 2 or min(pair) < 0 for pair in pad_width):
            raise ValueError(
                f"pad: one pair of non-negative ints for each axis of the shape {x.shape} is "
                f"needed, got {pad_width}."
            )
        for i, (size, pair) in enumerate(zip(x.shape, pad_width, strict=True)):
            most = (
                None
                if is_open(size) or mode == "constant"
                else size - 1
                if mode == "reflect"
                else size
                if mode == "symmetric"
                else None
            )
            if (most is not None and max(pair) > most) or (
                mode == "edge" and size == 0 and max(pair)
            ):
                raise ValueError(
                    f"pad: axis {i} of the shape {x.shape} is too short for padding by "
                    f"{tuple(pair)} in mode {mode!r}."
                )
        return KerasTensor(
            tuple(
                None if s is None else s + a + b
                for s, (a, b) in zip(x.shape, pad_width, strict=True)
            ),
            x.dtype,
        )


def _with_open_axes(old, new):
    """`new`, in which each None stands for an open axis of `old`, with its -1 solved from the axes
    that are known."""
    if new.count(None) != old.count(None) or new.count(-1) > 1:
        raise ValueError(
            f"reshape: the open axes of {old} cannot be told apart in {new}. Write -1 for the one "
            "that changes."
        )
    total, wanted = (
        product(size for size in shape if size not in (None, -1)) for shape in (old, new)
    )
    if (-1 not in new and total != wanted) or (-1 in new and (not wanted or total % wanted)):
        raise ValueError(
            f"reshape: a tensor of shape {old} cannot be given the shape {new}: the known sizes "
            f"have {total} and {wanted}."
        )
    return tuple(total // wanted if size == -1 else size for size in new)


def _cannot_fill(shape, wanted):
    """Whether no size of the open axes gives `wanted` elements."""
    known = product(size for size in shape if not is_open(size))
    return bool(wanted % known) if known else bool(wanted)


def _without_common(old, new):
    """Both shapes without the open sizes that stand in each of them."""
    old, new = list(old), list(new)
    for size in [s for s in old if type(s) is OpenSize]:
        if any(type(s) is OpenSize and s == size for s in new):
            old.remove(size)
            new.remove(size)
    return old, new


def _solve(total, wanted):
    """Size of the -1, "misfit" if there is none."""
    if is_open(total) or is_open(wanted):
        return opened(lambda total, wanted: max(1, total // max(1, wanted)), total, wanted)
    if wanted == 0:
        return "misfit" if total else 0
    return "misfit" if total % wanted else total // wanted


def _known_size(name, x, axis):
    if x.shape[axis] is None:
        raise ValueError(
            f"{name}: axis {axis} of the shape {x.shape} is open, so the number of parts is "
            "unknown. Give it a size in Input(shape=...)."
        )
    return x.shape[axis]


def _joinable(name, xs):
    if not xs:
        raise ValueError(f"{name}: expected at least one tensor, got an empty list.")
    return [x.shape for x in xs]


def _merge(shapes):
    """Axis by axis the known size."""
    return [merged(sizes) for sizes in zip(*shapes, strict=True)]
