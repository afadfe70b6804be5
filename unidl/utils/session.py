"""A fresh start for names."""

from __future__ import annotations

import gc

from unidl.utils.naming import reset_names


def clear_session(free_memory: bool = True) -> None:
    """Number automatic names from the start again: the next `Dense` layer is called "dense".

    There is no other global state to clear: models own their variables, and memory is freed with
    the model. `free_memory` also runs Python's cycle collector.

    Examples:
        >>> unidl.backend.clear_session()
        >>> unidl.layers.Dense(1).name, unidl.layers.Dense(1).name
        ('dense', 'dense_1')
        >>> unidl.backend.clear_session()
        >>> unidl.layers.Dense(1).name
        'dense'
    """
    reset_names()
    if free_memory:
        gc.collect()
