"""Weights in an HDF5 file, in the layout of Keras' `.weights.h5`, so that the files interchange.

Groups follow the attributes: `layers/<snake_case class>[_n]/.../vars/<i>`, and `optimizer/vars/<i>`
when the model has trained.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.backend.variable import Variable
from unidl.utils.naming import prefix_of

if TYPE_CHECKING:
    from os import PathLike


def save_weights(model: Any, filepath: str | PathLike[str], overwrite: bool = True) -> None:
    """Write all weights of `model`, and its optimizer's state, to `filepath`, which ends with
    ".weights.h5"."""
    filepath = _check_path(filepath)
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(
            f"save_weights: {filepath} exists. Choose another name, or overwrite=True."
        )
    if not model.weights:
        raise ValueError(
            f"{model._who()}: there are no weights to save yet. Build the model first: call it on "
            "data, or give its input shape."
        )
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


def load_weights(model: Any, filepath: str | PathLike[str]) -> None:
    """Set all weights of `model` from a file of the same architecture; nothing changes unless all
    fit."""
    filepath = _check_path(filepath)
    if not os.path.exists(filepath):
        raise FileNotFoundError(f"load_weights: there is no file {filepath}.")
    if not model.built:
        raise ValueError(
            f"{model._who()}: load_weights() needs a built model. Call it on data, or give its "
            "input shape, first."
        )
    try:
        file = _h5py().File(filepath, "r")
    except OSError as error:
        raise ValueError(
            f"load_weights: {filepath} is no HDF5 file, or it is damaged: {error}."
        ) from error
    with file:
        places = {
            f"{path}/vars/{i}": variable
            for path, variables in _groups(model)
            for i, variable in enumerate(variables)
        }
        values = {
            path: _read(file, path, variable.path, tuple(variable.shape), filepath)
            for path, variable in places.items()
        }
        _check_for_more(file, places, filepath)
        optimizer = _read_optimizer(model, file, filepath)
    for path, variable in places.items():
        variable.assign(values[path])
    if optimizer is not None:
        model.optimizer.build(model.trainable_variables)
        model.optimizer.set_weights(optimizer)


def _read(file: Any, path: Any, name: str, shape: Any, filepath: Any) -> Any:
    if _leads_outside(file, path):
        raise ValueError(
            f"load_weights: {path!r} in {filepath} refers to another file. A weight file must hold "
            "its arrays itself."
        )
    dataset = file.get(path)
    if not hasattr(dataset, "dtype"):
        raise ValueError(
            f"load_weights: {filepath} has no array {path!r} for the weight {name!r}; it was saved "
            "from another architecture."
        )
    if tuple(dataset.shape) != shape:
        raise ValueError(
            f"load_weights: {path!r} in {filepath} has shape {tuple(dataset.shape)}, but the "
            f"weight {name!r} has shape {shape}."
        )
    if dataset.dtype.kind not in "biuf":
        raise ValueError(
            f"load_weights: {path!r} in {filepath} holds {dataset.dtype}, not numbers."
        )
    return dataset[()]


def _leads_outside(file: Any, path: Any) -> Any:
    """Whether an array's bytes would come from another file, which the user never named."""
    h5py = _h5py()
    parts = path.strip("./").split("/")
    if any(
        isinstance(file.get("/".join(parts[:n]), getlink=True), h5py.ExternalLink)
        for n in range(1, len(parts) + 1)
    ):
        return True
    dataset = file.get(path)
    return isinstance(dataset, h5py.Dataset) and (
        dataset.external is not None or dataset.is_virtual
    )


def _check_for_more(file: Any, places: Any, filepath: Any) -> None:
    """An error if layers of the file have arrays that the model has not."""
    known = {path.removeprefix("./") for path in places}
    found = []
    file.visititems(lambda path, item: found.append(path) if hasattr(item, "dtype") else None)
    more = [path for path in found if path.startswith("layers/") and path not in known]
    if more:
        raise ValueError(
            f"load_weights: {filepath} also has {more[0]!r}, which the model has not; it was saved "
            "from another architecture."
        )


def _optimizer_values(model: Any) -> Any:
    optimizer = model.optimizer
    return (
        [np.asarray(v.numpy()) for v in optimizer.variables]
        if optimizer is not None and optimizer.built
        else []
    )


def _read_optimizer(model: Any, file: Any, filepath: Any) -> Any:
    """The optimizer's values; None where the model or the file has none."""
    group = file.get("optimizer/vars")
    if model.optimizer is None or group is None:
        return None
    shapes = [v.shape for v in _optimizer_like(model).variables]
    if len(group) != len(shapes):
        warnings.warn(
            f"load_weights: the optimizer's state in {filepath} has {len(group)} arrays, "
            f"{model.optimizer.name} has {len(shapes)}; "
            f"it belongs to another optimizer and stays there. The weights are loaded.",
            stacklevel=4,
        )
        return None
    return [
        _read(file, f"optimizer/vars/{i}", f"optimizer variable {i}", tuple(shape), filepath)
        for i, shape in enumerate(shapes)
    ]


def _optimizer_like(model: Any) -> Any:
    """The model's optimizer; where it is not built yet a built copy, since nothing may change
    before all is read."""
    if model.optimizer.built:
        return model.optimizer
    copy = type(model.optimizer).from_config(model.optimizer.get_config())
    copy.build(model.trainable_variables)
    return copy


def _groups(model: Any) -> Any:
    """(path, own variables) of the model and all layers below."""
    seen = set()

    def walk(layer: Any, path: Any) -> Iterator[Any]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        own = sorted(layer.held(Variable), key=lambda v: not v.trainable)
        if own:
            yield path or ".", own
        for name, child in _children(layer):
            yield from walk(child, f"{path}/{name}" if path else name)

    return walk(model, "")


def _children(layer: Any) -> Iterator[Any]:
    """(name of the group, sublayer), containers with a group of their own; a model's layers stand
    in "layers"."""
    if hasattr(layer, "_plan") and (layer._plan is not None or hasattr(layer, "_stack")):
        yield from _numbered("layers", layer.layers)
        return
    for attribute, value in sorted(layer._holders.items()):
        name = layer._groups_in_files.get(attribute, attribute.lstrip("_"))
        if hasattr(value, "_holders"):
            yield name, value
        elif isinstance(value, list | tuple | dict):
            yield from _numbered(name, value.values() if isinstance(value, dict) else value)


def _numbered(container: Any, layers: Any) -> Iterator[Any]:
    used: dict[str, int] = {}
    for layer in layers:
        if hasattr(layer, "_holders"):
            name = prefix_of(type(layer))
            count = used.get(name, 0)
            used[name] = count + 1
            yield f"{container}/{name}_{count}" if count else f"{container}/{name}", layer


def _check_path(filepath: Any) -> Any:
    filepath = os.fspath(filepath)
    if not filepath.endswith(".weights.h5"):
        raise ValueError(
            f"Weights are saved in a file whose name ends with '.weights.h5', got {filepath!r}."
        )
    return filepath


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "Weight files need h5py. Install it with: pip install 'unidl-framework[files]'"
        ) from error
    return h5py
