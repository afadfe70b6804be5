"""The adapter: one class made of the concerns beside it."""

from __future__ import annotations

import jax

from unidl.backend.contract import Backend
from unidl_jax import handles
from unidl_jax.abstract import Abstract
from unidl_jax.arrays import Arrays
from unidl_jax.autodiff import Autodiff
from unidl_jax.collectives import Collectives
from unidl_jax.control import Control
from unidl_jax.conv import Conv
from unidl_jax.execution import Execution
from unidl_jax.factorizations import Factorizations
from unidl_jax.fourier import Fourier
from unidl_jax.math import Math
from unidl_jax.native import Native
from unidl_jax.nn import NN
from unidl_jax.random import Random
from unidl_jax.recurrent import Recurrent
from unidl_jax.sharding import Sharding
from unidl_jax.special import Special


class JaxBackend(
    Arrays,
    Math,
    NN,
    Conv,
    Recurrent,
    Random,
    Special,
    Factorizations,
    Fourier,
    Autodiff,
    Collectives,
    Sharding,
    Control,
    Execution,
    Native,
    Abstract,
    Backend,
):
    """JAX: eager, and every compiled function under jax.jit."""

    name = "jax"
    version = jax.__version__
    tensor_types = (jax.Array, jax.core.Tracer)  # newer tracers are no subclass of jax.Array
    dtypes = (
        "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
        "float16", "bfloat16", "float32", "float64",
    )  # fmt: skip
    traces = True
    limits = {
        "eig": "not in compiled functions",
        "while_loop": "in compiled functions a gradient needs `maximum_iterations`",
    }
    kernels = {
        "gelu": "jax.nn.gelu",
        "conv": "lax.conv_general_dilated",
        "max_pool": "lax.reduce_window",
        "avg_pool": "lax.reduce_window",
        "gcd": "jnp.gcd",
        "nextafter": "jnp.nextafter",
        "bitcast": "jax.Array.view",
        "lu_factor": "jax.scipy.linalg.lu_factor",
        "fft": "jnp.fft.fft, jnp.fft.ifft",
        "rfft": "jnp.fft.rfft",
        "irfft": "jnp.fft.irfft",
        "custom_gradient": "jax.custom_gradient",
        "remat": "jax.checkpoint",
        "cond": "lax.cond, in compiled functions",
        "while_loop": "lax.while_loop, or lax.scan with maximum_iterations, in compiled functions",
        "jvp": "jax.jvp",
    }


handles.register()
