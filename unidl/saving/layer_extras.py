"""What layers keep in a model's file beside weights: where their random numbers are, and assets."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from unidl.random import SeedGenerator
from unidl.saving import hdf5, model_archive
from unidl.saving.weights import layers_with_paths


def _generators(model: Any) -> list[tuple[str, SeedGenerator]]:
    """(place in the file, generator) of all layers."""
    return [
        (f"random/{path}/{name}", value)
        for path, layer in layers_with_paths(model)
        for name, value in sorted(vars(layer).items())
        if isinstance(value, SeedGenerator)
    ]


def random_state_of(model: Any) -> Iterator[tuple[str, np.ndarray]]:
    """(place, numbers): where each generator is, in a group that Keras does not look at: its seed
    (of which the lower 64 bits count), stream and counter."""
    for path, generator in _generators(model):
        state = [word % (1 << 64) for word in generator.get_state().values()]
        yield path, np.array(state, "uint64")


def read_random_state(model: Any, reader: Any) -> Callable[[], None]:
    """What sets the generators that the file knows; one of Keras knows none."""
    found = [(each, reader.array(path, (3,))) for path, each in _generators(model)]
    if any(state is not None and state.dtype.kind != "u" for _, state in found):
        raise hdf5.NotPlain("the state of random numbers is none")

    def restart() -> None:
        for generator, state in found:
            if state is not None:
                seed, stream, counter = map(int, state)
                generator.set_state({"seed": seed, "stream": stream, "counter": counter})

    return restart


def _with_assets(model: Any, method: str) -> list[tuple[str, Any]]:
    return [(path, layer) for path, layer in layers_with_paths(model) if hasattr(layer, method)]


def assets_of(model: Any) -> tempfile.TemporaryDirectory | None:
    """The files of layers that have `save_assets(folder)`: each gets a folder of its own. None if
    there are no such layers."""
    owners = _with_assets(model, "save_assets")
    if not owners:
        return None
    folder = tempfile.TemporaryDirectory()
    for path, layer in owners:
        own = Path(folder.name, path)
        own.mkdir(parents=True, exist_ok=True)
        layer.save_assets(str(own))
    return folder


def read_assets(model: Any, source: model_archive.Source) -> None:
    """Give each layer that has `load_assets(folder)` its folder, if the file has one."""
    owners = _with_assets(model, "load_assets")
    if owners:
        with tempfile.TemporaryDirectory() as folder:
            source.unpack_assets(Path(folder))
            for path, layer in owners:
                if Path(folder, path).is_dir():
                    layer.load_assets(str(Path(folder, path)))
