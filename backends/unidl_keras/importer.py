"""From a model of Keras, live or in a file, to the same model of unidl.

unidl reads what Keras writes, so a live model travels through a `.keras` file: architecture,
weights, the arguments of compile and the optimizer's state.
"""

from __future__ import annotations

import os
import tempfile

import keras
import numpy as np

from unidl.models import model_from_json
from unidl.port.errors import PortError
from unidl.port.imported import Imported
from unidl.port.proof import as_list, in_float64, on_the_reference, prove
from unidl.port.weight_rules import Weight, same
from unidl.saving import load_model
from unidl_keras.applications import OBJECTS
from unidl_keras.original import KerasOriginal, quiet_config


def from_keras(model, example_inputs=None, verify=True):
    """The same Model in unidl, with its weights, compiled alike and ready to train on.

    Args:
        model: a Sequential or functional model of Keras 3, or the path of a file that Keras wrote.
            A subclassed one needs a class of the same registered name here.
        example_inputs: an array, or a list of them in the order of `model.inputs`, for the proof;
            random numbers by default.
        verify: compare outputs, gradients and some steps of training with `model`.

    Raises:
        PortError: with what cannot be converted, and the reason.

    Examples:
        >>> import keras
        >>> theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> found = unidl.port.from_keras(theirs)
        >>> found.proof.passed
        True
    """
    if isinstance(model, (str, os.PathLike)):
        model = keras.saving.load_model(model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        try:
            ours = load_model(path, custom_objects=OBJECTS)
        except (ValueError, TypeError) as error:
            reason = str(error).replace(path, "it")
            raise PortError(f"{type(model).__name__} {model.name!r}", [("", reason)]) from error
    found = Imported(ours, _weights(model, ours))
    if verify:
        found.proof = _proved(model, example_inputs)
    return found


def _weights(model, ours):
    theirs = {v.path: v for v in model.weights}
    return [
        Weight((path,), variable, same) for path, variable in zip(theirs, ours.weights, strict=True)
    ]


def _proved(model, example_inputs):
    config = quiet_config(model)
    original = KerasOriginal(config, model)
    inputs = _drawn(model) if example_inputs is None else as_list(example_inputs)
    inputs = in_float64([np.asarray(x) for x in inputs])
    with on_the_reference():
        twin = model_from_json(config, custom_objects=OBJECTS)
        weights = _weights(original.model, twin)
        for weight, value in zip(weights, model.get_weights(), strict=True):
            weight.variable.assign(value)
    return prove(f"{type(model).__name__} {model.name!r}", original, twin, weights, inputs)


def _drawn(model):
    drawn = np.random.default_rng(0)
    found = []
    for each in model.inputs:
        shape = (2, *(5 if size is None else size for size in each.shape[1:]))
        is_float = "float" in keras.backend.standardize_dtype(each.dtype)
        found.append(drawn.normal(size=shape) if is_float else drawn.integers(0, 2, shape))
    return found
