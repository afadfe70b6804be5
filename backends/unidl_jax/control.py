"""Branches, loops and gradients of one's own: by JAX where it traces, else by Python."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from unidl.backend import contract
from unidl.backend.variable import unassignable
from unidl.tracing.rows import current_rows


class Control(contract.Control):
    def cond(self, pred, true_fn, false_fn):
        if not isinstance(pred, jax.core.Tracer):
            return super().cond(pred, true_fn, false_fn)
        with unassignable("a branch"):
            return list(jax.lax.cond(pred, lambda: tuple(true_fn()), lambda: tuple(false_fn())))

    def while_loop(self, condition, body, state, maximum_iterations=None):
        state = list(state)
        if not any(isinstance(x, jax.core.Tracer) for x in (*state, condition(*state))):
            return super().while_loop(condition, body, state, maximum_iterations)

        def step(s, _):
            return jax.lax.cond(condition(*s), lambda: list(body(*s)), lambda: list(s)), None

        with unassignable("a loop"):
            if maximum_iterations is not None:
                return list(jax.lax.scan(step, state, None, maximum_iterations)[0])
            # Without a bound the way back is not known in advance: JAX has no gradient here, and
            # says so.
            return list(
                jax.lax.while_loop(lambda s: condition(*s), lambda s: list(body(*s)), state)
            )

    def custom_gradient(self, function, tensors):
        def flat(*xs):
            outputs, gradient = function(*xs)
            return tuple(outputs), lambda upstream: tuple(gradient(*(_float(u) for u in upstream)))

        if current_rows() is not None:  # in a step that runs as plain Python
            return _with_gradient_in_python(flat, tensors)
        return list(jax.custom_gradient(flat)(*tensors))

    def jvp(self, function, primals, tangents):
        outputs, derivatives = jax.jvp(
            lambda *xs: list(function(*xs)), tuple(primals), tuple(tangents)
        )
        return outputs, derivatives


def _with_gradient_in_python(flat, tensors):
    """As jax.custom_gradient, but the way back is no trace: it may ask for values."""
    back = None

    def forward(*xs):
        nonlocal back
        outputs, back = flat(*xs)
        return outputs, ()

    function = jax.custom_vjp(lambda *xs: flat(*xs)[0])
    function.defvjp(forward, lambda _, upstream: back(upstream))
    return list(function(*tensors))


def _float(upstream):
    """Zeros for the gradient of an output that has none."""
    return jnp.zeros(upstream.shape) if upstream.dtype == jax.dtypes.float0 else upstream
