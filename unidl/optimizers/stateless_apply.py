"""An optimizer's step as a function of the values of its variables and of the model's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.backend import registry
from unidl.backend.stateless_scope import StatelessScope
from unidl.backend.stateless_values import paired, values_in
from unidl.typing import Tensor


class StatelessApply:
    """Mixed into `Optimizer`."""

    def stateless_apply(
        self: Any,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """`apply` as a function of values: nothing changes but what is returned.

        The step's numbers, such as the learning rate and bias corrections, are computed on the host
        in float64, as in `apply`. In a function that a framework compiles they are tensors in
        `floatx`, and a schedule is called with a tensor.

        Args:
            optimizer_variables: values of `optimizer.variables`, in this order.
            grads: a gradient for each variable that the optimizer was built with.
            trainable_variables: values of these variables.

        Returns:
            (trainable_variables, optimizer_variables), the values after the step.

        Raises:
            TypeError: for values that are no list.
            ValueError: before `build`, and for values of another number or shape.

        Examples:
            >>> w = unidl.Variable([1.0])
            >>> optimizer = unidl.optimizers.SGD(0.1)
            >>> optimizer.build([w])
            >>> values, state = optimizer.stateless_apply(optimizer.variables, [np.ones(1)], [w])
            >>> values, w.numpy()
            ([array([0.9], dtype=float32)], array([1.], dtype=float32))
        """
        who = f"{self.name}: stateless_apply()"
        if not self.built:
            raise ValueError(
                f"{who} takes the values of the optimizer's variables, which are not made yet. "
                "Write optimizer.build(model.trainable_variables) first."
            )
        own, targets = self._handles, self._targets
        mapping = paired(
            who, "trainable_variables", "model.trainable_variables", targets, trainable_variables
        ) + paired(who, "optimizer_variables", "optimizer.variables", own, optimizer_variables)
        mapping += self._between_steps()
        backend = targets[0].backend if targets else registry.get_backend()
        with registry.use_backend(backend):
            with StatelessScope(mapping) as scope:
                self.apply(grads)
            return values_in(scope, targets), values_in(scope, own)

    @property
    def _handles(self: Any) -> list:
        """`variables`, by a look that reads nothing from a device."""
        return self.variables

    def _between_steps(self) -> list:
        """[(variable, value)] of what is not among `variables`, since it is always the same between
        two steps."""
        return []
