"""unidl: write a neural network once; train, check and ship it on any framework.

The names are Keras 3's. `UNIDL_BACKEND`, `unidl.set_backend` or `with unidl.use_backend(...)`
choose the framework; importing unidl imports none. Everything here is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

_MODULES = (
    "activations", "backend", "callbacks", "config", "constraints", "datasets", "distribution",
    "dtype_policies", "export", "initializers", "layers", "losses", "metrics", "mixed_precision",
    "models", "ops", "optimizers", "port", "preprocessing", "random", "regularizers", "saving",
    "tree", "utils",
    "verify", "visualization",
)  # fmt: skip

_HOMES = {name: f"unidl.{name}" for name in _MODULES} | {
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
    "RematScope": "unidl.layers.base.remat_scope",
    "Regularizer": "unidl.regularizers",
    "Sequential": "unidl.models",
    "StatelessScope": "unidl.backend.stateless_scope",
    "Variable": "unidl.backend",
    "device": "unidl.backend",
    "get_backend": "unidl.backend",
    "list_backends": "unidl.backend",
    "name_scope": "unidl.utils",
    "set_backend": "unidl.backend",
    "use_backend": "unidl.backend",
    "grad": "unidl.autodiff",
    "remat": "unidl.layers.base.remat",
    "value_and_grad": "unidl.autodiff",
}

if TYPE_CHECKING:  # the same names for type checkers and editors, which do not run the lines below
    from unidl import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        distribution,
        dtype_policies,
        export,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        port,
        preprocessing,
        random,
        regularizers,
        saving,
        tree,
        utils,
        verify,
        visualization,
    )
    from unidl.autodiff import grad, value_and_grad
    from unidl.backend import (
        Variable,
        device,
        get_backend,
        list_backends,
        set_backend,
        use_backend,
    )
    from unidl.backend.stateless_scope import StatelessScope
    from unidl.dtype_policies import DTypePolicy
    from unidl.initializers import Initializer
    from unidl.layers import Input, InputSpec, Layer
    from unidl.layers.base.remat import remat
    from unidl.layers.base.remat_scope import RematScope
    from unidl.losses import Loss
    from unidl.metrics import Metric
    from unidl.models import Functional, Model, Sequential
    from unidl.optimizers import Optimizer
    from unidl.regularizers import Regularizer
    from unidl.tracing import KerasTensor
    from unidl.utils import name_scope
else:
    from unidl.utils.namespaces import namespace

    __getattr__, __dir__ = namespace(__name__, _HOMES, _HOMES)

__all__ = [
    "DTypePolicy",
    "Functional",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "distribution",
    "dtype_policies",
    "export",
    "get_backend",
    "grad",
    "initializers",
    "layers",
    "list_backends",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "port",
    "preprocessing",
    "random",
    "regularizers",
    "remat",
    "saving",
    "set_backend",
    "tree",
    "use_backend",
    "utils",
    "value_and_grad",
    "verify",
    "visualization",
]
