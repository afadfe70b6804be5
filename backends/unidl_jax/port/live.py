"""Written modules with their weights."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
from flax import nnx


def live(kind, arrays, dtype):
    """A module of the class `kind`, with these weights, its floats in `dtype`."""
    takes_rngs = "rngs" in inspect.signature(kind.__init__).parameters
    model = kind(rngs=nnx.Rngs(0)) if takes_rngs else kind()

    def loaded(path, variable):
        array = arrays[name_of(path)]
        return variable.replace(jnp.asarray(array, dtype if array.dtype.kind == "f" else None))

    nnx.update(model, nnx.map_state(loaded, nnx.state(model, nnx.Not(nnx.RngState))))
    for _, part in nnx.iter_graph(model):
        if isinstance(part, nnx.Embed):
            part.dtype = dtype  # of what it gives
        if hasattr(part, "param_dtype"):
            part.param_dtype = dtype  # of the states with which cells begin
    return model


def name_of(path):
    return ".".join(map(str, path))


def named(state):
    """{name: array} of a state of Flax."""
    return {name_of(path): variable[...] for path, variable in nnx.to_flat_state(state)}


def in_float64():
    """Inside, JAX has 64 bits, whatever the process has chosen."""
    enable = getattr(jax, "enable_x64", None)
    if enable is None:  # before JAX 0.8
        from jax.experimental import enable_x64 as enable
    return enable(True)
