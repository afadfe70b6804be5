"""A process that was forked after TensorFlow had run is told so.

TensorFlow's threads do not come along into the child, which would wait for them for ever, without a
word. So there every use of the backend is an error instead. What does not need TensorFlow goes on:
workers that read files, say, or another backend.
"""

from __future__ import annotations

import os

_MESSAGE = (
    "This process was forked from one in which TensorFlow had already run. TensorFlow's threads "
    "are not in it, and it would hang for ever. Start processes anew: "
    'multiprocessing.get_context("spawn"), or use TensorFlow in the child alone.'
)

# What starts no kernel: weights can be read and saved.
_HARMLESS = frozenset(
    [
        "name", "version", "tensor_types", "dtypes", "traces", "has_values", "is_tensor",
        "to_numpy", "read", "shape", "dtype", "scope", "device", "devices",
    ]
)  # fmt: skip


def guard(backend):
    """From now on, `backend` raises an error in processes that are forked from this one."""
    kind = type(backend)

    class Forked(kind):
        def __getattribute__(self, name):
            if name in _HARMLESS or name.startswith("__"):
                return super().__getattribute__(name)
            raise RuntimeError(_MESSAGE)

    Forked.__name__, Forked.__qualname__ = kind.__name__, kind.__qualname__

    from tensorflow.python.eager import context  # after `load`, which keeps Keras out

    def in_child():
        if context.context()._initialized:
            backend.__class__ = Forked

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_child)
