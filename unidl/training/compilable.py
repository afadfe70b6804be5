"""`compile`: how a model is trained, as it is given, and as a config."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from unidl import optimizers
from unidl.backend import registry
from unidl.saving.serialization import deserialize_keras_object, serialize_keras_object
from unidl.training import arguments
from unidl.training.objective import Objective
from unidl.utils.arguments import public_method

if TYPE_CHECKING:
    from unidl.backend import Backend
    from unidl.optimizers import Optimizer


class Compilable:
    """Mixed into `Trainer`."""

    if TYPE_CHECKING:
        backend: Backend
        objective: Any
        optimizer: Any
        train_function: Any
        test_function: Any
        predict_function: Any

        dtype_policy: Any

        def _who(self) -> str: ...

        def _forget_compiled(self) -> None: ...

    @public_method
    def compile(
        self,
        optimizer: str | dict[str, Any] | Optimizer = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = False,
        auto_scale_loss: bool = True,
    ) -> None:
        """Configure training.

        Args:
            optimizer: name, config or Optimizer.
            loss: name, function or Loss; for several outputs a list, or a dict by output name.
            loss_weights: factors of the output losses, in the structure of `loss`.
            metrics: list of names, functions or Metrics; for several outputs a list of lists, or a
                dict by output name.
            weighted_metrics: like `metrics`, but these use sample and class weights.
            run_eagerly: run the step as plain Python, for debugging.
            steps_per_execution: number of batches between calls of batch hooks of callbacks.
                Without such callbacks the backend may run any number at once, with the same
                results.
            jit_compile: True also uses the backend's compiler (torch.compile, XLA); "auto", Keras'
                default, does not.
            auto_scale_loss: under the policy "mixed_float16" wrap the optimizer in a
                `LossScaleOptimizer`. Without it, small gradients become 0 and an overflowing one
                makes all weights NaN.
        """
        steps_per_execution = arguments.whole("compile", "steps_per_execution", steps_per_execution)
        run_eagerly = arguments.yes_or_no("compile", "run_eagerly", run_eagerly)
        if isinstance(jit_compile, str) and jit_compile != "auto":
            raise ValueError(
                f'compile: jit_compile must be True, False or "auto", got {jit_compile!r}.'
            )
        with registry.use_backend(self.backend):
            scaled = self._with_loss_scale(optimizers.get(optimizer), auto_scale_loss)
            objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self.optimizer, self.objective = scaled, objective
        self.run_eagerly, self.jit_compile, self.steps_per_execution = (
            run_eagerly,
            jit_compile is True,
            steps_per_execution,
        )
        self.train_function = self.test_function = self.predict_function = None
        self._forget_compiled()

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` as JSON-ready data, in Keras' layout; None before `compile`,
        or (with a warning) if they cannot be serialized."""
        if self.optimizer is None:
            return None
        try:
            return serialize_keras_object(
                {
                    "optimizer": self.optimizer,
                    **self.objective.given,
                    "run_eagerly": self.run_eagerly,
                    "steps_per_execution": self.steps_per_execution,
                    "jit_compile": self.jit_compile,
                }
            )
        except (TypeError, ValueError) as error:
            _warn_uncompiled(self, error)
            return None

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Call `compile` with the arguments that `get_compile_config`, of unidl or Keras, returned.

        If they refer to something unknown, the model is not compiled, with a warning.
        """
        try:
            self.compile(**deserialize_keras_object(config))
        except (TypeError, ValueError) as error:
            _warn_uncompiled(self, error)

    def _with_loss_scale(self, optimizer: Any, wanted: Any) -> Any:
        """The optimizer with a dynamic loss scale, if float16 needs it."""
        wanted = arguments.yes_or_no("compile", "auto_scale_loss", wanted)
        if (
            wanted
            and self.dtype_policy.name == "mixed_float16"
            and optimizer is not None
            and not isinstance(optimizer, optimizers.LossScaleOptimizer)
        ):
            return optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
        return optimizer

    def _require_compiled(self, caller: Any) -> None:
        if self.objective is None:
            raise ValueError(
                f"{self._who()}: {caller}() before compile(). Say how to train first: "
                'model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", '
                'metrics=["accuracy"]).'
            )


def _warn_uncompiled(model: Any, error: Exception) -> None:
    warnings.warn(
        f"{model._who()}: the arguments of compile() cannot be written to or read from a config: "
        f"{error} Call compile() again on the new model.",
        stacklevel=4,
    )
