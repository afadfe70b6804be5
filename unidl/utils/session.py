"""A fresh start for names and permissions."""

from __future__ import annotations

import gc

from unidl.saving import lambdas
from unidl.utils.naming import reset_names


def clear_session(free_memory: bool = True) -> None:
    """Number automatic names from the start again: the next `Dense` layer is called "dense".

    `config.enable_unsafe_deserialization()` is undone in all threads. There is no other global
    state to clear: models own their variables, and memory is freed with the model. `free_memory`
    also runs Python's cycle collector.

    Examples:
        >>> unidl.backend.clear_session()
        >>> unidl.layers.Dense(1).name, unidl.layers.Dense(1).name
        ('dense', 'dense_1')
        >>> unidl.backend.clear_session()
        >>> unidl.layers.Dense(1).name
        'dense'
    """
    reset_names()
    lambdas.disable_unsafe_deserialization()
    if free_memory:
        gc.collect()
