"""Weights in files: in the layout of Keras' `.weights.h5`, so that the files interchange, whole or
in shards, or as safetensors.

Groups follow the attributes: `layers/<snake_case class>[_n]/.../vars/<i>`, and `optimizer/vars/<i>`
of a compiled model.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.backend.variable import Variable
from unidl.distribution.placing import is_split
from unidl.saving import hdf5, model_archive, orbax_files, safetensors, sharded, shards
from unidl.utils.naming import is_of_unidl, numbered, prefix_of
from unidl.utils.whole_file import whole_file
from unidl.utils.whole_folder import finish_replacing

if TYPE_CHECKING:
    from os import PathLike

SAVED = (".weights.h5", safetensors.ENDING, sharded.ENDING, shards.ENDING)
LOADED = (*SAVED, ".keras")


def save_weights(
    model: Any,
    filepath: str | PathLike[str],
    overwrite: bool = True,
    max_shard_size: float | None = None,
) -> None:
    """Write all weights of `model`, and its optimizer's state, to `filepath`.

    Args:
        model: built.
        filepath: ends with ".weights.h5"; with ".safetensors", where the names of tensors are the
            paths of layers, such as "layers/dense/kernel"; or with ".weights.json"; or with
            ".shards", a folder into which the processes of a run write at once, each what it holds.
        overwrite: False is an error where there is such a file.
        max_shard_size: cut the weights into files of at most so many GB, which stand beside
            `filepath`, a ".weights.json".

    Raises:
        ValueError: another ending; no weights; a weight that is larger than a shard.
        FileExistsError: `overwrite=False`, and there is something.
        FileNotFoundError, PermissionError: the folder is not there, or takes no new files.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> unidl.saving.save_weights(model, "model.weights.h5")
    """
    filepath = _check_path(filepath, SAVED)
    if max_shard_size is not None:
        filepath = _check_shards(filepath, max_shard_size)
    elif filepath.endswith(sharded.ENDING):
        raise ValueError(
            f"save_weights: {filepath} is a name for weights split into shards. Give their maximum "
            "size in GB: max_shard_size=5."
        )
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(
            f"save_weights: {filepath} exists. Choose another name, or overwrite=True."
        )
    if not model.weights:
        raise ValueError(
            f"{model._who()}: there are no weights to save yet. Build the model first: call it on "
            "data, or give its input shape."
        )
    names = names_of(model)
    if filepath.endswith(shards.ENDING):
        write_parts(model, filepath, names)
        return
    arrays: Iterable[tuple[str, np.ndarray]] = arrays_of(model)
    if is_split(model):
        arrays = shards.copies(model, arrays)
    shards.once(
        model, lambda: write_arrays(filepath, arrays, names, max_shard_size), "save_weights"
    )


def write_parts(model: Any, filepath: str, names: dict[str, str]) -> None:
    """Write the weights into a folder, each process what it holds."""
    rows = ((names.get(path, path), value) for path, value in values_of(model))
    shards.write(filepath, rows, "save_weights")


def write_arrays(
    filepath: str,
    arrays: Iterable[tuple[str, np.ndarray]],
    names: dict[str, str],
    max_shard_size: float | None = None,
) -> None:
    """Write what `arrays_of` and `names_of` a model said to a file whose ending says how."""
    if max_shard_size is not None:
        sharded.write(filepath, arrays, max_shard_size)
    elif filepath.endswith(safetensors.ENDING):
        with whole_file(filepath) as new:
            safetensors.write(new, ((names.get(path, path), value) for path, value in arrays))
    else:
        with whole_file(filepath) as new, hdf5.create(new) as file:
            for path, value in arrays:
                hdf5.write_array(file, path, value)


def arrays_of(model: Any) -> Iterator[tuple[str, np.ndarray]]:
    """(path in files, numbers) of all weights of `model`, and of its optimizer's state."""
    for path, value in values_of(model):
        yield path, np.asarray(value if isinstance(value, np.ndarray) else value.numpy())


def values_of(model: Any) -> Iterator[tuple[str, Any]]:
    """(path in files, Variable or array) of what `arrays_of` has numbers of."""
    for path, layer in layers_with_paths(model):
        for name, value in _values_of(layer).items():
            yield f"{path}/vars/{name}", value
    for path, optimizer in _optimizers(model):
        for i, variable in enumerate(optimizer.variables):
            yield f"{path}/vars/{i}", variable


def names_of(model: Any) -> dict[str, str]:
    """{path in files: name in a safetensors file}: the path of the layer and the weight's own name,
    or its number where two weights of a layer have one name."""
    found: dict[str, str] = {}
    for path, layer in layers_with_paths(model):
        group = "" if path == "." else f"{path}/"
        if layer.overrides("save_own_variables") or layer.overrides("load_own_variables"):
            found |= {f"{path}/vars/{name}": f"{group}{name}" for name in _values_of(layer)}
            continue
        names = [variable.name for variable in layer._own_variables]
        for i, name in enumerate(names):
            is_clear = names.count(name) == 1 and "/" not in name and not name.isdecimal()
            found[f"{path}/vars/{i}"] = f"{group}{name if is_clear else i}"
    for path, optimizer in _optimizers(model):
        count = len(_optimizer_like(optimizer, model).variables)
        found |= {f"{path}/vars/{i}": f"{path}/{i}" for i in range(count)}
    return found


def load_weights(model: Any, filepath: str | PathLike[str], skip_mismatch: bool = False) -> None:
    """Set all weights of `model` from a file of the same architecture, ".weights.h5", or a whole
    model's ".keras", or ".safetensors", or ".weights.json" beside its shards; nothing changes
    unless all fit.

    Args:
        model: built.
        filepath: of unidl or of Keras 3. Where a safetensors file has no optimizer's state, that
            of the model stays. A folder of `callbacks.OrbaxCheckpoint` is one of them: its last
            step is read.
        skip_mismatch: leave layers alone that are not in the file, or have other shapes there; a
            warning names them.

    Raises:
        ValueError: the file is damaged, refers to anything outside itself, or has other arrays than
            the model; the text names the file and the place in it.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> model.save_weights("model.weights.h5")
        >>> other = unidl.models.clone_model(model)
        >>> unidl.saving.load_weights(other, "model.weights.h5")
        >>> np.array_equal(other.get_weights()[0], model.get_weights()[0])
        True
    """
    is_orbax = orbax_files.is_checkpoint(filepath)
    filepath = os.fspath(filepath) if is_orbax else _check_path(filepath, LOADED)
    if filepath.endswith(shards.ENDING):
        finish_replacing(filepath)
    if not os.path.exists(filepath):
        raise FileNotFoundError(f"load_weights: there is no file {filepath}.")
    if not model.built and not _has_built_parts(model):
        raise ValueError(
            f"{model._who()}: load_weights() needs a built model. First call it on data, or give "
            "its input shape."
        )
    if is_orbax:
        orbax_files.load_state(model, filepath, "load_weights", skip_mismatch)
        return
    with weights_file(filepath, "load_weights", model) as reader:
        assign = read_state(model, reader, "load_weights", filepath, skip_mismatch)
    assign()


def _has_built_parts(model: Any) -> bool:
    """Whether there is nothing left in a model that a first call would build, but for itself."""
    parts = model._flatten_layers()[1:]
    return bool(model._device_variables) and all(part.built for part in parts)


@contextmanager
def weights_file(filepath: str, who: str, model: Any) -> Iterator[Any]:
    """A Reader of a file of weights, or of those in a whole model's."""
    if filepath.endswith(".keras"):
        with (
            model_archive.opened(filepath, who) as source,
            source.weights() as file,
            hdf5.reading(filepath, who, file) as reader,
        ):
            yield reader
    elif filepath.endswith(safetensors.ENDING):
        with safetensors.reading(filepath, who, names_of(model)) as reader:
            yield reader
    elif filepath.endswith(shards.ENDING):
        with shards.reading(filepath, who, names_of(model)) as reader:
            yield reader
    elif filepath.endswith(sharded.ENDING):
        with sharded.reading(filepath, who) as reader:
            yield reader
    else:
        with hdf5.reading(filepath, who) as reader:
            yield reader


def read_state(
    model: Any,
    reader: Any,
    who: str,
    filepath: str,
    skip_mismatch: bool = False,
    at_once: bool = False,
) -> Callable[[], None]:
    """Read and check what `write_arrays`, or Keras, wrote; what comes back sets it.

    at_once: for a model that nobody has seen yet: each weight is set when it is read, so that the
        numbers are not in memory twice.
    """
    values: list[tuple[Variable, np.ndarray]] = []
    own, skipped = [], []
    known: dict[str, int | None] = {}
    for path, layer in layers_with_paths(model):
        if layer.overrides("load_own_variables") or layer.overrides("save_own_variables"):
            known[path] = None
            own.append((layer, reader.arrays_in(f"{path}/vars")))
            continue
        variables = layer._own_variables
        known[path] = len(variables)
        try:
            found = (
                (variable.held, _read(reader, f"{path}/vars/{i}", variable.path, variable))
                for i, variable in enumerate(variables)
            )
            if at_once:
                for variable, value in found:
                    variable.assign(value)
            else:
                values += list(found)
        except hdf5.NotPlain as error:
            if not skip_mismatch:
                raise
            skipped.append(f"{layer._who()} ({error})")
    if skipped:
        warnings.warn(
            f"{who}: these layers keep their weights, because those in {filepath} do not fit: "
            f"{'; '.join(skipped)}.",
            stacklevel=5,
        )
    if not skip_mismatch:
        _check_for_more(reader, known)
    optimizer = None if skipped else _read_optimizer(model, reader, who, filepath)

    def assign() -> None:
        for variable, value in values:
            variable.assign(value)
        for layer, store in own:
            layer.load_own_variables(store)
        if optimizer is not None:
            optimizer()

    return assign


def _values_of(layer: Any) -> dict[str, Any]:
    """{name in the layer's group: its Variable or array}."""
    if not layer.overrides("save_own_variables"):
        return {str(i): variable for i, variable in enumerate(layer._own_variables)}
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    return {
        str(name): value if isinstance(value, Variable) else np.asarray(value)
        for name, value in store.items()
    }


def _read(reader: Any, path: str, name: str, variable: Any) -> np.ndarray:
    value = shards.array_of(reader, path, variable)
    if value is None:
        raise hdf5.NotPlain(
            f"there is no array {reader.name_of(path)!r} for the weight {name!r}: another "
            "architecture was saved"
        )
    return value


def _check_for_more(reader: Any, known: dict[str, int | None]) -> None:
    """An error if layers of the file have arrays that the model has not.

    No more members are visited than a file of this model can have: a few for each layer and its
    parts.
    """
    most = 1_000 + 10 * (len(known) + sum(n or 0 for n in known.values()))
    for path in reader.arrays_below("layers", most):
        if not _is_known(path, known):
            raise hdf5.NotPlain(
                f"there is also {path!r}, which the model does not have: another architecture was "
                "saved"
            )


def _is_known(path: str, known: dict[str, int | None]) -> bool:
    group, _, number = path.rpartition("/")
    count = known.get(group.removesuffix("/vars"), 0) if group.endswith("/vars") else 0
    return count is None or (
        number.isdecimal() and str(int(number)) == number and int(number) < count
    )


def _optimizers(model: Any) -> Iterator[tuple[str, Any]]:
    """(group in files, optimizer): that of the model, and those that take its steps, whose
    variables are in both groups, as in Keras."""
    if model.optimizer is not None:
        yield "optimizer", model.optimizer
        for group, optimizer in model.optimizer.inner_optimizers.items():
            yield f"optimizer/{group}", optimizer


def _read_optimizer(model: Any, reader: Any, who: str, filepath: str) -> Callable[[], None] | None:
    """What sets the optimizer's state; None where the model or the file has none."""
    members = reader.members("optimizer/vars") if model.optimizer is not None else None
    if members is None:
        return None
    like = _optimizer_like(model.optimizer, model)
    if len(members) == len(model.optimizer.variables) < len(like.variables):
        like = model.optimizer  # that in the file was saved before its first step too
    if len(members) != len(like.variables):
        warnings.warn(
            f"{who}: the optimizer's state in {filepath} has {len(members)} arrays, "
            f"{model.optimizer.name} has {len(like.variables)}; it belongs to another optimizer "
            "and is ignored. The weights are loaded.",
            stacklevel=5,
        )
        return None
    values = [
        _read(reader, f"optimizer/vars/{i}", f"optimizer variable {i}", variable)
        for i, variable in enumerate(like.variables)
    ]

    def assign() -> None:
        if like is not model.optimizer:
            model.optimizer.build(model.trainable_variables)
        for variable, value in zip(model.optimizer.variables, values, strict=True):
            variable.held.assign(value)

    return assign


def _optimizer_like(optimizer: Any, model: Any) -> Any:
    """The optimizer; where it is not built yet a built copy, since nothing may change before all
    is read."""
    if optimizer.built:
        return optimizer
    copy = type(optimizer).from_config(optimizer.get_config())
    copy.build(model.trainable_variables)
    return copy


def layers_with_paths(model: Any) -> list[tuple[str, Any]]:
    """(path of its group, layer): the model and all layers below, each once."""
    found: dict[int, tuple[str, Any]] = {}

    def walk(layer: Any, path: str) -> None:
        if id(layer) in found:
            return
        found[id(layer)] = (path or ".", layer)
        for name, child in _children(layer):
            walk(child, f"{path}/{name}" if path else name)

    walk(model, "")
    return list(found.values())


def _children(layer: Any) -> Iterator[Any]:
    """(name of the group, sublayer) by attributes, containers with a group of their own.

    A model's layers stand in "layers": those of a graph or a row first of all, those of a
    subclassed model where "layers" comes in the alphabet, after attributes that begin with "a".
    """
    groups = {_group_of(layer, name): value for name, value in layer._holders.items()}
    if hasattr(layer, "_plan"):
        if layer._plan is not None or hasattr(layer, "_stack"):
            yield from _numbered("layers", layer.layers)
        groups["layers"] = layer.layers
    for name, value in sorted(groups.items(), key=lambda item: (item[0][0] == "_", item[0])):
        if hasattr(value, "_holders"):
            yield name, value
        elif isinstance(value, list | tuple | dict):
            yield from _numbered(name, value)


def _group_of(layer: Any, attribute: str) -> str:
    """The name of an attribute's group: its own, but what is private in unidl's classes is public
    in Keras'."""
    base = next(cls for cls in type(layer).__mro__ if is_of_unidl(cls))
    if base.__name__ in ("Layer", "Model"):  # the attributes are the user's
        return attribute
    return layer._groups_in_files.get(attribute, attribute.lstrip("_"))


def _numbered(container: str, values: Any) -> Iterator[Any]:
    """(name of the group, layer) of the layers in a list or dict, and in such within it."""
    values = values.values() if isinstance(values, dict) else values
    groups = [v for v in values if hasattr(v, "_holders") or isinstance(v, list | tuple | dict)]
    names = (prefix_of(type(v)) if hasattr(v, "_holders") else "container" for v in groups)
    for value, name in zip(groups, numbered(names), strict=True):
        if hasattr(value, "_holders"):
            yield f"{container}/{name}", value
        else:
            yield from _numbered(f"{container}/{name}", value)


def _check_path(filepath: Any, endings: tuple[str, ...]) -> str:
    if not isinstance(filepath, str | os.PathLike):
        raise TypeError(
            "Weights are saved in a file: give its path as a string, such as 'model.weights.h5', "
            f"got {filepath!r}."
        )
    filepath = os.fspath(filepath)
    if filepath.rstrip("/").endswith(shards.ENDING):
        return filepath.rstrip("/")
    if not filepath.endswith(endings):
        raise ValueError(
            "The name of a weight file must end with '.weights.h5' (or '.safetensors', or "
            f"'.weights.json' for shards, or '.shards' for a folder), got {filepath!r}."
        )
    return filepath


def _check_shards(filepath: str, max_shard_size: Any) -> str:
    """The name of the JSON file beside shards."""
    is_number = isinstance(max_shard_size, int | float) and not isinstance(max_shard_size, bool)
    if not is_number or not 0 < max_shard_size < float("inf"):
        raise ValueError(
            "save_weights: max_shard_size must be the maximum size of a file in GB, such as 5 or "
            f"0.5, got {max_shard_size!r}."
        )
    if filepath.endswith((safetensors.ENDING, shards.ENDING)):
        raise ValueError(
            f"save_weights: {filepath} is not split into shards of a maximum size. Write "
            "'model.weights.json' with max_shard_size, or leave out max_shard_size."
        )
    if filepath.endswith(".weights.h5"):
        before, filepath = filepath, filepath.removesuffix(".weights.h5") + sharded.ENDING
        warnings.warn(
            f"save_weights: shards are listed in a '.weights.json' file, so {filepath} is written "
            f"instead of {before}.",
            stacklevel=4,
        )
    return filepath
