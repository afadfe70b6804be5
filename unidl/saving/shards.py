"""A folder of safetensors files, each with the parts of weights that one process holds.

    model.shards/model.safetensors.index.json
                 model-00001-of-00002.safetensors
                 model-00002-of-00002.safetensors

The index maps each tensor to its file, as is usual. A tensor that is split is stored as several,
called "layers/dense/kernel[0:8,4:8]"; "parts" says which they are and where each begins in the
whole. All processes write at once, into a folder beside, which takes its name when the last one is
done. A reader takes no more processes, devices or frameworks than it wants, and whatever is wrong
with one of the files is told before anything changes.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from unidl.backend.errors import JoinError, UnsupportedError
from unidl.distribution.active import gather_json, is_first_process, num_processes, process_id
from unidl.distribution.placing import is_split
from unidl.distribution.together import together
from unidl.saving import safetensors
from unidl.saving.hdf5 import NotPlain
from unidl.saving.json_config import LONGEST_JSON, config_of
from unidl.utils.whole_file import write_text
from unidl.utils.whole_folder import whole_folder

ENDING = ".shards"
INDEX = "model.safetensors.index.json"
_FILE = re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors")


def write(
    path: str,
    rows: Iterable[tuple[str, Any]],
    who: str,
    of_the_first: Sequence[tuple[str, np.ndarray]] = (),
) -> None:
    """Write (name, Variable or array) of all processes, each what it holds, as the folder `path`.

    All processes call it with the same names. What is not split is written by the first one, which
    may have more, `of_the_first`. A process that is killed leaves the folder as
    it was.
    """
    path = path.rstrip("/")
    mine, weight_map, parts = _shared_out(list(rows))
    weight_map |= {name: _name_of_file(0) for name, _ in of_the_first}
    mine += of_the_first if is_first_process() else ()
    with ExitStack() as stack:

        def begin() -> str | None:
            return str(stack.enter_context(whole_folder(path))) if is_first_process() else None

        def write_mine() -> int:
            if not os.path.isdir(folder):
                raise JoinError(
                    f"there is no {folder} here. Choose a folder that all processes share"
                )
            file_path = os.path.join(folder, _name_of_file(process_id()))
            with open(file_path, "w+b") as file:
                safetensors.write(file, mine)
                file.flush()
                os.fsync(file.fileno())
            return sum(value.nbytes for _, value in mine)

        found = together(who, begin)
        folder = gather_json(found)[0]
        size = together(who, write_mine)
        index = {
            "metadata": {"total_size": sum(gather_json(size)), "format": "unidl"},
            "weight_map": weight_map,
            "parts": parts,
        }

        def finish() -> None:
            if is_first_process():
                write_text(os.path.join(folder, INDEX), json.dumps(index, indent=1))
            stack.close()  # takes the name

        together(who, finish)


def _name_of_file(number: int) -> str:
    return f"model-{number + 1:05}-of-{num_processes():05}{safetensors.ENDING}"


def _shared_out(rows: list[tuple[str, Any]]) -> tuple[list, dict[str, str], dict[str, Any]]:
    """(what this process writes, {name of a tensor: its file}, {name: what is known of its
    parts}), the last two of all processes.

    What is not split the first one writes, of parts that several hold those with the least to write
    so far.
    """
    load = np.zeros(num_processes(), np.int64)
    mine: list[tuple[str, np.ndarray]] = []
    weight_map: dict[str, str] = {}
    parts: dict[str, Any] = {}
    for name, value in rows:
        if isinstance(value, np.ndarray) or value.held is value:
            weight_map[name] = _name_of_file(0)
            if is_first_process():
                mine.append((name, _numbers(value)))
            continue
        begins = {}
        group = min(value.split.groups, key=lambda numbers: load[numbers].sum())
        load[group] += math.prod(value.split.part_shape)
        for owner in group:
            place = value.split.place_of(owner)
            stored = f"{name}[{','.join(f'{s.start}:{s.stop}' for s in place)}]"
            begins[stored] = [s.start for s in place]
            weight_map[stored] = _name_of_file(owner)
            if owner == process_id():
                mine.append((stored, _numbers(value.held)))
        parts[name] = {"shape": list(value.shape), "begins": begins}
    return mine, weight_map, parts


def _numbers(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.asarray(value.numpy())


def refuse_split(model: Any, who: str, instead: str) -> None:
    """An error of what reads weights in the first process alone, where none has them all."""
    if is_split(model):
        raise UnsupportedError(
            f"{who}: the weights of {model._who()} are split over processes. {instead}"
        )


def copies(model: Any, arrays: Iterable[tuple[str, np.ndarray]]) -> list[tuple[str, np.ndarray]]:
    """(name, numbers) as they are now; of a model that is split all processes put them together,
    and the first one, which writes, keeps them."""
    if is_split(model) and not is_first_process():
        for _ in arrays:
            pass
        return []
    return [(name, np.array(value)) for name, value in arrays]


def once(model: Any, work: Callable[[], None], who: str) -> None:
    """`work()`; of a model that is split in the first process alone, and the others wait."""
    if is_split(model):
        together(who, lambda: work() if is_first_process() else None)
    else:
        work()


def array_of(reader: Any, path: str, variable: Any) -> np.ndarray | None:
    """What `variable.held` is to be set to, of the array at `path`; None if there is none."""
    shape = tuple(variable.shape)
    if variable.held is variable:
        return reader.array(path, shape)
    place = variable.split.place_of(process_id())
    if isinstance(reader, Reader):
        return reader.array(path, shape, place)
    whole = reader.array(path, shape)
    return None if whole is None else np.ascontiguousarray(whole[place])


@contextmanager
def reading(path: str, who: str, names: dict[str, str]) -> Iterator[Reader]:
    """A Reader of the folder; whatever is wrong with one of its files becomes one ValueError that
    names it. `names`: see `safetensors.reading`."""
    path = path.rstrip("/")
    try:
        with ExitStack() as stack:
            yield Reader(path, who, names, stack)
    except NotPlain as error:
        raise ValueError(f"{who}: {path} is not loaded: {error}.") from None


class Parted(NamedTuple):
    """A tensor that is stored as one or several.

    Attributes:
        shape: the whole one's.
        parts: (name of the stored tensor, where it is in the whole).
    """

    shape: tuple[int, ...]
    parts: list[tuple[str, tuple[slice, ...]]]


class Reader(safetensors.ByPath):
    """Puts tensors together from all files of the folder."""

    def __init__(self, path: str, who: str, names: dict[str, str], stack: ExitStack) -> None:
        index = _index_in(path, who)
        weight_map = index["weight_map"]
        self._files: dict[str, safetensors.Reader] = {}
        for name in sorted(set(weight_map.values())):
            file = stack.enter_context(_opened(path, name))
            with _naming(name):
                self._files[name] = safetensors.Reader(file, {})
        self._file_of = weight_map
        self._stored: dict[str, safetensors.Tensor] = {}
        for name, file in self._files.items():
            wanted = {stored for stored, where in weight_map.items() if where == name}
            if different := wanted ^ set(file.tensors):
                raise NotPlain(f"the index and {name!r} do not agree about {min(different)!r}")
            self._stored |= file.tensors
        super().__init__(_put_together(index["parts"], self._stored), names)

    def array(
        self, path: str, shape: tuple[int, ...], place: tuple[slice, ...] | None = None
    ) -> np.ndarray | None:
        """See `safetensors.Reader`; of a tensor of this shape only what is at `place`, if given."""
        if place is None:
            return super().array(path, shape)
        name = self.name_of(path)
        tensor = self._tensors.get(name)
        if tensor is None or tensor.shape != shape:
            return super().array(path, shape)
        return self._at(tensor, place)

    def text_at(self, path: str, most: int) -> str:
        """The text at `path`, bytes of UTF-8 in one axis; NotPlain if they are more than `most`."""
        tensor = self._tensors.get(path)
        if tensor is None or len(tensor.shape) != 1 or tensor.shape[0] > most:
            raise NotPlain(f"there is no text {path!r} of at most {most:,} bytes")
        return np.asarray(self._numbers(path, tensor), "uint8").tobytes().decode()

    def _numbers(self, name: str, tensor: Parted) -> np.ndarray:
        return self._at(tensor, tuple(slice(0, n) for n in tensor.shape))

    def _at(self, tensor: Parted, place: tuple[slice, ...]) -> np.ndarray:
        """What is at `place` in the whole."""
        found: np.ndarray | None = None
        for stored, part in tensor.parts:
            common = [
                slice(max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(place, part, strict=True)
            ]
            is_apart = any(s.start >= s.stop for s in common)
            if is_apart and len(tensor.parts) > 1:
                continue
            name = self._file_of[stored]
            with _naming(name):
                numbers = self._files[name].array(stored, self._stored[stored].shape)
            assert numbers is not None, "the file was asked for what its header names"
            if len(tensor.parts) == 1:
                return numbers[place]
            if found is None:
                found = np.empty([s.stop - s.start for s in place], numbers.dtype)
            found[_within(common, place)] = numbers[_within(common, part)]
        if found is None:
            raise NotPlain(f"{tensor.parts[0][0]!r} is a part of a tensor without elements")
        return found


def _within(common: list[slice], place: tuple[slice, ...]) -> tuple[slice, ...]:
    """`common`, counted from where `place` begins."""
    return tuple(
        slice(c.start - p.start, c.stop - p.start) for c, p in zip(common, place, strict=True)
    )


def _index_in(path: str, who: str) -> dict[str, Any]:
    """The index of the folder, of plain strings and sizes; NotPlain if there is none."""
    place = os.path.join(path, INDEX)
    if not os.path.lexists(place):
        raise NotPlain(f"there is no {INDEX} in it, which is written last")
    with _opened(path, INDEX) as file:
        index = config_of(file.read(LONGEST_JSON + 1), f"{who}: {place}", "what unidl wrote")
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise NotPlain("its index has no weight_map, which says where the tensors are")
    for stored, name in weight_map.items():
        if not isinstance(name, str) or not _FILE.fullmatch(name):
            raise NotPlain(f"{stored!r} would be in {name!r}, which is not the name of a shard")
    parts = index.setdefault("parts", {})
    if not isinstance(parts, dict) or not all(map(_is_note, parts.values())):
        raise NotPlain('its index has no plain "parts"')
    return index


def _is_note(note: Any) -> bool:
    """Whether it says of a tensor which parts it has."""
    return (
        isinstance(note, dict)
        and note.keys() == {"shape", "begins"}
        and _are_sizes(note["shape"])
        and isinstance(note["begins"], dict)
        and all(
            _are_sizes(begin) and len(begin) == len(note["shape"])
            for begin in note["begins"].values()
        )
    )


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(v) is int and 0 <= v < 1 << 63 for v in value)


@contextmanager
def _opened(path: str, name: str) -> Iterator[Any]:
    """The file of this name, which is in the folder itself."""
    place = os.path.join(path, name)
    if not os.path.lexists(place):
        raise NotPlain(f"the file {name!r} is not in it. Put it there")
    if not stat.S_ISREG(os.lstat(place).st_mode):
        raise NotPlain(f"{name!r} is a link, a folder or a device, not a plain file")
    with open(place, "rb") as file:
        yield file


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Inside, what is wrong is said to be so in the file of this name."""
    try:
        yield
    except NotPlain as error:
        raise NotPlain(f"{name!r}: {error}") from None


def _put_together(
    parts: dict[str, Any], stored: dict[str, safetensors.Tensor]
) -> dict[str, Parted]:
    """{name: the whole tensor}; NotPlain unless the parts of each fill it, once."""
    taken: set[str] = set()
    found: dict[str, Parted] = {}
    for name, note in parts.items():
        found[name] = Parted(tuple(note["shape"]), [])
        for part, begin in note["begins"].items():
            if part not in stored:
                raise NotPlain(f"the part {part!r} of {name!r} is in none of its files")
            if part in taken:
                raise NotPlain(f"the part {part!r} belongs to two tensors")
            taken.add(part)
            if len(begin) != len(stored[part].shape):
                raise NotPlain(f"the part {part!r} has other axes than {name!r}")
            place = tuple(slice(b, b + n) for b, n in zip(begin, stored[part].shape, strict=True))
            found[name].parts.append((part, place))
        _check_grid(name, found[name], stored)
    for name, tensor in stored.items():
        if name not in taken:
            if name in found:
                raise NotPlain(f"{name!r} is there twice, in parts and as a whole")
            found[name] = Parted(tensor.shape, [(name, tuple(slice(0, n) for n in tensor.shape))])
    return found


def _check_grid(name: str, tensor: Parted, stored: dict[str, safetensors.Tensor]) -> None:
    """NotPlain unless the parts are the cells of a grid, of one dtype."""
    if len({stored[part].dtype for part, _ in tensor.parts}) != 1:
        raise NotPlain(f"the parts of {name!r} are missing, or have several dtypes")
    places = [place for _, place in tensor.parts]
    edges = [
        [*sorted({place[axis].start for place in places}), size]
        for axis, size in enumerate(tensor.shape)
    ]
    cells = [list(itertools.pairwise(cuts)) for cuts in edges]
    wanted = itertools.islice(itertools.product(*cells), len(places) + 1)
    there = sorted(tuple((s.start, s.stop) for s in place) for place in places)
    if there != sorted(wanted) or any(cuts[0] != 0 for cuts in edges):
        raise NotPlain(f"the parts of {name!r} overlap, or do not fill its shape {tensor.shape}")
