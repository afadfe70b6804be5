"""Who competes. A contestant is a class with

    __init__(workload)          makes the model
    train(x, y, gate)           for each of gate.epochs: gate.begin(), one epoch,
                                gate.end(mean loss, accuracy)
    predict(x, batch_size)      probabilities or logits (n, 10) as a NumPy array
    evaluate(x, y, batch_size)  (mean loss, accuracy)

and all of them do the same work: a new order of the samples each epoch, Adam(1e-3), loss and
accuracy counted on every batch.
"""

from __future__ import annotations

import importlib

# name -> (module, class, environment)
CONTESTANTS = {
    "unidl-numpy": ("high_level", "Unidl", {"UNIDL_BACKEND": "numpy"}),
    "unidl-torch": ("high_level", "Unidl", {"UNIDL_BACKEND": "torch"}),
    "unidl-tensorflow": ("high_level", "Unidl", {"UNIDL_BACKEND": "tensorflow"}),
    "unidl-mxnet": ("high_level", "Unidl", {"UNIDL_BACKEND": "mxnet"}),
    "unidl-torch-jit": ("high_level", "UnidlJit", {"UNIDL_BACKEND": "torch"}),
    "unidl-tensorflow-jit": ("high_level", "UnidlJit", {"UNIDL_BACKEND": "tensorflow"}),
    "keras-torch": ("high_level", "Keras", {"KERAS_BACKEND": "torch"}),
    "keras-tensorflow": ("high_level", "Keras", {"KERAS_BACKEND": "tensorflow"}),
    "native-torch": ("torch_loop", "Torch", {}),
    "plain-torch": ("torch_loop", "PlainTorch", {}),
    "compiled-torch": ("torch_loop", "CompiledTorch", {}),
    "xla-tensorflow": ("tensorflow_loop", "XlaTensorFlow", {"KERAS_BACKEND": "tensorflow"}),
    "native-tensorflow": ("tensorflow_loop", "TensorFlow", {"KERAS_BACKEND": "tensorflow"}),
    "native-mxnet": ("gluon_loop", "Gluon", {}),
    "native-numpy": ("numpy_loop", "NumPyMLP", {}),
    "sklearn": ("sklearn_mlp", "ScikitLearn", {}),
}

# Only these have no model for every workload.
MLP_ONLY = ("native-numpy", "sklearn")

# What jit_compile=True is measured on: a small model and one with many kinds of operations.
JIT = ("mlp", "transformer")

# Whom unidl meets on each backend; "-jit" is unidl with jit_compile=True.
RIVALS = {
    "numpy": ("native-numpy", "native-torch", "sklearn"),
    "torch": ("native-torch", "plain-torch", "keras-torch"),
    "tensorflow": ("native-tensorflow", "keras-tensorflow"),
    "mxnet": ("native-mxnet",),
    "torch-jit": ("unidl-torch", "native-torch", "compiled-torch"),
    "tensorflow-jit": ("unidl-tensorflow", "native-tensorflow", "xla-tensorflow"),
}


def takes_part(backend, workload):
    return workload.name in JIT or not backend.endswith("-jit")


def lineup(backend, workload):
    """Names of the contestants for a backend and a workload, unidl first."""
    return [
        f"unidl-{backend}",
        *(r for r in RIVALS[backend] if workload.name == "mlp" or r not in MLP_ONLY),
    ]


def load(name):
    """The class of a contestant; this imports its framework."""
    module, cls, _ = CONTESTANTS[name]
    return getattr(importlib.import_module(f"benchmarks.contestants.{module}"), cls)
