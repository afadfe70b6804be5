"""Gradients for training loops of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from unidl import ops
from unidl.backend import registry
from unidl.backend.variable import Variable
from unidl.typing import Tensor


def value_and_grad(
    fn: Callable[[], Any], variables: Iterable[Variable], has_aux: bool = False
) -> tuple[Any, list[Tensor]]:
    """Value of `fn()` and its gradients with respect to `variables`, the same way on every backend.

    Args:
        fn: takes no arguments, reads the variables, and returns a scalar tensor; with `has_aux` a
            pair (scalar, anything).
        variables: list of Variables that live on one backend.
        has_aux: see `fn`.

    Returns:
        (value, gradients): the scalar (or the pair), and a list of tensors shaped like the
        variables; zeros where the value does not depend on one.

    Example:
        >>> w = unidl.Variable([1.0, 2.0])
        >>> loss, (g,) = unidl.value_and_grad(lambda: unidl.ops.sum(w.value * w.value), [w])
    """
    variables = list(variables)
    if not variables:
        raise ValueError(
            "value_and_grad: `variables` is empty. Pass e.g. model.trainable_variables (after the "
            "model was built)."
        )
    for variable in variables:
        if not isinstance(variable, Variable):
            raise TypeError(
                f"value_and_grad: `variables` takes unidl.Variable objects, "
                f"got {type(variable).__name__}. Wrap a tensor: unidl.Variable(x)."
            )
        if variable.backend is not variables[0].backend:
            raise ValueError(
                f"value_and_grad: the variables live on several backends "
                f"({variables[0].backend.name}, {variable.backend.name}). Move them: "
                "variable.to(...)."
            )

    def checked() -> Any:
        result = fn()
        shape = ops.shape(result[0] if has_aux else result)
        if tuple(shape) != ():
            raise ValueError(
                f"value_and_grad: the function must return a scalar to differentiate, "
                f"got a tensor of shape {tuple(shape)}. Reduce it: unidl.ops.mean(...)."
            )
        return result

    backend = variables[0].backend
    with registry.use_backend(backend):
        return backend.value_and_grad(checked, variables, has_aux=has_aux)
