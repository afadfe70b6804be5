"""The look into one training step that `NaNFinder` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from unidl import tree
from unidl.optimizers import LossScaleOptimizer
from unidl.training import own_steps
from unidl.training.kept_state import KeptState
from unidl.training.own_phases import OwnPhases, Watcher
from unidl.training.phases import Phases, watched_calls


class NotFinite(Exception):
    """Raised at a number that is not finite, with (phase, where, what was found)."""


class Look(Watcher):
    """Checks the numbers of a step on `model`, which runs as plain Python.

    Raises:
        NotFinite: at the first one that is NaN or infinite.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._backend = model, model.backend
        optimizers = own_steps.optimizers_of(model)
        # These leave a step out where a gradient is not finite, and go on with a smaller scale.
        self._may_overflow = any(isinstance(each, LossScaleOptimizer) for each in optimizers)

    def at_data(self, batch: Any) -> None:
        """Check (x, y, sample_weight), nests of NumPy arrays."""
        for name, part in zip(("x", "y", "sample_weight"), batch, strict=True):
            for leaf in tree.flatten(part):
                self._check("data", name, leaf)

    def through(self, batch: Any) -> None:
        """Run the step of `compile` on the batch."""
        model, phases = self._model, Phases(self._model, batch)
        now = KeptState(model)
        with watched_calls(model, self.layer):
            loss = phases.forward()
        self._check("loss", f"{model.loss!r}", loss)
        now.restore()
        _, gradients = phases.gradients()
        variables = model.trainable_variables
        self._check_gradients(variables, gradients)
        phases.update(gradients)
        self._check_variables(variables)

    def through_own_step(self, batch: Any) -> None:
        """Run the `train_step` of the user's own on the batch."""
        logs = OwnPhases(self._model, batch).run(self)
        # What no optimizer changed, such as moving averages.
        self._check_variables(v for v, _ in KeptState(self._model).values)
        for name, value in logs.items():
            for leaf in tree.flatten(value):
                self._check("loss", f"the number {name!r} that train_step() returns", leaf)

    # -- parts of a step ---------------------------------------------------------------------------

    def layer(self, layer: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        outputs = call(*args, **kwargs)
        for leaf in tree.flatten(outputs):
            self._check("forward", f"the layer {layer.path!r} of type {type(layer).__name__}", leaf)
        return outputs

    def forward(self, function: Callable[[], Any]) -> None:
        result = function()
        loss = result[0] if isinstance(result, tuple | list) else result
        self._check("loss", "the number that train_step() differentiates", loss)

    def gradients(self, compute: Callable[[], Any], variables: list[Any]) -> Any:
        result = compute()
        self._check_gradients(variables, result[1])
        return result

    def update(
        self,
        optimizer: Any,
        apply: Callable[..., Any],
        grads: Iterable[Any],
        trainable_variables: Any = None,
    ) -> None:
        grads = list(grads)
        variables = None if trainable_variables is None else list(trainable_variables)
        # Of a framework's own functions too.
        own = getattr(optimizer, "_targets", []) if variables is None else variables
        if len(own) == len(grads):  # else the optimizer says so
            self._check_gradients(own, grads)
        apply(grads, variables)
        self._check_variables(own)

    # -- numbers -----------------------------------------------------------------------------------

    def _check_gradients(self, variables: Any, gradients: Any) -> None:
        if self._may_overflow:
            return
        # The way back goes from the last layer to the first.
        for variable, gradient in reversed(list(zip(variables, gradients, strict=True))):
            if gradient is not None:
                path = getattr(variable, "path", "an argument")
                value = self._backend.asarray(gradient)
                self._check("backward", f"the gradient of {path}", value)

    def _check_variables(self, variables: Iterable[Any]) -> None:
        for variable in variables:
            self._check("update", variable.path, variable.numpy())

    def _check(self, phase: str, where: str, value: Any) -> None:
        if self._backend.is_tensor(value):
            if not self._backend.has_value(value):  # in a function of the framework's own
                return
            value = self._backend.to_numpy(value)
        value = np.asarray(value)
        if value.dtype.kind not in "fV" or np.isfinite(value.astype("float64")).all():
            return
        value = value.astype("float64")
        found = f"{np.isnan(value).sum()} NaN and {np.isinf(value).sum()} infinite of {value.size}"
        raise NotFinite(phase, where, found)
