"""Weights cut into several HDF5 files, of which a JSON file says where each group is: Keras'
`x.weights.json` beside `x_00000.weights.h5`, `x_00001.weights.h5` ...

The JSON file is written last, and its shards are files that were not there before: whoever reads
sees all of the old weights or all of the new ones. Read are only files of such names in the same
folder, each as `hdf5` reads a file.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np

from unidl.saving import hdf5
from unidl.saving.hdf5 import NotPlain
from unidl.saving.json_config import LONGEST_JSON, config_of
from unidl.utils.whole_file import whole_file, write_text

ENDING = ".weights.json"
GIGABYTE = 1 << 30


def write(filepath: str, arrays: Iterable[tuple[str, np.ndarray]], max_shard_size: float) -> None:
    """Write (path, numbers) in shards of at most `max_shard_size` GB, and the JSON file last."""
    base = filepath.removesuffix(ENDING)
    before = _files_before(filepath)
    shards = _cut(arrays, int(max_shard_size * GIGABYTE))
    files: list[str] = []
    places: dict[str, list[str]] = {}
    total = 0
    try:
        for shard in shards:
            files.append(_free_name(base))
            with whole_file(files[-1]) as new, hdf5.create(new) as file:
                for path, value in shard:
                    hdf5.write_array(file, path, value)
                    total += value.nbytes
                    group, name = _group_of(path), os.path.basename(files[-1])
                    if name not in places.setdefault(group, []):
                        places[group].append(name)
        where = {group: names[0] if len(names) == 1 else names for group, names in places.items()}
        text = json.dumps({"metadata": {"total_size": total}, "weight_map": where}, indent=4)
        write_text(filepath, text)
    except BaseException:
        for name in files:
            with suppress(FileNotFoundError):
                os.remove(name)
        raise
    _remove(before, base, files)


def _cut(arrays: Iterable[tuple[str, np.ndarray]], most: int) -> list[list[tuple[str, np.ndarray]]]:
    """As few shards as hold all in their order, of at most `most` bytes each."""
    shards: list[list[tuple[str, np.ndarray]]] = [[]]
    size = 0
    for path, value in arrays:
        if value.nbytes > most:
            raise ValueError(
                f"save_weights: {path!r} has {value.nbytes:,} bytes, but max_shard_size allows "
                f"{most:,} per file. Give at least max_shard_size={value.nbytes / GIGABYTE:.3g} "
                "(in GB)."
            )
        if size + value.nbytes > most:
            shards.append([])
            size = 0
        shards[-1].append((path, value))
        size += value.nbytes
    return shards


def _group_of(path: str) -> str:
    parts = [part for part in path.split("/")[:-1] if part != "."]
    return "/" + "/".join(parts)


def _free_name(base: str) -> str:
    """Of the shards' names the first that no file has: somebody may be reading the others."""
    number = 0
    while os.path.lexists(found := f"{base}_{number:05}.weights.h5"):
        number += 1
    return found


def _files_before(filepath: str) -> list[str]:
    """The shards of the file that will be replaced; none if it is no such file."""
    try:
        return sorted({name for names in _places(filepath, "save_weights").values()
                       for name in names})  # fmt: skip
    except (OSError, ValueError, NotPlain):
        return []


def _remove(before: list[str], base: str, files: list[str]) -> None:
    """Take the shards away that the new JSON file does not name."""
    folder = os.path.dirname(base)
    for path in (os.path.join(folder, name) for name in before):
        if path not in files:
            with suppress(FileNotFoundError):
                os.remove(path)
    first = f"{base}_00000.weights.h5"
    if not os.path.lexists(first):  # Keras opens it before it looks into the JSON file
        with whole_file(first) as new, hdf5.create(new):
            pass


def _places(filepath: str, who: str) -> dict[str, list[str]]:
    """{group: the shards that hold its arrays} as the JSON file says; NotPlain if it does not."""
    hdf5.require_file(filepath)
    with open(filepath, "rb") as file:
        text = file.read(LONGEST_JSON + 1)
    found = config_of(text, f"{who}: {filepath}", "the file that save_weights() wrote")
    places = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(places, dict):
        raise NotPlain("it has no weight_map, which says where the weights are")
    own = re.escape(os.path.basename(filepath).removesuffix(ENDING)) + r"_\d{5}\.weights\.h5"
    result = {}
    for group, names in places.items():
        result[group] = names if isinstance(names, list) else [names]
        for name in result[group]:
            if not isinstance(name, str) or not re.fullmatch(own, name):
                raise NotPlain(
                    f"{group!r} would be in {name!r}, which is not the name of a shard of this file"
                )
    return result


@contextmanager
def reading(filepath: str, who: str) -> Iterator[Reader]:
    """A Reader; whatever is wrong with one of the files becomes one ValueError that names the JSON
    file and the place."""
    with hdf5.telling(filepath, who) as at, ExitStack() as stack:
        yield Reader(filepath, who, at, stack)


class Reader:
    """Reads arrays by their paths, with one shard open at a time."""

    def __init__(self, filepath: str, who: str, at: Any, stack: ExitStack) -> None:
        self._folder = os.path.dirname(filepath)
        self._at, self._stack = at, stack
        self._library = hdf5.h5py()
        self._places = _places(filepath, who)
        self._name = ""
        self._open: hdf5.Reader | None = None

    def members(self, path: str) -> list[str] | None:
        """The names in the group `path`, None if there is none."""
        found = [self._shard(name).members(path) or [] for name in self._names(path)]
        return [name for names in found for name in names] if found else None

    def arrays_below(self, path: str, most: int) -> Iterator[str]:
        """The paths of all arrays below the group `path`; NotPlain if there are more than `most`
        members in one shard."""
        for name in sorted({name for names in self._places.values() for name in names}):
            yield from self._shard(name).arrays_below(path, most)

    def name_of(self, path: str) -> str:
        """What is called so in the files."""
        return path.removeprefix("./")

    def array(self, path: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """The numbers at `path`, None if there is no array; NotPlain unless it has this shape."""
        for name in self._names(_group_of(path)):
            found = self._shard(name).array(path, shape)
            if found is not None:
                return found
        return None

    def arrays_in(self, path: str) -> dict[str, np.ndarray]:
        """The arrays in the group `path`, of whatever shape, by their names."""
        found: dict[str, np.ndarray] = {}
        for name in self._names(path):
            found |= self._shard(name).arrays_in(path)
        return found

    def _names(self, path: str) -> list[str]:
        return self._places.get(_group_of(f"{path.lstrip('/')}/"), [])

    def _shard(self, name: str) -> hdf5.Reader:
        if name != self._name or self._open is None:
            self._stack.close()
            path = os.path.join(self._folder, name)
            if not os.path.lexists(path):
                raise NotPlain(f"the shard {name!r} is not beside it. Put it there too")
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise NotPlain(f"the shard {name!r} is a link or a device, not a plain file")
            self._open, self._name = hdf5.Reader(self._library), name
            self._at.reader = self._open
            self._open.open(path)
            self._stack.callback(self._open.close)
        return self._open
