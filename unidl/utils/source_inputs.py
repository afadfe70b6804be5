"""get_source_inputs."""

from __future__ import annotations

from typing import Any

from unidl.tracing import KerasTensor
from unidl.utils.arguments import public_function


@public_function
def get_source_inputs(tensor: Any) -> list[Any]:
    """The symbolic tensors that `tensor` was made from: what `Input` began, in the order in which a
    walk back meets them.

    Examples:
        >>> a, b = unidl.Input((2,), name="a"), unidl.Input((2,), name="b")
        >>> [tensor.name for tensor in unidl.utils.get_source_inputs(unidl.layers.add([a, b]))]
        ['a', 'b']
    """
    if not isinstance(tensor, KerasTensor) or tensor.history is None:
        raise ValueError(
            "get_source_inputs: expected a symbolic tensor, which layers return for "
            f"unidl.Input(...), got {tensor!r} of type {type(tensor).__name__}."
        )
    found: dict[int, Any] = {}
    met = set()
    path = [tensor]
    while path:
        node, _ = path.pop().history
        if id(node) in met:
            continue
        met.add(id(node))
        if not node.inputs:
            found.update((id(output), output) for output in node.outputs)
        path += reversed(node.inputs)
    return list(found.values())
