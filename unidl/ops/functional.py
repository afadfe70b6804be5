"""Functions made of functions: scans, vectorized functions, gradients of one's own, products with a
Jacobian."""

from __future__ import annotations

import functools
import inspect
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unidl import tree
from unidl.backend import use_backend
from unidl.ops import forward_mode
from unidl.ops.control import as_tensor
from unidl.ops.creation import zeros_like
from unidl.ops.dispatch import backend_of, op, tensor_of
from unidl.ops.indexing import get_item, take
from unidl.ops.joining import concatenate, stack
from unidl.ops.repeating import flip
from unidl.ops.shaping import broadcast_to, reshape
from unidl.tracing import graph
from unidl.tracing.shapes.arithmetic import broadcast
from unidl.typing import Nest, TensorLike


def associative_scan(
    f: Callable[..., Any], elems: Nest, reverse: bool = False, axis: int = 0
) -> Any:
    """f of the first 1, 2, 3 ... elements along `axis`, for an associative f, in a number of calls
    that grows as log(n).

    f(a, b) gets and returns structures like `elems` (a tensor or nested structure), of several
    elements at once. With `reverse` the elements are those from the end.

    Examples:
        >>> unidl.ops.associative_scan(lambda a, b: a * b, np.array([1, 2, 3, 4]))
        array([ 1,  2,  6, 24])
    """
    if not callable(f):
        raise TypeError(
            f"associative_scan: f must be a function of two structures of tensors, got {f!r}."
        )
    leaves = tree.flatten(elems)
    backend = backend_of(leaves)
    leaves = [as_tensor(backend, x) for x in leaves]
    sizes = {backend.shape(x)[axis] for x in leaves}
    if len(sizes) != 1 or None in sizes:
        raise ValueError(
            f"associative_scan: all tensors must have one known size along axis {axis}, got "
            f"{[backend.shape(x) for x in leaves]}."
        )

    def combined(a: TensorLike, b: TensorLike) -> Any:
        return tree.flatten(f(tree.pack_sequence_as(elems, a), tree.pack_sequence_as(elems, b)))

    leaves = [flip(x, axis) for x in leaves] if reverse else leaves
    leaves = _prefixes(combined, leaves, axis, sizes.pop())
    return tree.pack_sequence_as(elems, [flip(x, axis) for x in leaves] if reverse else leaves)


def _prefixes(combined: Any, leaves: Any, axis: Any, n: Any) -> Any:
    if n < 2:
        return leaves
    pairs = combined(
        [_every(x, axis, 0, n - 1, 2) for x in leaves], [_every(x, axis, 1, n, 2) for x in leaves]
    )
    # Prefixes of even length; those of odd length are one element longer than these.
    even = _prefixes(combined, pairs, axis, n // 2)
    odd = [_every(x, axis, 0, 1, 1) for x in leaves]
    if n > 2:
        longer = combined(
            [_every(x, axis, 0, (n - 1) // 2, 1) for x in even],
            [_every(x, axis, 2, n, 2) for x in leaves],
        )
        odd = [concatenate([a, b], axis) for a, b in zip(odd, longer, strict=True)]
    order = np.argsort([*range(0, n, 2), *range(1, n, 2)]).astype("int32")
    return [take(concatenate([a, b], axis), order, axis) for a, b in zip(odd, even, strict=True)]


def _every(x: TensorLike, axis: Any, start: Any, stop: Any, step: Any) -> Any:
    rank = len(tensor_of(x)[1].shape)
    return get_item(x, (*(slice(None),) * (axis % rank), slice(start, stop, step)))


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function that calls `pyfunc` for each element of its arguments, which broadcast, and stacks
    the results.

    Args:
        pyfunc: function of 0-d tensors, or with `signature` of tensors.
        excluded: positions and names of arguments that are passed on as they are.
        signature: shapes of the last axes that `pyfunc` takes and gives, e.g. "(m,n),(n)->(m)".

    `pyfunc` runs once for each element, in Python: where it is written with `unidl.ops`, calling it
    on whole tensors is faster.

    Examples:
        >>> norm = unidl.ops.vectorize(unidl.ops.norm, signature="(d)->()")
        >>> norm(np.array([[3.0, 4.0], [0.0, 2.0]]))
        array([5., 2.])
    """
    if not callable(pyfunc):
        raise TypeError(f"vectorize: pyfunc must be a function, got {pyfunc!r}.")
    excluded = set(excluded or ())
    cores = None if signature is None else _core_ranks(signature)

    @functools.wraps(pyfunc)
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        places = [i for i in range(len(args)) if i not in excluded]
        names = [name for name in kwargs if name not in excluded]
        backend = backend_of([*(args[i] for i in places), *(kwargs[n] for n in names)])
        tensors = [
            as_tensor(backend, x) for x in (*(args[i] for i in places), *(kwargs[n] for n in names))
        ]
        ranks = [0] * len(tensors) if cores is None else cores
        if len(ranks) != len(tensors):
            raise ValueError(
                f"vectorize: the signature {signature!r} has {len(ranks)} arguments, got "
                f"{len(tensors)}."
            )
        shapes = [tuple(backend.shape(t)) for t in tensors]
        outer = broadcast(
            "vectorize", *(s[: len(s) - r] for s, r in zip(shapes, ranks, strict=True))
        )
        tensors = [
            broadcast_to(t, (*outer, *s[len(s) - r :]))
            for t, s, r in zip(tensors, shapes, ranks, strict=True)
        ]
        results = []
        for index in itertools.product(*map(range, outer)):
            values = [get_item(t, index) for t in tensors]
            given = dict(zip(places, values[: len(places)], strict=True))
            named = dict(zip(names, values[len(places) :], strict=True))
            results.append(
                pyfunc(*(given.get(i, a) for i, a in enumerate(args)), **(kwargs | named))
            )
        if not results:
            raise ValueError(
                f"vectorize: there is no element in {outer}, so the result has no dtype. Give at "
                "least one."
            )

        def joined(*parts: Any) -> Any:
            tensors = [as_tensor(backend, p) for p in parts]
            return reshape(stack(tensors), (*outer, *backend.shape(tensors[0])))

        return tree.map_structure(joined, *results)

    return vectorized


def _core_ranks(signature: Any) -> Any:
    """Number of core axes of each argument."""
    inputs, arrow, _ = signature.replace(" ", "").partition("->")
    if not arrow or not re.fullmatch(r"\([\w,]*\)(,\([\w,]*\))*", inputs):
        raise ValueError(f'vectorize: a signature looks like "(m,n),(n)->(m)", got {signature!r}.')
    return [
        len([name for name in group.split(",") if name])
        for group in re.findall(r"\(([\w,]*)\)", inputs)
    ]


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the values of f(*args)[0] and the gradient f(*args)[1].

    f(*args) returns (output, grad): `output` is a tensor or nested structure, and grad(*upstream)
    gets the gradient of each output tensor and returns one for each tensor in `args` (None for
    zeros). A grad with a keyword-only argument `upstream` is called as grad(*args,
    upstream=upstream). Keyword arguments of the function have no gradient::

        @ops.custom_gradient
        def log1pexp(x):
            e = ops.exp(x)
            return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    Examples:
        >>> @unidl.ops.custom_gradient
        ... def straight_through(x):
        ...     return unidl.ops.round(x), lambda upstream: upstream
        >>> slope = unidl.grad(lambda x: unidl.ops.sum(straight_through(x)))
        >>> straight_through([1.6, 2.2]), slope(np.array([1.6, 2.2]))
        (array([2., 2.], dtype=float32), array([1., 1.]))
    """

    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        leaves = tree.flatten(args)
        backend = backend_of(leaves)
        tensors = [as_tensor(backend, x) for x in leaves]
        structure: list[Any] = []

        def flat(*tensors: Any) -> Any:
            given = tree.pack_sequence_as(args, list(tensors))
            # Plain arrays, which some backends hand over here, belong to the active backend.
            with use_backend(backend):
                output, grad = f(*given, **kwargs)
                structure[:] = [output]
                outputs = [as_tensor(backend, y) for y in tree.flatten(output)]
            return outputs, lambda *upstream: _gradients(backend, grad, given, tensors, upstream)

        outputs = backend.custom_gradient(flat, tensors)
        return tree.pack_sequence_as(structure[0], list(outputs))

    return op(function)


def _gradients(
    backend: Any, grad: TensorLike, args: Any, tensors: Any, upstream: TensorLike
) -> Any:
    with use_backend(backend):
        if _wants_upstream(grad):
            result = grad(*args, upstream=upstream[0] if len(upstream) == 1 else upstream)
        else:
            result = grad(*upstream)
        gradients = tree.flatten(result)
        if len(gradients) != len(tensors):
            raise ValueError(
                f"custom_gradient: grad must return a gradient for each of {len(tensors)} tensors, "
                f"got {len(gradients)}."
            )
        return [
            _gradient_of(i, t, g, backend)
            for i, (t, g) in enumerate(zip(tensors, gradients, strict=True))
        ]


def _gradient_of(i: Any, tensor: TensorLike, gradient: TensorLike, backend: Any) -> Any:
    if gradient is None:
        return zeros_like(tensor)
    gradient = as_tensor(backend, gradient)
    found, expected = backend.shape(gradient), backend.shape(tensor)
    if len(found) != len(expected) or any(
        a != b and None not in (a, b) for a, b in zip(found, expected, strict=True)
    ):
        raise ValueError(
            f"custom_gradient: gradient {i} has the shape {tuple(found)}, its tensor "
            f"{tuple(expected)}. Where a tensor was broadcast, "
            "its gradient is the sum over those axes."
        )
    return gradient


def _wants_upstream(grad: TensorLike) -> bool:
    """Whether `upstream` must be named."""
    parameter = inspect.signature(grad).parameters.get("upstream")
    return (
        parameter is not None
        and parameter.kind is parameter.KEYWORD_ONLY
        and parameter.default is parameter.empty
    )


def jvp(
    fun: Callable[..., Any],
    primals: Sequence[TensorLike],
    tangents: Sequence[TensorLike],
    has_aux: bool = False,
) -> Any:
    """(fun(*primals), its derivative along `tangents`); with `has_aux` fun returns (output, aux),
    and aux comes third.

    `primals` and `tangents` are lists or tuples of float tensors (or nested structures) of the same
    shapes. Backends without forward mode take one gradient for each number of the output. Not in
    compiled functions.

    Examples:
        >>> unidl.ops.jvp(unidl.ops.square, (3.0,), (1.0,))  # the value, the slope
        (array(9., dtype=float32), array(6., dtype=float32))
    """
    if (
        not isinstance(primals, (list, tuple))
        or not isinstance(tangents, (list, tuple))
        or len(primals) != len(tangents)
    ):
        raise TypeError(
            "jvp: primals and tangents must be lists or tuples of the same length, one entry for "
            "each argument of the function."
        )
    if graph.flatten_tensors([primals, tangents]):
        return graph.record_call(_jvp, (fun, primals, tangents, has_aux), {})
    return _jvp(fun, primals, tangents, has_aux)


def _jvp(fun: Any, primals: Any, tangents: Any, has_aux: Any) -> Any:
    leaves, along = tree.flatten(primals), tree.flatten(tangents)
    backend = backend_of([*leaves, *along])
    leaves, along = ([as_tensor(backend, x) for x in xs] for xs in (leaves, along))
    for x, t in zip(leaves, along, strict=True):
        if tuple(backend.shape(x)) != tuple(backend.shape(t)) or backend.dtype(x) != backend.dtype(
            t
        ):
            raise ValueError(
                f"jvp: a tangent has the shape and dtype of its primal, got {backend.shape(t)} "
                f"{backend.dtype(t)} for {backend.shape(x)} "
                f"{backend.dtype(x)}."
            )
    found: list[Any] = []

    def flat(*tensors: Any) -> Any:
        with use_backend(backend):
            result = fun(*tree.pack_sequence_as(primals, list(tensors)))
            found[:] = result if has_aux else [result, None]
            return [as_tensor(backend, y) for y in tree.flatten(found[0])]

    outputs, derivatives = forward_mode.jvp(backend, flat, leaves, along)
    results = (
        tree.pack_sequence_as(found[0], list(outputs)),
        tree.pack_sequence_as(found[0], list(derivatives)),
    )
    return (*results, found[1]) if has_aux else results
