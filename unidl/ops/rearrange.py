"""Axes by name, in the notation of einops (Rogozhnikov, "Einops: Clear and Reliable Tensor
Manipulations", 2022)."""

from __future__ import annotations

import math
import re
from typing import Any

from unidl.ops.dispatch import op, tensor_of
from unidl.ops.shaping import reshape, transpose
from unidl.typing import Tensor, TensorLike


@op
def rearrange(tensor: TensorLike, pattern: str, **axes_lengths: Any) -> Tensor:
    """Axes split, reordered and joined: rearrange(images, "b (h p) (w q) c -> b h w (p q c)", p=2,
    q=2).

    Parentheses hold axes that are, or become, one. `axes_lengths` tells their sizes, of which one
    for each parenthesis can be left out.

    Examples:
        >>> unidl.ops.rearrange(np.ones((2, 32, 30, 3)), "b h w c -> b c (h w)").shape
        (2, 3, 960)
        >>> unidl.ops.rearrange(np.ones((2, 32, 3)), "b (h k) c -> b h (k c)", k=4).shape
        (2, 8, 12)
    """
    backend, tensor = tensor_of(tensor)
    shape = tuple(backend.shape(tensor))
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f'rearrange: the pattern must be "axes -> axes", got {pattern!r}.')
    left, right = (_groups(pattern, side) for side in sides)
    names, target = [n for group in left for n in group], [n for group in right for n in group]
    if len(set(names)) != len(names) or sorted(names) != sorted(target):
        raise ValueError(
            f"rearrange: each axis must occur once on each side of the pattern, got {pattern!r}."
        )
    if len(left) != len(shape):
        raise ValueError(
            f"rearrange: the left side of {pattern!r} names {len(left)} axes, but the tensor has "
            f"the shape {shape}."
        )
    unknown = set(axes_lengths) - set(names)
    if unknown:
        raise ValueError(
            f"rearrange: {', '.join(sorted(unknown))} is not an axis of the pattern {pattern!r}."
        )
    sizes: dict[str, int | None] = {}
    for group, size in zip(left, shape, strict=True):
        sizes |= _sizes(pattern, group, size, axes_lengths)
    tensor = reshape(tensor, _openable(sizes[n] for n in names))
    tensor = transpose(tensor, [names.index(n) for n in target])
    return reshape(tensor, _openable(_product(sizes[n] for n in group) for group in right))


def _groups(pattern: Any, side: Any) -> Any:
    """The axes of one side: a list of names for each axis of the tensor."""
    found = re.findall(r"\(([\w\s]*)\)|(\w+)", side)
    if re.sub(r"\([\w\s]*\)|\w+|\s+", "", side):
        raise ValueError(
            f"rearrange: a pattern has names, spaces, parentheses and one arrow, got {pattern!r}."
        )
    return [[name] if name else inner.split() for inner, name in found]


def _sizes(pattern: Any, group: Any, size: Any, given: Any) -> Any:
    """Size of each axis in `group`, which together make an axis of `size`."""
    missing = [n for n in group if n not in given]
    product = math.prod(given[n] for n in group if n in given)
    if len(missing) > 1 and len(group) > 1:
        raise ValueError(
            f"rearrange: the sizes of {', '.join(missing)} in {pattern!r} are open. Give all but "
            f"one, e.g. {missing[0]}=2."
        )
    if size is not None and (size % product if missing else size != product):
        raise ValueError(
            f"rearrange: an axis of size {size} cannot be ({' '.join(group)}) in {pattern!r} with "
            f"{given}."
        )
    return {n: given[n] if n in given else None if size is None else size // product for n in group}


def _product(sizes: Any) -> Any:
    total: int | None = 1
    for size in sizes:
        total = None if total is None or size is None else total * size
    return total


def _openable(sizes: Any) -> Any:
    return tuple(-1 if size is None else size for size in sizes)
