"""Shapes of `einsum` from its subscripts."""

from __future__ import annotations

from unidl.tracing.shapes.arithmetic import agree, broadcast
from unidl.tracing.sizes import is_open, merged


def einsum_shape(subscripts, shapes):
    """Output shape of `einsum(subscripts, ...)` for operands of `shapes`."""
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise ValueError(
            f"einsum: {subscripts!r} has {len(terms)} operands, but got {len(shapes)} tensors."
        )
    sizes, batches = {}, []
    for term, shape in zip(terms, shapes, strict=True):
        _bind(subscripts, term, shape, ", ".join(map(str, shapes)), sizes, batches)
    batch = broadcast("einsum", *batches) if batches else ()
    if not arrow:
        letters = inputs.replace(",", "").replace(".", "")
        output = ("..." if batches else "") + "".join(
            sorted(c for c in set(letters) if letters.count(c) == 1)
        )
    head, ellipsis, tail = output.partition("...")
    unknown = set(head + tail) - set(sizes)
    if unknown:
        raise ValueError(
            f"einsum: {subscripts!r} has {', '.join(sorted(unknown))!r} in its output but in no "
            "operand."
        )
    return (*(sizes[c] for c in head), *(batch if ellipsis else ()), *(sizes[c] for c in tail))


def _bind(subscripts, term, shape, shapes, sizes, batches):
    """Enter the sizes of one operand's letters into `sizes`, the axes of its ellipsis into
    `batches`."""
    head, ellipsis, tail = term.partition("...")
    named = len(head) + len(tail)
    if len(shape) != named and not (ellipsis and len(shape) > named):
        raise ValueError(
            f"einsum: {term!r} in {subscripts!r} means {named} "
            f"axes{' or more' if ellipsis else ''}, got the shape {shape}."
        )
    if ellipsis:
        batches.append(shape[len(head) : len(shape) - len(tail)])
    last = shape[len(shape) - len(tail) :] if tail else ()
    for letter, size in zip(head + tail, (*shape[: len(head)], *last), strict=True):
        before = sizes.setdefault(letter, size)
        if is_open(before) or before == 1:
            sizes[letter] = before if is_open(size) and before == 1 else merged((size, before))
        elif not agree(before, size) and size != 1:
            raise ValueError(
                f"einsum: the axis {letter!r} in {subscripts!r} has the sizes {before} and {size}; "
                f"they must be equal. Shapes: {shapes}."
            )
