"""A training step taken apart: forward, gradients and update as plain Python, and the calls of each
layer in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from unidl import tree
from unidl.training import own_steps
from unidl.training.batch_loss import batch_loss


class Phases:
    """The step of a compiled and built `model` on (x, y, sample_weight), nests of NumPy arrays.

    Metrics are not updated. A model with a `train_step` of its own has the forward phase alone, on
    x.
    """

    def __init__(self, model: Any, batch: tuple[Any, Any, Any]) -> None:
        self._model = model
        self.whole = not own_steps.trains_by_itself(model)
        self._x, self._y, self._sample_weight = tree.map_structure(self._tensor, batch)

    def forward(self) -> Any:
        """The loss, a native scalar; None if the model has a step of its own."""
        if not self.whole:
            self._model(self._x, training=True)
            return None
        return self._loss()

    def gradients(self) -> tuple[Any, list[Any]]:
        """The loss, scaled as the optimizer likes, and its gradients for the trainable
        variables."""
        model = self._model
        (loss, _), gradients = model.backend.value_and_grad(
            lambda: (model.optimizer.scale_loss(self._loss()), []),
            model.trainable_variables,
            has_aux=True,
        )
        return loss, gradients

    def update(self, gradients: list[Any]) -> None:
        """Let the optimizer change the weights."""
        self._model.optimizer.begin_step()
        self._model.optimizer.apply(gradients, self._model.trainable_variables)

    def _loss(self) -> Any:
        return batch_loss(self._model, self._x, self._y, self._sample_weight, training=True).loss

    def _tensor(self, array: Any) -> Any:
        if array is None:
            return None
        backend, dtype = self._model.backend, self._model.compute_dtype
        array = np.asarray(array)
        value = backend.asarray(array)
        is_cast = array.dtype.kind == "f" and array.dtype.name != dtype
        return backend.cast(value, dtype) if is_cast else value


@contextmanager
def watched_calls(model: Any, around: Callable[..., Any]) -> Iterator[None]:
    """Inside, each layer of `model` runs `around(layer, call, *args, **kwargs)` for its `call`."""
    layers = [layer for layer in model._flatten_layers() if layer is not model]
    before = [vars(layer).get("call") for layer in layers]
    # Past `__setattr__`, which would have compiled steps thrown away.
    for layer in layers:
        vars(layer)["call"] = partial(around, layer, layer.call)
    try:
        yield
    finally:
        for layer, call in zip(layers, before, strict=True):
            if call is None:
                del vars(layer)["call"]
            else:
                vars(layer)["call"] = call
