"""A training step taken apart: forward, gradients and update as plain Python, and the calls of each
layer in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from unidl import tree
from unidl.training.batch_loss import batch_loss


class Phases:
    """The step of a compiled and built `model` on (x, y, sample_weight), nests of NumPy arrays.

    Metrics are not updated. For a model with a `train_step` of its own see `own_phases`.
    """

    def __init__(self, model: Any, batch: tuple[Any, Any, Any]) -> None:
        self._model = model
        self._x, self._y, self._sample_weight = tensors_of(model, batch)

    def forward(self) -> Any:
        """The loss, a native scalar."""
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


def tensors_of(model: Any, batch: Any) -> Any:
    """The nest of NumPy arrays as tensors in the dtype that the model computes in."""
    backend, dtype = model.backend, model.compute_dtype

    def tensor(array: Any) -> Any:
        if array is None:
            return None
        array = np.asarray(array)
        value = backend.asarray(array)
        is_cast = array.dtype.kind == "f" and array.dtype.name != dtype
        return backend.cast(value, dtype) if is_cast else value

    return tree.map_structure(tensor, batch)


@contextmanager
def watched_calls(model: Any, around: Callable[..., Any]) -> Iterator[None]:
    """Inside, each layer of `model` runs `around(layer, call, *args, **kwargs)` for its `call`."""
    with wrapped(
        [layer for layer in model._flatten_layers() if layer is not model], "call", around
    ):
        yield


@contextmanager
def wrapped(owners: list[Any], name: str, around: Callable[..., Any]) -> Iterator[None]:
    """Inside, each of the owners runs `around(owner, method, *args, **kwargs)` for its method
    `name`."""
    before = [vars(owner).get(name) for owner in owners]
    # Past `__setattr__`, which would have compiled steps thrown away.
    for owner in owners:
        vars(owner)[name] = partial(around, owner, getattr(owner, name))
    try:
        yield
    finally:
        for owner, own in zip(owners, before, strict=True):
            if own is None:
                del vars(owner)[name]
            else:
                vars(owner)[name] = own
