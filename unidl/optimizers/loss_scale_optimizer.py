"""Dynamic loss scaling: what keeps float16's small gradients from being 0, and its large ones from
destroying the weights.

Nothing is read from the device for it: the step is computed, and taken back by a `where` if a
gradient was not finite. The count of iterations lives on the host, which so learns of such a step
only when numbers are read anyway (`settle`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from unidl import ops
from unidl.backend.frame import current
from unidl.backend.variable import Variable
from unidl.optimizers.host_variable import HostVariable
from unidl.optimizers.optimizer import Optimizer
from unidl.saving.serialization import deserialize_keras_object, serialize_keras_object
from unidl.tracing.rows import everywhere
from unidl.typing import Config, CustomObjects, Tensor, TensorLike
from unidl.utils.rules import COUNT, POSITIVE

if TYPE_CHECKING:
    from typing_extensions import Self

# What Keras once wrote into configs of this optimizer, with the only values that it takes.
_UNUSED = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class LossScaleOptimizer(Optimizer):
    """Another optimizer, whose loss is multiplied by a scale and whose gradients are divided by it.

    A step with a gradient that is NaN or infinite changes nothing but the scale, which is halved.
    After `dynamic_growth_steps` consecutive finite steps the scale is doubled. `compile` wraps the
    optimizer of a model whose policy is "mixed_float16".

    Args:
        inner_optimizer: the `Optimizer` that takes the steps.
        initial_scale: the initial scale.
        dynamic_growth_steps: number of finite steps between two doublings.
        name: by default the class name in snake case.

    A step that was undone does not count in `iterations`. In `fit` the host learns of it when it
    reads the loss, at the latest at the end of an epoch; until then, factors that depend on the
    count, such as Adam's bias corrections, are one step ahead.

    Examples:
        >>> inner = unidl.optimizers.SGD(0.1)
        >>> optimizer = unidl.mixed_precision.LossScaleOptimizer(inner, initial_scale=1024.0)
        >>> optimizer.scale_loss(2.0)
        array(2048., dtype=float32)
        >>> w = unidl.Variable([1.0])
        >>> optimizer.apply([unidl.ops.array([1024.0])], [w])  # scaled back to 1
        >>> w.numpy()
        array([0.9], dtype=float32)
    """

    _rules: ClassVar = {"initial_scale": POSITIVE, "dynamic_growth_steps": COUNT}

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer: dynamic=False is not supported. Give the inner optimizer "
                "loss_scale_factor= for a fixed scale."
            )
        for key, value in kwargs.items():
            if key not in _UNUSED or value != _UNUSED[key]:
                known = "Give it to the inner optimizer." if key in _UNUSED else ""
                raise ValueError(f"LossScaleOptimizer does not support {key}={value!r}. {known}")
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(
                "LossScaleOptimizer: inner_optimizer must be an Optimizer, such as Adam(), got "
                f"{inner_optimizer!r}."
            )
        if isinstance(inner_optimizer, LossScaleOptimizer):
            raise ValueError("LossScaleOptimizer: inner_optimizer is already a LossScaleOptimizer.")
        self.inner_optimizer = inner_optimizer
        super().__init__(learning_rate=0.0, name=name)
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = int(dynamic_growth_steps)
        inner_optimizer.loss_scale_factor = None  # else gradients would be divided twice

    def _essentials(self) -> dict[str, Any]:
        return {}  # its learning rate is that of the inner optimizer

    # -- state -------------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the scale, its counter, and the slots of the inner optimizer."""
        if self.built:
            return
        variables = list(variables)
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)
        self._targets = variables
        backend = variables[0].backend if variables else None
        self.step_counter = self._number("step_counter", 0, "int32", backend)
        self.dynamic_scale = self._number("dynamic_scale", self.initial_scale, "float32", backend)
        # Steps taken back of which the host does not know yet.
        self._taken_back = self._number("taken_back", 0, "int32", backend)
        self.built = True

    def _number(self, name: str, value: float, dtype: str, backend: Any) -> Variable:
        variable = Variable(
            np.asarray(value, dtype), dtype=dtype, trainable=False, name=name, backend=backend
        )
        variable.path = f"{self.name}/{name}"
        self._slot_order.append(variable)
        return variable

    @property
    def inner_optimizers(self) -> dict[str, Optimizer]:
        return {"inner_optimizer": self.inner_optimizer}

    @property
    def variables(self) -> list:
        """All state, in Keras' order: own iteration and learning rate, which do not change, counter
        and scale, then those of the inner optimizer."""
        self.settle()
        return self._handles

    @property
    def _handles(self) -> list:
        own = [self._steps, self._learning_rate]
        if self.built:
            own += [self.step_counter, self.dynamic_scale]
        return [*own, *self.inner_optimizer.variables]

    def _between_steps(self) -> list:
        return [(self._taken_back, np.zeros((), "int32"))]

    @property
    def iterations(self) -> HostVariable:
        """The number of updates made, not counting those that were undone."""
        self.settle()
        return self.inner_optimizer.iterations

    def settle(self) -> None:
        if not self.built or current().feed is not None:
            return
        inner, taken_back = self.inner_optimizer, self._taken_back.value
        if current().stateless is not None:
            steps = ops.convert_to_tensor(inner._steps.value)
            inner._steps.value = ops.subtract(steps, ops.cast(taken_back, ops.dtype(steps)))
        elif int(self._taken_back.numpy()):
            inner._steps.value -= int(self._taken_back.numpy())
        else:
            return
        self._taken_back.assign(np.zeros((), "int32"))

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: TensorLike) -> None:
        self.inner_optimizer.learning_rate = value

    # -- the step ----------------------------------------------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        if not self.built:
            return ops.multiply(loss, self.initial_scale)
        return ops.multiply(loss, ops.cast(self.dynamic_scale.value, ops.dtype(loss)))

    def apply(
        self, grads: Sequence[Tensor | None], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """One step with gradients of the scaled loss, or none if one of them is not finite."""
        inner = self.inner_optimizer
        grads = list(grads)
        if not any(g is not None for g in grads):
            inner.apply(grads, trainable_variables)
            return
        variables = self._variables_of_step(grads, trainable_variables)
        backend = self.dynamic_scale.backend
        with backend.scope():
            scale = self.dynamic_scale.value
            grads = [
                None if g is None else inner._gradient(backend, g, v)
                for g, v in zip(grads, variables, strict=True)
            ]
            finite = everywhere(backend, _all_finite(backend, [g for g in grads if g is not None]))
            unscaled = [None if g is None else _unscaled(backend, g, scale, finite) for g in grads]
            # Copies, since an update may work in place.
            touched = [v.held for v in (*variables, *inner.slot_variables)]
            before = [backend.copy(v.value) for v in touched]
            inner.apply(unscaled, None if trainable_variables is None else variables)
            for variable, old in zip(touched, before, strict=True):
                variable.replace(backend.where(finite, variable.value, old))
            self._next_scale(backend, finite, scale)
        self.settle()

    def _next_scale(self, backend: Any, finite: Any, scale: Any) -> None:
        counter = self.step_counter.value
        zero = backend.full_like(counter, 0)
        grown = backend.equal(counter, self.dynamic_growth_steps - 1)
        larger = backend.where(grown, backend.multiply(scale, 2.0), scale)
        more = backend.where(grown, zero, backend.add(counter, 1))
        self.dynamic_scale.replace(backend.where(finite, larger, backend.multiply(scale, 0.5)))
        self.step_counter.replace(backend.where(finite, more, zero))
        behind = self._taken_back.value
        self._taken_back.replace(backend.where(finite, behind, backend.add(behind, 1)))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.settle()
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    # -- config ------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Self:
        config = dict(config)
        inner = deserialize_keras_object(config.pop("inner_optimizer"), custom_objects)
        return cls(inner, **config)


def _all_finite(backend: Any, grads: Sequence[Any]) -> Any:
    """A 0-d truth value: x - x is 0 for numbers, and NaN for what is none."""
    total = None
    for g in grads:
        g = backend.cast(g, "float32")
        part = backend.sum(backend.subtract(g, g))
        total = part if total is None else backend.add(total, part)
    return backend.equal(total, 0.0)


def _unscaled(backend: Any, g: Any, scale: Any, finite: Any) -> Any:
    """g / scale, and 0 in a step that is taken back."""
    g = backend.cast(g, "float32") if backend.dtype(g) == "float16" else g
    quotient = backend.divide(g, backend.cast(scale, backend.dtype(g)))
    return backend.where(finite, quotient, backend.full_like(quotient, 0))
