"""A layer's call as a function of its variables' values."""

from __future__ import annotations

from typing import Any

from unidl import tree
from unidl.backend import registry
from unidl.backend.stateless_scope import StatelessScope
from unidl.backend.stateless_values import paired, values_in
from unidl.layers.base import call_context
from unidl.layers.base.call_context import CallContext


class CallsStateless:
    """Mixed into `Layer`."""

    def stateless_call(
        self: Any,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call the layer as a function of the values of its variables: nothing changes but what is
        returned.

        So it is what a framework's own transformations take, and, with `unidl.value_and_grad` or
        `unidl.grad`, a loop without side effects on every backend. What the call would assign comes
        back as new values: moving statistics, the states of stateful layers, and those of random
        generators, by which dropout is the same for the same values.

        Args:
            trainable_variables: values of `layer.trainable_variables`, in this order: native
                tensors, arrays or Variables.
            non_trainable_variables: values of `layer.non_trainable_variables`.
            *args: what the layer is called on.
            return_losses: return the losses of the call and the weights' regularizers too.
            **kwargs: further arguments of the call, such as `training=True`.

        Returns:
            (outputs, values of `non_trainable_variables` after the call), and with `return_losses`
            a list of scalar tensors behind them.

        Raises:
            TypeError: for values that are no list.
            ValueError: if the layer is not built, and for values of another number or shape.
        """
        who = f"{self._who()}: stateless_call()"
        if not self.built:
            raise ValueError(
                f"{who} takes the values of variables, which are not made yet. Build the layer "
                "first: layer.build(input_shape), or call it on some data."
            )
        trainable, others = self.trainable_variables, self.non_trainable_variables
        mapping = paired(
            who, "trainable_variables", "layer.trainable_variables", trainable, trainable_variables
        ) + paired(
            who, "non_trainable_variables", "layer.non_trainable_variables", others,
            non_trainable_variables,
        )  # fmt: skip
        with registry.use_backend(self.backend):
            scope = StatelessScope(mapping, collect_losses=return_losses)
            scope.note_arguments(tree.flatten((args, kwargs)))
            context = CallContext(training=kwargs.get("training"))
            with scope, call_context.entered(context):
                outputs = self(*args, **kwargs)
                losses = [*context.losses, *self.weight_losses()] if return_losses else []
            after = values_in(scope, others)
        return (outputs, after, losses) if return_losses else (outputs, after)
