"""Everything from which a run of `fit` goes on: weights, slots, metrics, random numbers, callbacks
and the place in the data, as one file."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any

import numpy as np

from unidl import random
from unidl.saving import hdf5, shards
from unidl.training import own_steps
from unidl.utils.traceback_filtering import user_stacklevel
from unidl.utils.whole_file import whole_file

FORMAT = 1
_TEXT_AT_MOST = 1 << 26  # bytes
_PLAIN = (bool, int, float, str, type(None))


def snapshot(
    model: Any, callbacks: list, progress: dict[str, Any]
) -> Callable[[str | PathLike[str]], None]:
    """A copy of the state of `model` and its `callbacks` as it is now, as a function that writes it
    to a path, whenever that is; `progress` is JSON-ready and comes back."""
    text, arrays = _described(model, callbacks, progress)
    arrays = [array.copy() for array in arrays]
    values = [np.array(variable.numpy()) for variable in variables_of(model)]

    def write(path: str | PathLike[str]) -> None:
        with whole_file(path) as new, hdf5.create(new) as file:
            hdf5.write_array(file, "state", text)
            for i, value in enumerate(values):
                hdf5.write_array(file, f"variables/{i}", value)
            for i, array in enumerate(arrays):
                hdf5.write_array(file, f"callbacks/{i}", array)

    return write


def write_parts(path: str, model: Any, callbacks: list, progress: dict[str, Any]) -> None:
    """Write the state into a folder, by all processes, each what it holds. What is different in
    each, such as the metrics of an epoch that has ended, is that of the first."""
    text, arrays = _described(model, callbacks, progress)
    rows = [(f"variables/{i}", variable) for i, variable in enumerate(variables_of(model))]
    callbacks_rows = [(f"callbacks/{i}", array) for i, array in enumerate(arrays)]
    shards.write(path, rows, "BackupAndRestore", [("state", text), *callbacks_rows])


def _described(
    model: Any, callbacks: list, progress: dict[str, Any]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """(what is no array, as the bytes of JSON; arrays of callbacks, to which it refers)."""
    arrays: list[np.ndarray] = []
    state = {
        "format": FORMAT,
        "progress": progress,
        "random": random.get_global_state(),
        "optimizers": [_targets(optimizer, model) for optimizer in own_steps.optimizers_of(model)],
        "generators": [generator.get_state() for generator in model._seed_generators],
        "callbacks": [
            {"class": type(callback).__name__, "state": _written(_plain_part(callback), arrays)}
            for callback in callbacks
        ],
        "shapes": [list(array.shape) for array in arrays],
    }
    return np.frombuffer(json.dumps(state).encode(), "uint8"), arrays


def load(path: str, model: Any, callbacks: list) -> dict[str, Any]:
    """Put everything into place, all or nothing, from a file or a folder of parts; returns the
    `progress`.

    Raises:
        ValueError: the file is damaged, or it is that of another model or optimizer; the text says
            which.
    """
    generators = model._seed_generators
    with _reading(path) as reader:
        state = json.loads(reader.text_at("state", _TEXT_AT_MOST))
        _check(state, generators)
        _build_optimizers(model, state["optimizers"])
        variables = list(variables_of(model))
        values = [_read(reader, f"variables/{i}", v) for i, v in enumerate(variables)]
        if len(reader.members("variables") or ()) != len(values):
            raise hdf5.NotPlain("it has more variables than the model, its optimizer and metrics")
        most = max(1 << 20, sum(math.prod(v.shape) for v in variables))
        shapes = [tuple(shape) for shape in state["shapes"]]
        if any(math.prod(shape) > most for shape in shapes):
            raise hdf5.NotPlain("a callback has an array larger than the model")
        arrays = [
            _there(reader.array(f"callbacks/{i}", shape), f"callbacks/{i}")
            for i, shape in enumerate(shapes)
        ]
    for variable, value in zip(variables, values, strict=True):
        variable.held.assign(value)
    for generator, found in zip(generators, state["generators"], strict=True):
        generator.set_state(found)
    for callback, found in _paired(callbacks, state["callbacks"]):
        for name, value in _read_back(found, arrays).items():
            setattr(callback, name, value)
    random.set_global_state(state["random"])
    return state["progress"]


def _paired(callbacks: list, rows: list) -> Iterator[tuple[Any, Any]]:
    """Each callback with what is kept of it: the first of a class with the first, and so on.

    What interrupted a run may be gone from the list; what is new in it begins anew.
    """
    kept: dict[str, list] = {}
    for row in rows:
        kept.setdefault(row["class"], []).append(row["state"])
    for callback in callbacks:
        name = type(callback).__name__
        if kept.get(name):
            yield callback, kept[name].pop(0)
        else:
            warnings.warn(
                f"BackupAndRestore: the backup was written without this {name}, which starts anew.",
                stacklevel=user_stacklevel(),
            )


def _check(state: Any, generators: list) -> None:
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise hdf5.NotPlain("this version cannot read its format")
    if len(state["generators"]) != len(generators):
        raise hdf5.NotPlain(
            f"it has {len(state['generators'])} random generators, the model {len(generators)}"
        )


def _reading(path: str) -> Any:
    if path.endswith(shards.ENDING):
        return shards.reading(path, "BackupAndRestore", {})
    return hdf5.reading(path, "BackupAndRestore")


def _read(reader: Any, path: str, variable: Any) -> np.ndarray:
    return _there(shards.array_of(reader, path, variable), path)


def _there(value: np.ndarray | None, path: str) -> np.ndarray:
    if value is None:
        raise hdf5.NotPlain(f"there is no array {path!r}: it holds the state of another model")
    return value


def variables_of(model: Any) -> Iterator[Any]:
    """All that a step assigns, on the device and on the host."""
    found = list(model._device_variables)
    for optimizer in own_steps.optimizers_of(model):
        found += optimizer.variables
    for metric in (*model.objective.metrics, *own_steps.metrics_of(model)):
        found += metric.variables
    yield from {id(variable): variable for variable in found}.values()


def _targets(optimizer: Any, model: Any) -> list[int] | None:
    """Which of the model's variables the optimizer updates, None if it is not built."""
    if not optimizer.built:
        return None
    places = {id(variable): i for i, variable in enumerate(model._device_variables)}
    return [places[id(variable)] for variable in optimizer._targets]


def _build_optimizers(model: Any, built_for: list) -> None:
    """Those that a step of the user's own uses first make their slots then, and it did in the run
    that was saved."""
    found, variables = own_steps.optimizers_of(model), model._device_variables
    if len(found) != len(built_for):
        raise hdf5.NotPlain(f"it has {len(built_for)} optimizers, the model {len(found)}")
    for optimizer, places in zip(found, built_for, strict=True):
        if places is not None and not optimizer.built:
            if not all(type(i) is int and 0 <= i < len(variables) for i in places):
                raise hdf5.NotPlain("its optimizers have other weights than the model")
            optimizer.build([variables[i] for i in places])


def _plain_part(callback: Any) -> dict[str, Any]:
    """The attributes of a callback that are numbers, texts, arrays, and lists or dicts of them."""
    return {
        name: value
        for name, value in vars(callback).items()
        if name not in ("model", "params") and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_is_plain, value.values()))
    return isinstance(value, _PLAIN) or _is_array(value)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.number) and value.dtype.kind in "biuf"


def _written(value: Any, arrays: list[np.ndarray]) -> Any:
    """JSON for a plain value; its arrays go into the list."""
    if isinstance(value, dict):
        return {"dict": {key: _written(one, arrays) for key, one in value.items()}}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_written(one, arrays) for one in value]}
    if _is_array(value):
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    return value


def _read_back(value: Any, arrays: list[np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "dict":
        return {key: _read_back(one, arrays) for key, one in content.items()}
    if kind == "array":
        return arrays[content]
    return (tuple if kind == "tuple" else list)(_read_back(one, arrays) for one in content)
