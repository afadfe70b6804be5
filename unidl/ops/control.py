"""Branches and loops.

A condition that has a value is read on the host, and Python runs the branch or loop. In a compiled
function, where it has none, the backend's own branch or loop is recorded (`Backend.cond`,
`Backend.while_loop`): gradients flow through it, and it must not assign to Variables. On symbolic
tensors both branches become part of the graph, and the condition chooses between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unidl import tree
from unidl.ops.core import cast
from unidl.ops.dispatch import backend_of, convert, owner_of, to_bool
from unidl.ops.elementwise import add, less, less_equal
from unidl.ops.indexing import where
from unidl.ops.joining import stack, unstack
from unidl.ops.shaping import reshape
from unidl.tracing import KerasTensor, graph
from unidl.typing import Nest, TensorLike


def cond(pred: TensorLike, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """true_fn() if `pred`, a bool or a tensor with one element, else false_fn().

    Where `pred` has no value both functions must return one structure of tensors of the same shapes
    and dtypes. On symbolic tensors, and in compiled functions of a backend that has no branches,
    both are computed and one is chosen: then guard the arguments of what must not be computed, as
    for `where`.

    Examples:
        >>> x = np.array([3.0, 4.0])
        >>> unidl.ops.cond(x[0] > 2, lambda: x * 10, lambda: x)
        array([30., 40.])
    """
    if owner_of(pred) is None:
        return true_fn() if bool(np.asarray(pred)) else false_fn()
    pred = reshape(cast(pred, "bool"), ())
    backend = backend_of([pred])
    if not backend.has_values:
        taken, other = true_fn(), false_fn()
        _check_alike("cond", "true_fn", taken, "false_fn", other)
        return tree.map_structure(lambda a, b: where(pred, a, b), taken, other)
    results = {}

    def flat(name: str, fn: Any) -> Any:
        def run() -> Any:
            results[name] = fn()
            leaves = [as_tensor(backend, x) for x in tree.flatten(results[name])]
            if len(results) == 2:
                _check_alike("cond", *(part for item in results.items() for part in item))
            return leaves

        return run

    outputs = backend.cond(pred, flat("true_fn", true_fn), flat("false_fn", false_fn))
    return tree.pack_sequence_as(next(iter(results.values())), outputs)


def switch(index: TensorLike, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """branches[index](*operands), `index` being clipped to the list; where it has no value see
    `cond`.

    Examples:
        >>> branches = [lambda x: x + 1, lambda x: x * 2, lambda x: x**2]
        >>> x = np.array([5.0])
        >>> unidl.ops.switch(2, branches, x)
        array([25.])
        >>> unidl.ops.switch(7, branches, x)  # an index too large counts as the last
        array([25.])
    """
    last = len(branches) - 1
    if owner_of(index) is None:
        return branches[min(max(int(np.asarray(index)), 0), last)](*operands)
    result = lambda: branches[last](*operands)  # noqa: E731 - grows by one branch after another
    for i in reversed(range(last)):
        result = _branch(index, i, branches[i], operands, result)
    return result()


def _branch(index: Any, i: Any, branch: Any, operands: Any, others: Any) -> Any:
    return lambda: cond(less_equal(index, i), lambda: branch(*operands), others)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Nest,
    maximum_iterations: int | None = None,
) -> Any:
    """`loop_vars = body(*loop_vars)` while `cond(*loop_vars)`, at most `maximum_iterations` times.

    `loop_vars` is a tensor, or a list or tuple of tensors and nested structures, which keep their
    shapes and dtypes where the condition has no value. What the functions use of other symbolic
    tensors must be among them. In compiled functions a gradient may need `maximum_iterations`: the
    backend's error says so.

    Examples:
        >>> i, x = unidl.ops.while_loop(
        ...     lambda i, x: i < 4, lambda i, x: (i + 1, x * 2), (0, np.array([1.0]))
        ... )
        >>> x
        array([16.])
    """
    if graph.flatten_tensors(loop_vars):
        return graph.record_call(_while_loop, (cond, body, loop_vars, maximum_iterations), {})
    return _while_loop(cond, body, loop_vars, maximum_iterations)


def _while_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any) -> Any:
    single = not isinstance(loop_vars, (list, tuple))
    structure = (loop_vars,) if single else tuple(loop_vars)
    backend = backend_of(tree.flatten(structure))

    def goes_on(*leaves: Any) -> Any:
        going = cond(*tree.pack_sequence_as(structure, list(leaves)))
        _check_value("cond", going, backend)
        return backend.reshape(to_bool(backend, as_tensor(backend, going)), ())

    def step(*leaves: Any) -> Any:
        result = body(*tree.pack_sequence_as(structure, list(leaves)))
        result = tuple(result) if isinstance(result, (list, tuple)) else (result,)
        following = [as_tensor(backend, x) for x in tree.flatten(result)]
        for x in following:
            _check_value("body", x, backend)
        if backend.traces or backend.absorbs:
            _check_alike("while_loop", "loop_vars", structure, "body", result)
        return following

    leaves = [as_tensor(backend, x) for x in tree.flatten(structure)]
    structure = tree.pack_sequence_as(structure, leaves)
    result = tree.pack_sequence_as(
        structure, backend.while_loop(goes_on, step, leaves, maximum_iterations)
    )
    return result[0] if single else type(loop_vars)(result)


def _check_value(name: str, x: TensorLike, backend: Any) -> None:
    if isinstance(x, KerasTensor) and backend.has_values:
        raise TypeError(
            f"while_loop: {name} uses a symbolic tensor that is not among loop_vars, so it has no "
            "value when the model runs. Make it one of loop_vars and return it unchanged from body."
        )


def fori_loop(
    lower: TensorLike, upper: TensorLike, body_fun: Callable[..., Any], init_val: Nest
) -> Any:
    """value = body_fun(i, value) for i from `lower` to `upper` - 1, Python ints; if a bound is a
    tensor, i is an int32 tensor.

    Examples:
        >>> unidl.ops.fori_loop(1, 6, lambda i, product: product * i, np.array([1.0]))
        array([120.])
    """
    if owner_of(lower) is None and owner_of(upper) is None:
        value = init_val
        for i in range(int(lower), int(upper)):
            value = body_fun(i, value)
        return value
    backend = backend_of([lower, upper, *tree.flatten(init_val)])
    first, last = (cast(as_tensor(backend, x), "int32") for x in (lower, upper))
    _, _, value = while_loop(
        lambda i, last, value: less(i, last),
        lambda i, last, value: (add(i, 1), last, body_fun(i, value)),
        (first, last, init_val),
    )
    return value


def scan(
    f: Callable[..., Any],
    init: Nest,
    xs: Nest | None = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> Any:
    """carry, y = f(carry, x) for each x along the first axis of `xs`; returns (last carry, all y
    stacked).

    `init`, `xs` and y may be nested structures; without `xs` f is called `length` times with None.
    With `reverse` it runs from the last x to the first, and the stacked y keep the order of `xs`.
    The length must be known. `unroll` has no effect.

    Examples:
        >>> xs = np.array([1.0, 2.0, 3.0])
        >>> total, sums = unidl.ops.scan(lambda c, x: (c + x, c + x), 0.0, xs)
        >>> sums
        array([1., 3., 6.], dtype=float32)
    """
    if xs is None and length is None:
        raise ValueError("scan: give `xs`, or `length` for a loop without inputs.")
    moments = [None] * (length or 0) if xs is None else _moments(xs)
    if not moments:
        raise ValueError(
            "scan: the sequence is empty, so the result has no shape. Give at least one element."
        )
    carry, ys = init, []
    for x in reversed(moments) if reverse else moments:
        carry, y = f(carry, x)
        ys.append(y)
    if reverse:
        ys.reverse()
    return carry, None if ys[0] is None else tree.map_structure(lambda *parts: stack(parts), *ys)


def map(f: Callable[..., Any], xs: Nest) -> Any:
    """f(x) for each x along the first axis of `xs` (a tensor or nested structure), stacked.

    Examples:
        >>> rows = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> unidl.ops.map(unidl.ops.flip, rows)  # row by row
        array([[2., 1.],
               [4., 3.]])
    """
    return scan(lambda carry, x: (carry, f(x)), None, xs)[1]


def vectorized_map(function: Callable[..., Any], elements: Nest) -> Any:
    """Like `map`.

    Examples:
        >>> rows = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> unidl.ops.vectorized_map(lambda v: unidl.ops.dot(v, v), rows)
        array([ 5., 25.])
    """
    return map(function, elements)


def _moments(xs: Any) -> Any:
    columns = [unstack(x) for x in tree.flatten(xs)]
    return [tree.pack_sequence_as(xs, list(row)) for row in zip(*columns, strict=True)]


def as_tensor(backend: Any, x: TensorLike) -> Any:
    """`x` as a tensor of `backend`; NumPy's scalars, which arithmetic of 0-d arrays gives, keep
    their dtype."""
    if isinstance(x, np.generic):
        return backend.asarray(np.asarray(x))
    return x if x is None or isinstance(x, KerasTensor) else backend.asarray(convert(backend, x))


def _check_alike(name: str, first: Any, one: Any, second: Any, other: Any) -> None:
    """An error unless both structures hold tensors of the same shapes and dtypes."""
    specs = []
    for structure in (one, other):
        backend = backend_of(tree.flatten(structure))
        leaves = [as_tensor(backend, x) for x in tree.flatten(structure)]
        specs.append(
            [None if x is None else (tuple(backend.shape(x)), backend.dtype(x)) for x in leaves]
        )
    if specs[0] != specs[1]:
        raise ValueError(
            f"{name}: {first} and {second} must return the same shapes and dtypes, got {specs[0]} "
            f"and {specs[1]}."
        )
