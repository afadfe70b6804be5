"""Optimizer steps in place, in pieces that stay in the cache, with the arithmetic of the contract's
bodies."""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl_numpy.tape import plain

_PIECE = 1 << 15


def _own(x):
    """`x`, or a copy where it cannot be written through a flat view."""
    return x if x.flags.c_contiguous and x.flags.writeable else np.array(x, order="C")


def _pieces(*arrays):
    """Flat views of the arrays, `_PIECE` elements at a time, with a scratch array of the same
    length each."""
    flat = [a.reshape(-1) for a in arrays]
    scratch = (
        np.empty(min(flat[0].size, _PIECE), flat[0].dtype),
        np.empty(min(flat[0].size, _PIECE), flat[0].dtype),
    )
    for start in range(0, flat[0].size, _PIECE):
        parts = [a[start : start + _PIECE] for a in flat]
        yield *parts, *[s[: parts[0].size] for s in scratch]


def _grads(grads):
    return [np.ascontiguousarray(plain(g)) for g in grads]


def sgd_update(params, grads, velocities, *, learning_rate, momentum, nesterov):
    params = [_own(p) for p in params]
    slots = None if velocities is None else [_own(v) for v in velocities]
    for i, (p, g) in enumerate(zip(params, _grads(grads), strict=True)):
        number = p.dtype.type
        if slots is None:
            for p_i, g_i, step, _ in _pieces(p, g):
                p_i -= np.multiply(g_i, number(learning_rate), out=step)
            continue
        for p_i, g_i, v_i, step, move in _pieces(p, g, slots[i]):
            np.multiply(g_i, number(learning_rate), out=step)
            v_i *= number(momentum)
            v_i -= step
            if nesterov:
                np.multiply(v_i, number(momentum), out=move)
                move -= step
                p_i += move
            else:
                p_i += v_i
    return params, slots


def adam_update(params, grads, m, v, *, alpha, beta_1, beta_2, epsilon):
    params, m, v = ([_own(x) for x in group] for group in (params, m, v))
    for p, g, m_p, v_p in zip(params, _grads(grads), m, v, strict=True):
        number = p.dtype.type
        alpha_, decay_1, decay_2, epsilon_ = (
            number(alpha),
            number(1 - beta_1),
            number(1 - beta_2),
            number(epsilon),
        )
        for p_i, g_i, m_i, v_i, step, root in _pieces(p, g, m_p, v_p):
            np.subtract(g_i, m_i, out=step)
            step *= decay_1
            m_i += step
            np.multiply(g_i, g_i, out=step)
            step -= v_i
            step *= decay_2
            v_i += step
            np.multiply(m_i, alpha_, out=step)
            np.sqrt(v_i, out=root)
            root += epsilon_
            step /= root
            p_i -= step
    return params, m, v


def rmsprop_update(params, grads, v, *, learning_rate, rho, epsilon):
    params, v = ([_own(x) for x in group] for group in (params, v))
    for p, g, v_p in zip(params, _grads(grads), v, strict=True):
        number = p.dtype.type
        rate, keep, fresh, epsilon_ = (
            number(learning_rate),
            number(rho),
            number(1 - rho),
            number(epsilon),
        )
        for p_i, g_i, v_i, step, root in _pieces(p, g, v_p):
            np.multiply(g_i, g_i, out=step)
            step *= fresh
            v_i *= keep
            v_i += step
            np.multiply(g_i, rate, out=step)
            np.add(v_i, epsilon_, out=root)
            np.sqrt(root, out=root)
            step /= root
            p_i -= step
    return params, v


class Updates(contract.Updates):
    sgd_update = staticmethod(sgd_update)
    adam_update = staticmethod(adam_update)
    rmsprop_update = staticmethod(rmsprop_update)
