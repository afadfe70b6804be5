"""model_cost: what a model computes and holds, counted without computing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from unidl.backend.dtypes import itemsize
from unidl.layers.base.structures import map_shapes, tensors_of
from unidl.tracing import KerasTensor, graph
from unidl.tracing.capture import NotCapturable
from unidl.tracing.counting import count
from unidl.utils.arguments import public_function


@dataclass(frozen=True)
class ModelCost:
    """What `model_cost` returns.

    Attributes:
        batch_size: number of samples that it is for.
        flops: floating point operations of a forward pass; a multiplication and an addition are
            two. Matrix products, convolutions, attention and recurrent layers are counted.
        weights: bytes of all weights.
        optimizer: bytes of the optimizer's variables, 0 before they are created.
        activations: bytes of the results of all functions inside the model: the most that a
            training step keeps for its gradients.
    """

    batch_size: int
    flops: int
    weights: int
    optimizer: int
    activations: int
    _flops: dict[tuple[str, ...], int] = field(repr=False)

    def flops_of(self, *layers: Any) -> int:
        """The part of the last of `layers`, which stands in those before it, the model first."""
        path = tuple(layer.path for layer in layers)
        return sum(n for key, n in self._flops.items() if key[: len(path)] == path)


@public_function
def model_cost(model: Any, batch_size: int = 1, input_shape: Any = None) -> ModelCost:
    """Count the operations of a forward pass of `model`, and its memory.

    The model runs once on tensors without values; the result is the same on every backend.

    Args:
        batch_size: number of samples.
        input_shape: of its inputs, batch axis included, as `build` takes it; needed if an axis
            other than the batch axis is open, or the model is not built.

    Raises:
        ValueError: a size is unknown, a loop's length depends on values, or a layer calls framework
            functions.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((100,)), unidl.layers.Dense(10)])
        >>> unidl.utils.model_cost(model, batch_size=32).flops  # a product and a sum each
        64000
    """
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"model_cost: batch_size must be a positive integer, got {batch_size!r}.")
    inputs = _inputs(model, input_shape)
    tensors = graph.flatten_tensors(inputs)
    specs = [(_closed(model, t, batch_size), t.dtype) for t in tensors]
    if not model.built:
        model.build(map_shapes(tuple, input_shape))

    def forward(*symbols: Any) -> Any:
        given = iter(symbols)
        return model(graph.map_tensors(lambda _: next(given), inputs), training=False)

    try:
        flops, sizes = count(model.backend, forward, model._device_variables, specs)
    except NotCapturable as error:
        raise ValueError(
            f"model_cost: {model._who()} cannot be counted, since one of its layers calls "
            "framework functions, or reads values. Write its call() with unidl.ops."
        ) from error
    optimizer = model.optimizer if getattr(model, "compiled", False) else None
    held = optimizer.variables if optimizer is not None and optimizer.built else ()
    return ModelCost(
        batch_size, sum(flops.values()), memory(model._device_variables), memory(held),
        sum(sizes.values()), flops,
    )  # fmt: skip


def elements(variables: Iterable[Any]) -> int:
    return sum(math.prod(v.shape) for v in variables)


def memory(variables: Iterable[Any]) -> int:
    """Bytes of Variables."""
    return sum(math.prod(v.shape) * itemsize(v.dtype) for v in variables)


def _inputs(model: Any, input_shape: Any) -> Any:
    """The first argument of a call, as KerasTensors."""
    plan = getattr(model, "_plan", None)
    if plan is not None and input_shape is None:
        return plan.inputs
    if plan is not None:
        wanted = graph.flatten_tensors(tensors_of(input_shape, "float32"))
        if len(wanted) != len(plan.input_tensors):
            raise ValueError(
                f"model_cost: {model._who()} has {len(plan.input_tensors)} inputs, input_shape has "
                f"{len(wanted)} shapes."
            )
        shapes = iter(wanted)
        return graph.map_tensors(lambda t: KerasTensor(next(shapes).shape, t.dtype), plan.inputs)
    shapes = input_shape
    if shapes is None and model._build_shapes:
        shapes = next(iter(model._build_shapes.values()))
    if shapes is None:
        raise ValueError(
            f"model_cost: {model._who()} is not built, so its input shape is unknown. Write "
            "model_cost(model, input_shape=(None, ...))."
        )
    return tensors_of(shapes, model.compute_dtype)


def _closed(model: Any, tensor: Any, batch_size: int) -> tuple[int, ...]:
    """The shape with the batch's size for the first axis."""
    shape = (batch_size, *tensor.shape[1:])
    if None in shape:
        example = tuple(128 if size is None else size for size in tensor.shape[1:])
        raise ValueError(
            f"model_cost: axis {shape.index(None)} of an input of {model._who()} is open, it has "
            f"the shape {tensor.shape}. Say how long it is: model_cost(model, "
            f"input_shape=(None, {str(example)[1:-1].rstrip(',')}))."
        )
    return shape
