"""Gradients for training loops of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import partial
from typing import Any

from unidl import ops, tree
from unidl.backend import registry
from unidl.backend.context import holding
from unidl.backend.errors import UnsupportedError
from unidl.backend.frame import changed, current, standing_in
from unidl.backend.variable import Variable
from unidl.typing import Tensor

# Runs in the place of each computation of gradients: see `gradients_watched`.
_watcher: ContextVar[Callable[..., Any] | None] = ContextVar("unidl_gradients", default=None)


def gradients_watched(watcher: Callable[..., Any]) -> AbstractContextManager[Any]:
    """Inside, `watcher(compute, function, variables)` runs for each `value_and_grad` and `grad`:
    `compute()` gives the value and the gradients, `function()` what is differentiated."""
    return holding(_watcher, watcher)


def value_and_grad(
    fn: Callable[..., Any],
    variables: Iterable[Variable] | None = None,
    has_aux: bool = False,
    argnums: int | Sequence[int] = 0,
) -> Any:
    """Value of `fn()` and its gradients with respect to `variables`, the same way on every backend.

    Without `variables` it is a function of `fn`'s arguments that is returned, for functions without
    side effects, such as those that call `model.stateless_call`.

    Args:
        fn: reads the variables, takes no arguments, and returns a scalar tensor; with `has_aux` a
            pair (scalar, anything). Without `variables` it takes what it depends on.
        variables: list of Variables that live on one backend.
        has_aux: see `fn`.
        argnums: without `variables`, the position of the argument to differentiate for, or several:
            tensors, arrays, or nests of them.

    Returns:
        (value, gradients): the scalar (or the pair), and a list of tensors shaped like the
        variables; zeros where the value does not depend on one. Without `variables` a function that
        returns this, the gradients in the structure of the argument.

    Examples:
        >>> w = unidl.Variable([1.0, 2.0])
        >>> loss, (g,) = unidl.value_and_grad(lambda: unidl.ops.sum(w.value * w.value), [w])
        >>> slope = unidl.value_and_grad(lambda weights, x: unidl.ops.vdot(weights[0], x))
        >>> slope([np.array([1.0, 2.0])], np.array([3.0, 4.0]))
        (array(11.), [array([3., 4.])])
    """
    if variables is None:
        return lambda *arguments: _at_arguments(fn, arguments, argnums, has_aux)
    variables = list(variables)
    if not variables:
        raise ValueError(
            "value_and_grad: `variables` is empty. Pass e.g. model.trainable_variables (after the "
            "model was built)."
        )
    for variable in variables:
        if not isinstance(variable, Variable | _Point):
            raise TypeError(
                "value_and_grad: `variables` must contain unidl.Variable objects, got "
                f"{type(variable).__name__}. Wrap a tensor: unidl.Variable(x)."
            )
        if variable.backend is not variables[0].backend:
            raise ValueError(
                "value_and_grad: the variables are on several backends "
                f"({variables[0].backend.name}, {variable.backend.name}). Move them: "
                "variable.to(...)."
            )

    backend = variables[0].backend
    if current().differentiated and not backend.nests:
        raise UnsupportedError(
            f"value_and_grad inside a function that is being differentiated: {backend.name} has no "
            "gradients of gradients. Compute these gradients first, outside that function, or use "
            "a backend that has them."
        )

    def checked() -> Any:
        with changed(differentiated=True):
            result = fn()
        shape = ops.shape(result[0] if has_aux else result)
        if tuple(shape) != ():
            raise ValueError(
                f"value_and_grad: the function must return a scalar to differentiate, "
                f"got a tensor of shape {tuple(shape)}. Reduce it: unidl.ops.mean(...)."
            )
        return result

    compute = partial(backend.value_and_grad, checked, variables, has_aux=has_aux)
    watcher = _watcher.get()
    with registry.use_backend(backend):
        return compute() if watcher is None else watcher(compute, checked, variables)


def grad(
    fn: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that gives the gradient of `fn` for its arguments, the same way on every
    backend.

    What is differentiated for by `value_and_grad` are Variables; here they are tensors. Inside a
    function of which gradients are taken in turn, as for a gradient penalty, the backend needs
    gradients of gradients; one that has none says so.

    Args:
        fn: `fn(*arguments)` returns a scalar tensor; with `has_aux` a pair (scalar, anything).
        argnums: the position of the argument to differentiate for, or several; a tensor, an array,
            or a nest of them.
        has_aux: see `fn`.

    Returns:
        A function of `fn`'s arguments, tensors or arrays of floats where there is a gradient for
        them. It returns tensors in the structure of the argument, a tuple for several `argnums`;
        with `has_aux` a pair (gradients, anything).

    Examples:
        >>> slope = unidl.grad(lambda x: unidl.ops.sum(x * x))
        >>> slope(unidl.ops.convert_to_tensor([1.0, 2.0]))
        array([2., 4.], dtype=float32)
    """

    def gradient(*arguments: Any) -> Any:
        result, gradients = _at_arguments(fn, arguments, argnums, has_aux)
        return (gradients, result[1]) if has_aux else gradients

    return gradient


def _at_arguments(fn: Any, arguments: Any, argnums: int | Sequence[int], has_aux: bool) -> Any:
    """(what `fn` returns for the arguments, its gradients for those at `argnums`)."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for position in positions:
        if position >= len(arguments):
            raise ValueError(
                f"grad, value_and_grad: argnums={argnums!r}, but the function was called with "
                f"{len(arguments)} arguments. Give by position what to differentiate for."
            )
    given = [_nest_or_tensor(arguments[i]) for i in positions]
    points = [_Point(ops.convert_to_tensor(leaf)) for leaf in tree.flatten(given)]

    def at_points() -> Any:
        values = list(arguments)
        inner = tree.pack_sequence_as(given, [point.uncast for point in points])
        for position, value in zip(positions, inner, strict=True):
            values[position] = value
        return fn(*values)

    with standing_in(points, [point.tensor for point in points]):
        result, found = value_and_grad(at_points, points, has_aux)  # type: ignore[arg-type]
    gradients = tree.pack_sequence_as(given, list(found))
    return result, gradients[0] if isinstance(argnums, int) else tuple(gradients)


def _nest_or_tensor(argument: Any) -> Any:
    """A nest of tensors as it is; a list of numbers is one tensor."""
    is_list = all(isinstance(leaf, int | float) for leaf in tree.flatten(argument))
    return ops.convert_to_tensor(argument) if is_list else argument


class _Point:
    """A tensor to differentiate for, in the place of a Variable."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.backend = ops.dispatch.owner_of(tensor) or registry.get_backend()
        self.shape, self.dtype = self.backend.shape(tensor), self.backend.dtype(tensor)

    @property
    def uncast(self) -> Tensor:
        return current().stand_ins[self]  # type: ignore[index]
