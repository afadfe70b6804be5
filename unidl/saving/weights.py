"""Weights in an HDF5 file, in the layout of Keras' `.weights.h5`, so that the files interchange.

Groups follow the attributes: `layers/<snake_case class>[_n]/.../vars/<i>`, and `optimizer/vars/<i>` when the model has trained.
"""

from __future__ import annotations

import os

import numpy as np

from unidl.backend.variable import Variable
from unidl.utils.naming import to_snake_case


def save_weights(model, filepath, overwrite=True):
    """Write all weights of `model`, and its optimizer's state, to `filepath`, which ends with ".weights.h5"."""
    filepath = _check_path(filepath)
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(f"save_weights: {filepath} exists. Choose another name, or overwrite=True.")
    if not model.weights:
        raise ValueError(f"{model._who()}: there are no weights to save yet. Build the model first: call it on data, or give its input shape.")
    # Written beside the target and renamed, so that a crash leaves the old file whole.
    partial = f"{filepath}.partial"
    try:
        with _h5py().File(partial, "w") as file:
            for path, variables in _groups(model):
                group = file.require_group(f"{path}/vars")
                for i, variable in enumerate(variables):
                    group[str(i)] = variable.numpy()
            for i, value in enumerate(_optimizer_values(model)):
                file.require_group("optimizer/vars")[str(i)] = value
        os.replace(partial, filepath)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def load_weights(model, filepath):
    """Set all weights of `model` from a file of the same architecture; nothing changes unless all fit."""
    filepath = _check_path(filepath)
    if not os.path.exists(filepath):
        raise FileNotFoundError(f"load_weights: there is no file {filepath}.")
    if not model.built:
        raise ValueError(f"{model._who()}: load_weights() needs a built model. Call it on data, or give its input shape, first.")
    try:
        file = _h5py().File(filepath, "r")
    except OSError as error:
        raise ValueError(f"load_weights: {filepath} is no HDF5 file, or it is damaged: {error}.") from error
    with file:
        found = []
        for path, variables in _groups(model):
            for i, variable in enumerate(variables):
                found.append((variable, _read(file, f"{path}/vars/{i}", variable.path, tuple(variable.shape), filepath)))
        optimizer = _read_optimizer(model, file, filepath)
    for variable, value in found:
        variable.assign(value)
    if optimizer is not None:
        model.optimizer.set_weights(optimizer)


def _read(file, path, name, shape, filepath):
    dataset = file.get(path)
    if not hasattr(dataset, "dtype"):
        raise ValueError(f"load_weights: {filepath} has no array {path!r} for the weight {name!r}; it was saved from another architecture.")
    if tuple(dataset.shape) != shape:
        raise ValueError(f"load_weights: {path!r} in {filepath} has shape {tuple(dataset.shape)}, but the weight {name!r} has shape {shape}.")
    if dataset.dtype.kind not in "biuf":
        raise ValueError(f"load_weights: {path!r} in {filepath} holds {dataset.dtype}, not numbers.")
    return dataset[()]


def _optimizer_values(model):
    optimizer = model.optimizer
    return [np.asarray(v.numpy()) for v in optimizer.variables] if optimizer is not None and optimizer.built else []


def _read_optimizer(model, file, filepath):
    """The optimizer's values, None where the file or the model has none, or they belong to another optimizer."""
    own = _optimizer_values(model)
    group = file.get("optimizer/vars")
    if not own or group is None or len(group) != len(own):
        return None
    return [_read(file, f"optimizer/vars/{i}", f"optimizer variable {i}", value.shape, filepath) for i, value in enumerate(own)]


def _groups(model):
    """(path, own variables) of the model and all layers below."""
    seen = set()

    def walk(layer, path):
        if id(layer) in seen:
            return
        seen.add(id(layer))
        own = sorted(layer.held(Variable), key=lambda v: not v.trainable)
        if own:
            yield path or ".", own
        for name, child in _children(layer):
            yield from walk(child, f"{path}/{name}" if path else name)

    return walk(model, "")


def _children(layer):
    """(name of the group, sublayer), containers with a group of their own; a model's layers stand in "layers"."""
    if hasattr(layer, "_plan") and (layer._plan is not None or hasattr(layer, "_stack")):
        yield from _numbered("layers", layer.layers)
        return
    for attribute, value in sorted(layer._holders.items()):
        name = attribute.lstrip("_")
        if hasattr(value, "_holders"):
            yield name, value
        elif isinstance(value, list | tuple | dict):
            yield from _numbered(name, value.values() if isinstance(value, dict) else value)


def _numbered(container, layers):
    used: dict[str, int] = {}
    for layer in layers:
        if hasattr(layer, "_holders"):
            name = to_snake_case(type(layer).__name__)
            count = used.get(name, 0)
            used[name] = count + 1
            yield f"{container}/{name}_{count}" if count else f"{container}/{name}", layer


def _check_path(filepath):
    filepath = os.fspath(filepath)
    if not filepath.endswith(".weights.h5"):
        raise ValueError(f"Weights are saved in a file whose name ends with '.weights.h5', got {filepath!r}.")
    return filepath


def _h5py():
    try:
        import h5py
    except ImportError as error:
        raise ImportError("Weight files need h5py. Install it with: pip install 'unidl-framework[files]'") from error
    return h5py
