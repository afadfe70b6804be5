"""Kernels that JAX has where most frameworks have none."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from unidl.backend import contract
from unidl_jax.precision import jax_dtype


class Special(contract.Special):
    gcd = staticmethod(jnp.gcd)

    def nextafter(self, x1, x2):
        return jax.lax.stop_gradient(
            jnp.nextafter(jax.lax.stop_gradient(x1), jax.lax.stop_gradient(x2))
        )

    def bitcast(self, x, dtype):
        return jax.lax.stop_gradient(x).view(jax_dtype(dtype))
