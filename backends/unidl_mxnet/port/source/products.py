"""Products of tensors, and attention."""

from __future__ import annotations

import math
from typing import Any

from unidl.port.errors import Refused
from unidl_mxnet.port.source.functions import function


@function("matmul")
def matmul(call: Any, x1: Any, x2: Any) -> str:
    if len(x2.shape) == 2:
        return f"F.dot({call.text(x1)}, {call.text(x2)})"
    ranks = {len(x1.shape), len(x2.shape)}
    if len(ranks) > 1 or min(ranks) < 3 or tuple(x1.shape[:-2]) != tuple(x2.shape[:-2]):
        raise Refused("ops.matmul that broadcasts; write ops.einsum or repeat one of them")
    name = "F.batch_dot" if ranks == {3} else "F.linalg.gemm2"
    return f"{name}({call.text(x1)}, {call.text(x2)})"


@function("linear")
def linear(call: Any, x: Any, kernel: Any, bias: Any = None) -> str:
    product = f"F.dot({call.text(x)}, {call.text(kernel)})"
    return product if bias is None else f"F.broadcast_add({product}, {call.text(bias)})"


@function("dot")
def dot(call: Any, x1: Any, x2: Any) -> str:
    if len(x2.shape) != 2:
        raise Refused("ops.dot with more than two axes; write ops.matmul or ops.einsum")
    return f"F.dot({call.text(x1)}, {call.text(x2)})"


@function("einsum")
def einsum(call: Any, equation: str, *operands: Any) -> str:
    """As a product of matrices, for each index that all have in common."""
    left, _, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if "..." in left:
        terms, result = _without_dots(terms, result, [len(x.shape) for x in operands])
    is_plain = len(terms) == 2 and result and "." not in result
    if not is_plain or any(len(set(t)) < len(t) for t in (*terms, result)):
        raise Refused(f"the einsum {equation!r}: only products of two tensors are written")
    a, b = terms
    shared = [i for i in a if i in b and i in result]
    summed = [i for i in a if i in b and i not in result]
    alone = [[i for i in a if i not in b], [i for i in b if i not in a]]
    if any(i not in result for i in alone[0] + alone[1]):
        raise Refused(f"the einsum {equation!r}, which sums over an index of one tensor")
    sizes = dict(zip(a + b, [*operands[0].shape, *operands[1].shape], strict=True))
    one = _as_matrices(call, operands[0], a, [shared, alone[0], summed], sizes)
    other = _as_matrices(call, operands[1], b, [shared, summed, alone[1]], sizes)
    text = f"F.batch_dot({one}, {other})" if shared else f"F.dot({one}, {other})"
    order = [*shared, *alone[0], *alone[1]]
    if [len(shared), len(alone[0]), len(alone[1])] != [bool(shared), 1, 1]:
        text = f"F.reshape({text}, shape={_shape_of(order, sizes)})"
    return text if order == [*result] else f"F.transpose({text}, axes={_order(order, result)})"


def _without_dots(terms: list[str], result: str, ranks: list[int]) -> tuple[list[str], str]:
    """With capital letters in the place of dots: as many as the tensor has axes there."""
    counts = [n - len(t.replace("...", "")) for t, n in zip(terms, ranks, strict=False)]
    letters = "ZYXWVUTS"[8 - max(counts) :]
    found = [
        t.replace("...", letters[len(letters) - n :]) for t, n in zip(terms, counts, strict=False)
    ]
    return found, result.replace("...", letters)


def _as_matrices(call: Any, x: Any, term: str, groups: list, sizes: dict) -> str:
    """`x` with each group of its indices as one axis, without the first group if it is empty."""
    text, order = call.text(x), [i for group in groups for i in group]
    groups = [g for n, g in enumerate(groups) if g or n]
    if order != [*term]:
        text = f"F.transpose({text}, axes={_order(term, order)})"
    if all(len(group) == 1 for group in groups):
        return text
    merged = []
    for group in groups:
        known = [sizes[i] for i in group]
        merged.append(None if None in known else math.prod(known))
    if merged.count(None) > 1:
        raise Refused("an einsum of several open sizes")
    return f"F.reshape({text}, shape={tuple(-1 if n is None else n for n in merged)})"


def _order(have: Any, want: Any) -> tuple:
    return tuple([*have].index(i) for i in want)


def _shape_of(indices: list, sizes: dict) -> tuple:
    found = [sizes[i] for i in indices]
    if found.count(None) > 1:
        raise Refused("an einsum of several open sizes")
    return tuple(-1 if n is None else n for n in found)


@function("attention")
def attention(
    call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
) -> str:
    if len(query.shape) < 3:
        raise Refused("attention without a batch")
    given = [call.text(x) for x in (query, key, value)]
    return _attention(call, given, bias, scale)


def _attention(call: Any, given: list[str], bias: Any, scale: Any) -> str:
    behind = "" if bias is None else f", {call.text(bias)}"
    return f"{call.helper('attention')}(F, {', '.join(given)}, {scale!r}{behind})"


@function("grouped_attention")
def grouped_attention(
    call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
) -> str:
    each = query.shape[1] // key.shape[1]
    given = [f"F.repeat({call.text(x)}, repeats={each}, axis=1)" for x in (key, value)]
    return _attention(call, [call.text(query), *given], bias, scale)
