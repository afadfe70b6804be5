"""XLA's convolution, and its reductions over windows."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from unidl.backend import contract

_LAYOUT = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


class Conv(contract.Conv):
    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            strides,
            _padding(padding),
            rhs_dilation=dilation,
            dimension_numbers=_LAYOUT[len(strides)],
            feature_group_count=groups,
            precision="highest",
        )

    def max_pool(self, x, window, strides, padding):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, *_windows(window, strides, padding))

    def avg_pool(self, x, window, strides, padding):
        arguments = _windows(window, strides, padding)
        zero = jnp.zeros((), x.dtype)
        total = jax.lax.reduce_window(x, zero, jax.lax.add, *arguments)
        count = jax.lax.reduce_window(
            jnp.ones((1, *x.shape[1:-1], 1), x.dtype), zero, jax.lax.add, *arguments
        )
        return total / count


def _padding(padding):
    return padding.upper() if isinstance(padding, str) else padding


def _windows(window, strides, padding):
    pairs = padding.upper() if isinstance(padding, str) else ((0, 0), *padding, (0, 0))
    return (1, *window, 1), (1, *strides, 1), pairs
