"""The base class of initializers."""

from __future__ import annotations

import numpy as np

from unidl.backend import dtypes
from unidl.saving.serialization import deserialize_keras_object


class Initializer:
    """Makes the first value of a weight: `initializer(shape, dtype=None) -> np.ndarray`, on the host, for every backend the same.

    Subclasses implement `__call__`, and `get_config` if they have arguments.
    """

    def __call__(self, shape, dtype=None) -> np.ndarray:
        raise NotImplementedError(
            f"{type(self).__name__} must implement __call__(self, shape, dtype=None)."
        )

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**{key: deserialize_keras_object(value) for key, value in config.items()})

    def clone(self):
        return type(self).from_config(self.get_config())


def host_array(values, dtype) -> np.ndarray:
    """`values` in `dtype`, where NumPy has it: bfloat16 stays float32, and the Variable rounds it."""
    name = dtypes.standardize_dtype(dtype)
    return np.asarray(values, dtype="float32" if name == "bfloat16" else name)
