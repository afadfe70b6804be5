"""State dicts as they come: a dict of arrays of any framework, or the path of a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from unidl.backend import registry
from unidl.ops.dispatch import owner_of
from unidl.port.state_dict.naming import Group, Naming, tokens
from unidl.saving import safetensors
from unidl.saving.hdf5 import NotPlain, require_file

_SORTED = (safetensors.ENDING,)  # files whose arrays are not in the order of their definition


class Given(NamedTuple):
    """{name: array} in order; `is_ordered`: whether this is the order of their definition;
    `source`: the backend from which they are, if that is known; `notes` on what was taken and what
    not."""

    arrays: dict[str, np.ndarray]
    is_ordered: bool
    source: str | None
    notes: list[str]


def namings() -> dict[str, Naming]:
    """Of all registered backends that have one, by the backend's name; no framework is imported."""
    modules = {name: spec.state_dicts for name, spec in registry.specs().items()}
    return {name: import_module(module).naming for name, module in modules.items() if module}


def taken(state: Any) -> Given:
    """The arrays of a dict, or of the file at a path.

    Raises:
        ValueError: the file is damaged, or holds more than arrays.
        TypeError: it is neither a dict nor a path.
    """
    if isinstance(state, (str, os.PathLike)):
        path = os.fspath(state)
        found, source = _read(path)
        return _of_mapping(found, path, not path.endswith(_SORTED), source)
    if isinstance(state, Mapping) or hasattr(state, "items"):
        return _of_mapping(dict(state.items()), "the dict", True, None)
    raise TypeError(
        "load_state_dict: expected a dict {name: array}, such as module.state_dict(), or the path "
        f"of a file, got {type(state).__name__}."
    )


def _read(path: str) -> tuple[dict[str, Any], str | None]:
    """(what the file holds, the backend whose kind of file it is)."""
    readers: dict[str, tuple[Callable[[str], dict[str, Any]], str | None]] = {
        safetensors.ENDING: (_read_safetensors, None)
    }
    for name, naming in namings().items():
        readers.update(dict.fromkeys(naming.endings, (naming.read, name)))
    ending = os.path.splitext(path)[1]
    if ending not in readers:
        raise ValueError(
            f"load_state_dict: {path!r} is of no known kind. Files that are read end in "
            f"{', '.join(readers)}."
        )
    try:
        require_file(path)
    except NotPlain as error:
        raise ValueError(f"load_state_dict: {path} is not loaded: {error}.") from None
    read, source = readers[ending]
    return read(path), source


def _read_safetensors(path: str) -> dict[str, Any]:
    with safetensors.reading(path, "load_state_dict", {}) as reader:
        return reader.everything()


def _of_mapping(found: dict[Any, Any], who: str, is_ordered: bool, source: str | None) -> Given:
    notes: list[str] = []
    if not any(map(_is_array, found.values())):
        found, note = _inside(found, who)
        notes.append(note)
    arrays = {}
    for name, value in found.items():
        if not isinstance(name, str):
            raise ValueError(f"load_state_dict: {who} has the key {name!r}, which is no name.")
        if _is_array(value):
            arrays[name] = _as_numpy(value)
            source = source or _source_of(value)
        else:
            notes.append(f"{name} is left out: it is {type(value).__name__}, and no array")
    if not is_ordered:
        arrays = {name: arrays[name] for name in sorted(arrays, key=_by_numbers)}
    return Given(arrays, is_ordered, source, notes)


def _by_numbers(name: str) -> list[tuple[int, int, str]]:
    """Sorts layers.9 before layers.10."""
    return [(0, int(t), "") if t.isdecimal() else (1, 0, t) for t in tokens(name)]


def _inside(found: dict[Any, Any], who: str) -> tuple[dict[Any, Any], str]:
    """The one dict of arrays in a checkpoint, and a sentence on it."""
    inner = {
        key: value
        for key, value in found.items()
        if isinstance(value, Mapping) and value and all(map(_is_array, value.values()))
    }
    if len(inner) == 1:
        ((key, value),) = inner.items()
        return dict(value), f"the arrays are those of {key!r}"
    if inner:
        raise ValueError(
            f"load_state_dict: {who} has several dicts of arrays: {', '.join(map(repr, inner))}. "
            "Give one of them."
        )
    keys = ", ".join(map(repr, list(found)[:5]))
    raise ValueError(
        f"load_state_dict: {who} has no arrays, its keys are {keys or 'none'}. Expected {{name: "
        "array}, such as module.state_dict()."
    )


def _is_array(value: Any) -> bool:
    return _reader_of(value) is not None


def _as_numpy(value: Any) -> np.ndarray:
    reader = _reader_of(value)
    assert reader is not None
    return np.asarray(reader())


def _reader_of(value: Any) -> Callable[[], Any] | None:
    """What gives the numbers of an array, tensor or parameter object; None for anything else."""
    if isinstance(value, np.ndarray):
        return lambda: value
    if isinstance(value, (Mapping, str, int, float, type(None))):
        return None
    if hasattr(value, "grad_req") and callable(getattr(value, "data", None)):
        return lambda: _as_numpy(value.data())  # a parameter, which holds its array
    if callable(getattr(value, "asnumpy", None)):
        return value.asnumpy
    owner = owner_of(value)
    return None if owner is None else lambda: _numbers_of(owner, value)


def _numbers_of(owner: Any, value: Any) -> np.ndarray:
    """A tensor as an array, without a copy where the framework lends its memory."""
    try:
        return np.from_dlpack(owner.stop_gradient(value))
    except (AttributeError, BufferError, RuntimeError, TypeError):
        return owner.to_numpy(value)


def _source_of(value: Any) -> str | None:
    """The name of the backend whose framework has objects of this type."""
    root = type(value).__module__.partition(".")[0]
    specs = registry.specs().values()
    return next((spec.name for spec in specs if root in spec.tensor_roots), None)


class Grouped(NamedTuple):
    """What a naming makes of the arrays; `ignored`: {name: why}."""

    source: str
    naming: Naming
    groups: list[Group]
    ignored: dict[str, str]


def grouped(arrays: Mapping[str, Any]) -> list[Grouped]:
    """By each framework's names."""
    return [Grouped(name, naming, *naming.groups(arrays)) for name, naming in namings().items()]
