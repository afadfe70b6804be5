"""Helpers for users' scripts. Loaded when asked for, since `utils.naming` stands below all else."""

import importlib

_HOME = {
    "clear_session": "session",
    "name_scope": "scopes",
    "normalize": "arrays",
    "set_random_seed": "random_seed",
    "to_categorical": "one_hot",
}

__all__ = ["clear_session", "name_scope", "normalize", "set_random_seed", "to_categorical"]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
