"""unidl: write a neural network once; train, check and ship it on any framework.

The names are Keras 3's. `UNIDL_BACKEND`, `unidl.set_backend` or `with unidl.use_backend(...)` choose the framework; importing
unidl imports none. Everything here is loaded when it is first used.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_MODULES = (
    "activations", "backend", "callbacks", "config", "constraints", "datasets", "dtype_policies", "initializers", "layers",
    "losses", "metrics", "models", "ops", "optimizers", "random", "regularizers", "saving", "tree", "utils", "verify",
)  # fmt: skip

_NAMES = {
    "DTypePolicy": "unidl.dtype_policies",
    "Functional": "unidl.models",
    "Initializer": "unidl.initializers",
    "Input": "unidl.layers",
    "InputSpec": "unidl.layers",
    "KerasTensor": "unidl.tracing",
    "Layer": "unidl.layers",
    "Loss": "unidl.losses",
    "Metric": "unidl.metrics",
    "Model": "unidl.models",
    "Optimizer": "unidl.optimizers",
    "Regularizer": "unidl.regularizers",
    "Sequential": "unidl.models",
    "Variable": "unidl.backend",
    "device": "unidl.backend",
    "get_backend": "unidl.backend",
    "list_backends": "unidl.backend",
    "name_scope": "unidl.utils",
    "set_backend": "unidl.backend",
    "use_backend": "unidl.backend",
    "value_and_grad": "unidl.autodiff",
}


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"unidl.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'unidl' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_MODULES, *_NAMES})


__all__ = sorted([*_MODULES, *_NAMES])
