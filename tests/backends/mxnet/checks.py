"""One helper for all functions: values and gradients, eager and compiled, in both precisions."""

from __future__ import annotations

import numpy as np

from unidl.backend import Variable, get_backend

STEP = 1e-6


def _scalar(backend, results, weights):
    """Weighted sum of all floating results, so that every element has a gradient of its own."""
    total = None
    for result, weight in zip(results, weights, strict=True):
        if weight is not None:
            term = backend.sum(
                backend.multiply(result, backend.asarray(weight, backend.dtype(result)))
            )
            total = term if total is None else backend.add(total, term)
    return total


def as_list(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]


def check(
    function,
    reference,
    *inputs,
    grad=True,
    rtol64=1e-12,
    rtol32=3e-6,
    gradient=None,
    gradient_rtol=2e-7,
    dtypes=("float64", "float32"),
):
    """`function(backend, *tensors)` against `reference(*arrays)`.

    Floating inputs run in each of `dtypes`. Gradients are held against `gradient(*arrays)` (of the
    sum over all elements of the result, unweighted) if given, else against central differences of
    the float64 function itself.
    """
    backend = get_backend("mxnet")
    inputs = [np.asarray(x) for x in inputs]
    for dtype in dtypes:
        arrays = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
        tensors = [backend.asarray(x) for x in arrays]
        exact = [
            np.asarray(r)
            for r in as_list(
                reference(*(x.astype("float64") if x.dtype.kind == "f" else x for x in arrays))
            )
        ]
        rtol = rtol64 if dtype == "float64" else rtol32
        eager = as_list(function(backend, *tensors))
        compiled = as_list(backend.compile(lambda *t: function(backend, *t), [])(*tensors))
        for got in (eager, compiled):
            assert len(got) == len(exact)
            for g, e in zip(got, exact, strict=True):
                compare(backend, g, e, rtol, dtype)
        if grad:
            check_gradients(backend, function, exact, arrays, dtype, gradient, gradient_rtol)


def compare(backend, got, exact, rtol, dtype):
    assert backend.shape(got) == exact.shape
    if exact.dtype.kind == "f":
        assert backend.dtype(got) == dtype
    elif exact.dtype.kind == "b":
        assert backend.dtype(got) == "bool"
    host = backend.to_numpy(got)
    finite = np.abs(exact[np.isfinite(exact)]) if exact.dtype.kind == "f" else np.zeros(0)
    scale = finite.max() if finite.size else 1.0
    np.testing.assert_allclose(
        host.astype("float64"), exact.astype("float64"), rtol=rtol, atol=rtol * scale
    )


def check_gradients(backend, function, exact, arrays, dtype, gradient, rtol):
    rng = np.random.RandomState(3)
    floating = [i for i, x in enumerate(arrays) if x.dtype.kind == "f"]
    weights = [
        (rng.uniform(0.5, 1.5, e.shape) if gradient is None else np.ones(e.shape))
        if e.dtype.kind == "f"
        else None
        for e in exact
    ]
    variables = [Variable(arrays[i], backend=backend) for i in floating]

    def arguments():
        values = iter(variables)
        return [next(values).value if x.dtype.kind == "f" else backend.asarray(x) for x in arrays]

    def loss():
        return _scalar(backend, as_list(function(backend, *arguments())), weights)

    if gradient is None:
        wanted = [central_differences(backend, function, arrays, i, weights) for i in floating]
    else:
        wanted = [
            np.asarray(g)
            for g in as_list(
                gradient(*(x.astype("float64") if x.dtype.kind == "f" else x for x in arrays))
            )
        ]
    found = {}
    found["eager"] = backend.value_and_grad(loss, variables)[1]
    copies = [Variable(np.zeros(v.shape, v.dtype), backend=backend) for v in variables]
    step = backend.compile_step(
        lambda: (loss(), []),
        lambda grads: [c.replace(backend.add(g, 0.0)) for c, g in zip(copies, grads, strict=True)],
        variables, [*variables, *copies],
    )  # fmt: skip
    step()
    found["traced"] = [c.value for c in copies]
    rtol = rtol if dtype == "float64" else 2e-4
    for how in ("eager", "traced"):
        for got, want in zip(found[how], wanted, strict=True):
            assert backend.dtype(got) == dtype
            scale = max(np.abs(want[np.isfinite(want)]).max(initial=0.0), 1e-3)
            np.testing.assert_allclose(
                backend.to_numpy(got), want, rtol=rtol, atol=rtol * scale, err_msg=how
            )


def central_differences(backend, function, arrays, index, weights):
    arrays = [x.astype("float64") if x.dtype.kind == "f" else x for x in arrays]
    result = np.zeros(arrays[index].shape)
    for place in np.ndindex(result.shape):
        values = []
        for sign in (1, -1):
            moved = [x.copy() for x in arrays]
            moved[index][place] += sign * STEP
            results = as_list(function(backend, *(backend.asarray(x) for x in moved)))
            values.append(
                sum(
                    float((backend.to_numpy(r) * w).sum())
                    for r, w in zip(results, weights, strict=True)
                    if w is not None
                )
            )
        result[place] = (values[0] - values[1]) / (2 * STEP)
    return result
