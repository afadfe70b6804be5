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
from unidl.saving import hdf5
from unidl.utils.naming import prefix_of
from unidl.utils.whole_file import whole_file

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
    with whole_file(filepath) as new, hdf5.create(new) as file:
        for path, variables in _groups(model):
            for i, variable in enumerate(variables):
                hdf5.write_array(file, f"{path}/vars/{i}", variable.numpy())
        for i, value in enumerate(_optimizer_values(model)):
            hdf5.write_array(file, f"optimizer/vars/{i}", value)


def load_weights(model: Any, filepath: str | PathLike[str]) -> None:
    """Set all weights of `model` from a file of the same architecture; nothing changes unless all
    fit.

    Raises:
        ValueError: the file is damaged, refers to anything outside itself, or has other arrays than
            the model; the text names the file and the place in it.
    """
    filepath = _check_path(filepath)
    if not os.path.exists(filepath):
        raise FileNotFoundError(f"load_weights: there is no file {filepath}.")
    if not model.built:
        raise ValueError(
            f"{model._who()}: load_weights() needs a built model. Call it on data, or give its "
            "input shape, first."
        )
    with hdf5.reading(filepath, "load_weights") as reader:
        groups = list(_groups(model))
        values = [
            _read(reader, f"{path}/vars/{i}", variable.path, tuple(variable.shape))
            for path, variables in groups
            for i, variable in enumerate(variables)
        ]
        _check_for_more(reader, {path: len(variables) for path, variables in groups})
        optimizer = _read_optimizer(model, reader, filepath)
    for variable, value in zip((v for _, each in groups for v in each), values, strict=True):
        variable.assign(value)
    if optimizer is not None:
        model.optimizer.build(model.trainable_variables)
        model.optimizer.set_weights(optimizer)


def _read(reader: Any, path: str, name: str, shape: Any) -> np.ndarray:
    value = reader.array(path, shape)
    if value is None:
        raise hdf5.NotPlain(
            f"there is no array {path.removeprefix('./')!r} for the weight {name!r}: another "
            "architecture was saved"
        )
    return value


def _check_for_more(reader: Any, known: dict[str, int]) -> None:
    """An error if layers of the file have arrays that the model has not.

    No more members are visited than a file of this model can have: a few for each layer and its
    parts.
    """
    for path in reader.arrays_below("layers", most=1_000 + 10 * sum(known.values())):
        if not _is_known(path, known):
            raise hdf5.NotPlain(
                f"there also is {path!r}, which the model has not: another architecture was saved"
            )


def _is_known(path: str, known: dict[str, int]) -> bool:
    group, _, number = path.rpartition("/")
    count = known.get(group.removesuffix("/vars"), 0) if group.endswith("/vars") else 0
    return number.isdecimal() and str(int(number)) == number and int(number) < count


def _optimizer_values(model: Any) -> Any:
    optimizer = model.optimizer
    return (
        [np.asarray(v.numpy()) for v in optimizer.variables]
        if optimizer is not None and optimizer.built
        else []
    )


def _read_optimizer(model: Any, reader: Any, filepath: Any) -> Any:
    """The optimizer's values; None where the model or the file has none."""
    members = reader.members("optimizer/vars") if model.optimizer is not None else None
    if members is None:
        return None
    shapes = [tuple(v.shape) for v in _optimizer_like(model).variables]
    if len(members) != len(shapes):
        warnings.warn(
            f"load_weights: the optimizer's state in {filepath} has {len(members)} arrays, "
            f"{model.optimizer.name} has {len(shapes)}; "
            f"it belongs to another optimizer and stays there. The weights are loaded.",
            stacklevel=4,
        )
        return None
    return [
        _read(reader, f"optimizer/vars/{i}", f"optimizer variable {i}", shape)
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
    if not isinstance(filepath, str | os.PathLike):
        raise TypeError(
            "Weights are saved in a file: give its path as a text, such as 'model.weights.h5', got "
            f"{filepath!r}."
        )
    filepath = os.fspath(filepath)
    if not filepath.endswith(".weights.h5"):
        raise ValueError(
            f"Weights are saved in a file whose name ends with '.weights.h5', got {filepath!r}."
        )
    return filepath
