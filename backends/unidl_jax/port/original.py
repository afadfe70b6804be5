"""A written module as the proof asks it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from unidl import tree
from unidl.port.proof import BUDGET
from unidl_jax.port.live import named


class JaxOriginal:
    """`model`, whose weights are in float64, without dropout and noise, compiled."""

    def __init__(self, model):
        self.budget, self.left_out = BUDGET, []
        for _, part in nnx.iter_graph(model):
            for name in ("rate", "dropout_rate", "stddev"):
                if hasattr(part, name):
                    setattr(part, name, 0.0)
            if isinstance(part, nnx.MultiHeadAttention):
                part.attention_fn = _attention
        self._run = {}
        for training in (False, True):
            model.train() if training else model.eval()
            graph, self._weights, self._rest = nnx.split(model, nnx.Param, ...)
            self._run[training] = jax.jit(_running(graph))
        self._gradients = jax.jit(jax.grad(_total(self._run[True]), (0, 2), has_aux=True))

    def outputs(self, inputs, training):
        outputs, _ = self._run[training](self._weights, self._rest, inputs)
        return [np.asarray(y) for y in outputs]

    def gradients(self, inputs, directions):
        floats = {i: x for i, x in enumerate(inputs) if x.dtype.kind == "f"}
        others = {i: x for i, x in enumerate(inputs) if i not in floats}
        given = self._weights, self._rest, floats, others, directions
        (of_weights, of_floats), self._rest = self._gradients(*given)
        found = {name: np.asarray(g) for name, g in named(of_weights).items()}
        return found, [
            np.asarray(of_floats[i]) if i in floats else None for i in range(len(inputs))
        ]

    def descend(self, gradients, rate):
        moved = {name: w - rate * gradients[name] for name, w in named(self._weights).items()}
        flat = nnx.to_flat_state(self._weights)
        pairs = zip(flat, moved.values(), strict=True)
        self._weights = nnx.from_flat_state([(path, v.replace(w)) for (path, v), w in pairs])

    def state(self):
        kept = named(self._weights)
        kept |= named(nnx.filter_state(self._rest, nnx.Not(nnx.RngState)))
        return {name: np.asarray(value) for name, value in kept.items()}


def _running(graph):
    def run(weights, rest, inputs):
        model = nnx.merge(graph, weights, rest)
        outputs = tree.flatten(model(*inputs))
        return outputs, nnx.state(model, nnx.Not(nnx.Param))

    return run


def _total(run):
    """The sum of outputs * directions, and what is not trained afterwards."""

    def total(weights, rest, floats, others, directions):
        inputs = [x for _, x in sorted((floats | others).items())]
        outputs, rest = run(weights, rest, inputs)
        return sum((y * d).sum() for y, d in zip(outputs, directions, strict=True)), rest

    return total


def _attention(query, key, value, mask=None, **options):
    """As jax.nn.dot_product_attention, which takes its softmax in float32 whatever comes in."""
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = jnp.where(mask, scores, jnp.finfo(scores.dtype).min)
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), value)
