"""The backend: the families of functions put together."""

from __future__ import annotations

import jax

from unidl.backend.contract import Backend
from unidl_jax.arrays import Arrays
from unidl_jax.execution import Autodiff, Execution, Storage
from unidl_jax.math import Math
from unidl_jax.nn import Recurrent, Windows
from unidl_jax.random import Random


class JaxBackend(Arrays, Math, Windows, Recurrent, Random, Autodiff, Execution, Storage, Backend):
    """JAX: eager, and every compiled function under jax.jit."""

    name = "jax"
    version = jax.__version__
    tensor_types = (jax.Array,)
    traces = True
    kernels = {"conv": "lax.conv_general_dilated", "max_pool": "lax.reduce_window", "avg_pool": "lax.reduce_window"}

    def devices(self):
        names = [f"cpu:{i}" for i, _ in enumerate(jax.devices("cpu"))]
        return names + [f"gpu:{i}" for i, d in enumerate(d for d in jax.devices() if d.platform == "gpu")]
