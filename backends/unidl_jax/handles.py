"""Variables among the arguments of JAX' own transformations.

`jax.jit(step)(model.trainable_variables, ...)`, as programs for Keras have it: each handle is a
node of the tree of arguments, with its value as the only leaf. Inside, and among what comes out,
there are values and no handles.
"""

from __future__ import annotations

import jax

from unidl.backend import Variable
from unidl.backend.host_held import tell_classes


def register():
    """Tell JAX about them, once."""
    jax.tree_util.register_pytree_node(Variable, lambda v: ((v.value,), None), _only)
    tell_classes(lambda cls: jax.tree_util.register_pytree_node(cls, _number, _only))


def _number(handle):
    return (handle.as_tensor(handle.state),), None


def _only(_, values):
    (value,) = values
    return value
