"""A metric's methods as functions of its variables' values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.backend.stateless_scope import StatelessScope
from unidl.backend.stateless_values import paired, values_in
from unidl.typing import Tensor


class StatelessMetric:
    """Mixed into `Metric`."""

    def stateless_update_state(
        self: Any, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Tensor]:
        """`update_state` of a metric whose variables have the given values; the metric does not
        change.

        Args:
            metric_variables: values of `metric.variables`, in this order.
            *args, **kwargs: the arguments of `update_state`.

        Returns:
            The values after the update, a list.

        Raises:
            TypeError: for values that are no list.
            ValueError: for values of another number or shape, and for a metric that makes its
                variables for its first data, before that.

        Examples:
            >>> metric = unidl.metrics.Mean()
            >>> values = metric.stateless_update_state(metric.variables, [1.0, 3.0])
            >>> metric.stateless_result(values), metric.result()
            (array(2., dtype=float32), array(0., dtype=float32))
        """
        with self._stateless("stateless_update_state()", metric_variables) as scope:
            self.update_state(*args, **kwargs)
        return values_in(scope, self.variables)

    def stateless_result(self: Any, metric_variables: Sequence[Any]) -> Any:
        """`result` of a metric whose variables have the given values.

        Args:
            metric_variables: values of `metric.variables`, in this order.

        Returns:
            What `result` returns.
        """
        with self._stateless("stateless_result()", metric_variables):
            return self.result()

    def stateless_reset_state(self: Any) -> list[Tensor]:
        """The values of `metric.variables` after `reset_state`, a list; the metric does not
        change."""
        self._check_made("stateless_reset_state()")
        with StatelessScope() as scope:
            self.reset_state()
        return values_in(scope, self.variables)

    def _stateless(self: Any, method: str, values: Any) -> StatelessScope:
        self._check_made(method)
        who = f"{type(self).__name__} {self.name!r}: {method}"
        return StatelessScope(
            paired(who, "metric_variables", "metric.variables", self.variables, values)
        )

    def _check_made(self: Any, method: str) -> None:
        """An error if the variables are still to be made, for the shapes of the first data."""
        if not self.variables and self._makes_variables_for_data:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: {method} takes the values of variables, "
                "which are made for the shapes of the data. Write metric.build(y_true.shape, "
                "y_pred.shape) first, or compile a model with it and train it on a batch."
            )
