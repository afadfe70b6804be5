"""A training step of the user's own taken apart while it runs as plain Python: the calls of layers,
the gradients, the updates."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from unidl.autodiff import gradients_watched
from unidl.training import own_steps
from unidl.training.kept_state import KeptState
from unidl.training.phases import tensors_of, watched_calls, wrapped
from unidl.utils.batch import pack_x_y_sample_weight


class Watcher:
    """What runs in the place of the parts of a step; each of these methods runs its part.

    Attributes:
        deep: whether functions that are differentiated inside others are run alone too.
    """

    deep = True

    def layer(self, layer: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A layer's `call`."""
        return call(*args, **kwargs)

    def forward(self, function: Callable[[], Any]) -> None:
        """What `value_and_grad` is about to differentiate, alone, before the gradients."""
        function()

    def gradients(self, compute: Callable[[], Any], variables: list[Any]) -> Any:
        """`compute()` gives what `value_and_grad` returns."""
        return compute()

    def update(self, optimizer: Any, apply: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """An optimizer's `apply`."""
        return apply(*args, **kwargs)


class OwnPhases:
    """The step of a compiled and built `model` that overrides `train_step` on (x, y,
    sample_weight), nests of NumPy arrays.

    Inside `unidl.value_and_grad` and `unidl.grad` tensors may be without values, so the function is
    run once before, and the layers are watched there. Gradients of a framework's own are seen where
    an optimizer gets them.

    Attributes:
        seconds_alone: how long the last `run` took for such runs before the gradients.
    """

    def __init__(self, model: Any, batch: tuple[Any, Any, Any]) -> None:
        self._model, self._batch = model, batch
        self.seconds_alone = 0.0

    def run(self, watcher: Watcher) -> Any:
        """The step, watched; returns what it returns."""
        model, quiet, alone = self._model, False, False
        self.seconds_alone = 0.0

        def layer(layer: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if quiet:
                return call(*args, **kwargs)
            return watcher.layer(layer, call, *args, **kwargs)

        def gradients(compute: Any, function: Callable[[], Any], variables: list[Any]) -> Any:
            nonlocal quiet, alone
            if quiet or (alone and not watcher.deep):
                return compute()
            outer, alone, start = alone, True, time.perf_counter()
            before = KeptState(model)
            watcher.forward(function)
            before.restore()
            alone = outer
            if not alone:
                self.seconds_alone += time.perf_counter() - start
            quiet = True
            try:
                return watcher.gradients(compute, variables)
            finally:
                quiet = False

        step = own_steps.train_function(model)
        data = pack_x_y_sample_weight(*tensors_of(model, self._batch))
        with ExitStack() as watching:
            watching.enter_context(watched_calls(model, layer))
            watching.enter_context(gradients_watched(gradients))
            watching.enter_context(wrapped(own_steps.optimizers_of(model), "apply", watcher.update))
            return step(data)
