"""Keras' `mixed_precision`: policies and the loss scale, under their names of Keras 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from unidl.optimizers import LossScaleOptimizer
from unidl.utils.namespaces import namespace

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
