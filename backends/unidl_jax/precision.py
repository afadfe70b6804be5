"""64-bit dtypes, which JAX only has after a global switch."""

from __future__ import annotations

import warnings

import jax
import numpy as np

_WIDE = ("float64", "int64", "uint64")


def jax_dtype(dtype):
    """The NumPy dtype called `dtype`; the first 64-bit one turns JAX's 64-bit mode on, and says so.

    The mode belongs to the process: from then on JAX' own functions make 64-bit arrays too where
    NumPy would.
    """
    if dtype in _WIDE and not jax.config.jax_enable_x64:
        warnings.warn(
            f"unidl turns JAX's 64-bit mode on for this process, since {dtype} was asked for; "
            "without it JAX would give 32 bits. "
            "To decide yourself, call jax.config.update('jax_enable_x64', True) first, or use "
            "32-bit data.",
            stacklevel=2,
        )
        jax.config.update("jax_enable_x64", True)
    return jax.numpy.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
