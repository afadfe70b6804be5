"""Keras itself, as the reference: imported on TensorFlow with float64 as its default, quietly."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
from unittest import mock

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def in_float64():
    """Keras and unidl with floatx float64 inside the block; yields Keras. Without Keras the test is
    skipped."""
    keras = pytest.importorskip("keras")

    import unidl.backend as backend

    before = keras.config.floatx(), backend.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    backend.set_floatx("float64")
    try:
        with keras_uncompiled():
            yield keras
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[0])
        backend.set_floatx(before[1])


@contextlib.contextmanager
def keras_uncompiled():
    """Inside the block Keras runs its steps as they are: it takes a second or more to compile one,
    and a reference runs few. Its models' configs are as before."""
    trainer = importlib.import_module("keras.src.trainers.trainer").Trainer
    eager = property(lambda self: True, trainer.run_eagerly.fset)
    with mock.patch.object(trainer, "run_eagerly", eager):
        yield


def close(ours, theirs, tolerance=1e-11):
    """Assert max|difference| <= tolerance * max|theirs|, and equal shapes."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    scale = np.nanmax(np.abs(theirs), initial=1e-300)
    difference = np.nanmax(np.abs(ours - theirs), initial=0.0)
    assert difference <= tolerance * scale, f"{difference / scale:.3e} > {tolerance}"


def bare_signature(function):
    """The signature of a function or class as text, without annotations: Keras has none."""
    found = inspect.signature(function)
    bare = [
        parameter.replace(annotation=parameter.empty) for parameter in found.parameters.values()
    ]
    return str(found.replace(parameters=bare, return_annotation=found.empty))
