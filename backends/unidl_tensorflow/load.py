"""Import of TensorFlow without Keras.

At its end `import tensorflow` also imports Keras, where that is installed, for what this registers;
nothing here needs it, and it doubles the time (4.3 instead of 2.2 s) and takes 105 MB. `import
keras`, `tf.keras` and `from tensorflow.keras import ...` work as ever, when somebody asks for them.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types


def load_tensorflow():
    """The module `tensorflow`."""
    names_another = os.environ.get("TF_USE_LEGACY_KERAS") in ("true", "True", "1")
    if (
        "tensorflow" in sys.modules
        or "keras" in sys.modules
        or names_another
        or (spec := importlib.util.find_spec("keras")) is None
    ):
        return importlib.import_module("tensorflow")
    # No package, so TensorFlow's import of a module in it fails, which it expects; where Keras lies
    # is read from the spec.
    stand_in = types.ModuleType("keras")
    stand_in.__spec__ = spec
    sys.modules["keras"] = stand_in
    try:
        return importlib.import_module("tensorflow")
    finally:
        if sys.modules.get("keras") is stand_in:
            del sys.modules["keras"]


tf = load_tensorflow()
