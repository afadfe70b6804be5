"""What rules for MultiHeadAttention of several frameworks share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from unidl.port.errors import Refused
from unidl.port.weight_rules import between, transposed


class Heads(NamedTuple):
    """
    Attributes:
        names: of query, value and maybe key, as they are given. causal: whether they are masked so.
        sizes: of the last axes of query, key, value and of the result.
        weights: of linear modules "query", "key", "value" and "output", with a weight (out, in).
        masks: {argument: mask} of those that are given.
    """

    names: list[str]
    causal: bool
    sizes: list[int]
    weights: list[tuple]
    masks: dict[str, Any]


def heads_of(m: Any, call: Any) -> Heads:
    """A plain attention of three axes; `Refused` for any other."""
    given = dict(zip(("query", "value", "key"), call.node.args, strict=False)) | call.node.kwargs
    tensors = {n: given.pop(n) for n in ("query", "value", "key") if given.get(n) is not None}
    causal = given.pop("use_causal_mask", False)
    given.pop("training", None)
    masks = {n: given.pop(n) for n in call.masks()}
    unusual = any(v is not None and v is not False for v in given.values())
    if unusual or m.use_gate or m._shared_by != 1 or len(m.attention_axes) != 1 or call.rank != 3:
        raise Refused("attention with scores, a gate, shared heads or over several axes")
    if m.sliding_window is not None or (m.output_shape is not None and len(m.output_shape) > 1):
        raise Refused("attention within a sliding window, or with an output of several axes")
    value = tensors["value"]
    sizes = [t.shape[-1] for t in (tensors["query"], tensors.get("key", value), value)]
    weights: list[tuple] = []
    for name in ("query", "key", "value"):
        weights += _projection(name, getattr(m, f"{name}_dense"), 1)
    weights += _projection("output", m.output_dense, 2)
    places = {id(t): i for i, t in reversed([*enumerate(call.node.inputs)])}
    names = [call.plain(places[id(t)]) for t in tensors.values()]
    return Heads(names, causal, [*sizes, call.outputs[0].shape[-1]], weights, masks)


def kept(
    call: Any, masks: dict[str, Any], of_query: str, of_key: str, of_both: str = "{}"
) -> list[str]:
    """Terms that are all True where a query may attend to a key; the patterns bring masks
    (batch, t), (batch, s) and (batch, t, s) into one shape."""
    patterns = {"query_mask": of_query, "value_mask": of_key, "key_mask": of_key}
    for name, mask in masks.items():
        if len(mask.shape) != (2 if name in patterns else 3):
            raise Refused("a mask of attention for each of its heads")
    texts = (patterns.get(n, of_both).format(call.text(mask)) for n, mask in masks.items())
    return [*dict.fromkeys(texts)]


def require_queries(masks: dict[str, Any]) -> None:
    """Of masks that are joined with a causal one: they have to have an axis for queries."""
    if not masks.keys() & {"query_mask", "attention_mask"}:
        raise Refused("a causal mask beside one of keys alone")


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


def attentions(module: str) -> dict[str, Any]:
    """The rules of `ops.attention` and the grouped one, by the helper of that name; `module` has
    NumPy's `repeat`."""

    def written(call: Any, query: str, key: str, value: str, bias: Any, scale: Any) -> str:
        given = [query, key, value, *([] if bias is None else [call.text(bias)])]
        return f"{call.helper('attention')}({', '.join(given)}, scale={scale!r})"

    def plain(
        call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
    ) -> str:
        return written(call, call.text(query), call.text(key), call.text(value), bias, scale)

    def grouped(
        call: Any, query: Any, key: Any, value: Any, bias: Any = None, scale: Any = 1.0
    ) -> str:
        shared = query.shape[1] // key.shape[1]
        k, v = (f"{module}.repeat({call.text(x)}, {shared}, axis=1)" for x in (key, value))
        return written(call, call.text(query), k, v, bias, scale)

    return {"attention": plain, "grouped_attention": grouped}
