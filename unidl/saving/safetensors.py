"""Arrays in a safetensors file that may be damaged or hostile: 8 bytes that say how long the header
is, the header as JSON, and the numbers of one tensor behind those of the other.

The names are the paths of layers, such as "layers/dense/kernel". What is read must be plain: no
hole, no overlap, no name twice, nothing behind the last tensor, so that every byte has one meaning.
A tensor that unidl wrote has a SHA-256 in the metadata, which covers its header too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from unidl.saving.hdf5 import NotPlain, require_file

ENDING = ".safetensors"
LONGEST_HEADER = 1 << 24  # bytes, for 100,000 tensors
MOST_AXES = 32

_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "BF16": "<u2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items() if name != "BF16"}
_METADATA = "__metadata__"
_DIGEST = "sha256 "  # and the name of the tensor, in the metadata


class Tensor(NamedTuple):
    """What a header says of a tensor."""

    dtype: str
    shape: tuple[int, ...]
    begin: int  # behind the header
    end: int


class Later(NamedTuple):
    """An array that is made when it is written."""

    dtype: np.dtype
    shape: tuple[int, ...]
    numbers: Callable[[], np.ndarray]


def dtype_name(dtype: np.dtype) -> str:
    """What a header calls a dtype."""
    return _NAMES[dtype.newbyteorder("<")]


def write(file: BinaryIO, arrays: Iterable[tuple[str, np.ndarray | Later]]) -> None:
    """Write (name, numbers) into the new `file`; large numbers first, so that all are aligned.

    The header, which is as long whatever the digests are, is written again behind the numbers, each
    of which is in memory only while it is written.
    """
    found = sorted(arrays, key=lambda row: (-row[1].dtype.itemsize, row[0]))
    header: dict[str, Any] = {}
    metadata, place = {"format": "unidl", "format_version": "1"}, 0
    for name, value in found:
        size = math.prod(value.shape) * value.dtype.itemsize
        dtype = dtype_name(value.dtype)
        metadata[_DIGEST + name] = _digest("", "", (), b"")
        offsets = [place, place + size]
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": offsets}
        place += size
    _write_header(file, metadata, header)
    for name, value in found:
        content = _bytes(value.numbers() if isinstance(value, Later) else value)
        dtype = header[name]["dtype"]
        metadata[_DIGEST + name] = _digest(name, dtype, value.shape, content)
        file.write(content)
    file.seek(0)
    _write_header(file, metadata, header)
    file.seek(0, os.SEEK_END)


def _write_header(file: BinaryIO, metadata: dict[str, str], header: dict[str, Any]) -> None:
    text = json.dumps({_METADATA: metadata, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > LONGEST_HEADER:
        raise ValueError(
            f"save_weights: {len(header):,} weights need too long a header for a safetensors file. "
            "Write them to a '.weights.h5' file."
        )
    file.write(len(text).to_bytes(8, "little") + text)


def _bytes(value: np.ndarray) -> memoryview | bytes:
    value = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return value.reshape(-1).view("u1").data


def _digest(name: str, dtype: str, shape: Iterable[int], content: Any) -> str:
    found = hashlib.sha256(json.dumps([name, dtype, list(shape)]).encode())
    found.update(content)
    return found.hexdigest()


@contextmanager
def reading(filepath: str, who: str, names: dict[str, str]) -> Iterator[Reader]:
    """A Reader of the file; whatever is wrong with it becomes one ValueError that names the file.

    `names`: {path in a weight file of HDF5, by which is asked: name of the tensor}.
    """
    try:
        require_file(filepath)
        with open(filepath, "rb") as file:
            yield Reader(file, names)
    except NotPlain as error:
        raise ValueError(f"{who}: {filepath} is not loaded: {error}.") from None


class ByPath:
    """Reads tensors by the paths that they have in a weight file of HDF5.

    Args:
        tensors: {name: what has its shape}.
        names: {path: name}, of those that are called otherwise here.
    """

    def __init__(self, tensors: Mapping[str, Any], names: dict[str, str]) -> None:
        self._tensors, self._names = tensors, names
        self._paths = {name: path for path, name in names.items()}

    def members(self, path: str) -> list[str] | None:
        """The names in the group `path`, None if there is none."""
        group = path.removesuffix("/vars")
        return [n for n in self._tensors if n.rpartition("/")[0] == group] or None

    def arrays_below(self, path: str, most: int) -> Iterator[str]:
        """The paths of all tensors but the optimizer's, wherever they are, since nothing else
        belongs into the file; NotPlain if there are more than `most`."""
        found = [name for name in self._tensors if not name.startswith("optimizer/")]
        if len(found) > most:
            raise NotPlain("there are more tensors than a file for this model can have")
        for name in found:
            group, _, last = name.rpartition("/")
            # A layer of a user's own has names that only it knows.
            other = name if last.isdecimal() or not group else f"{group}/vars/{last}"
            yield self._paths.get(name, other)

    def name_of(self, path: str) -> str:
        """What is called so in the file."""
        return self._names.get(path, path)

    def array(self, path: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """The numbers at `path`, None if there is no tensor; NotPlain unless it has this shape."""
        name = self.name_of(path)
        tensor = self._tensors.get(name)
        if tensor is not None and tensor.shape != shape:
            raise NotPlain(f"{name!r} has shape {tensor.shape}, where {shape} is wanted")
        return None if tensor is None else self._numbers(name, tensor)

    def arrays_in(self, path: str) -> dict[str, np.ndarray]:
        """The tensors in the group `path`, of whatever shape, by their names."""
        return {
            name.rpartition("/")[2]: self._numbers(name, self._tensors[name])
            for name in self.members(path) or ()
        }

    def everything(self) -> dict[str, np.ndarray]:
        """{name: numbers} of all tensors, in the order of the header."""
        return {name: self._numbers(name, tensor) for name, tensor in self._tensors.items()}

    def _numbers(self, name: str, tensor: Any) -> np.ndarray:
        raise NotImplementedError


class Reader(ByPath):
    """Those of one file."""

    def __init__(self, file: BinaryIO, names: dict[str, str]) -> None:
        self._file = file
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= min(size - 8, LONGEST_HEADER):
            raise NotPlain(
                f"it is not a safetensors file, or it is damaged: its header would have {length:,} "
                f"bytes, and the file has {size:,}"
            )
        self._data = 8 + length
        self._metadata, tensors = _parsed(file.read(length), size - self._data)
        super().__init__(tensors, names)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """{name: what its header says}."""
        return dict(self._tensors)

    def _numbers(self, name: str, tensor: Tensor) -> np.ndarray:
        if tensor.dtype not in _DTYPES:
            raise NotPlain(
                f"{name!r} holds {tensor.dtype}, which unidl does not read. Convert it to F32 or "
                "BF16 where it was created"
            )
        self._file.seek(self._data + tensor.begin)
        content = bytearray(tensor.end - tensor.begin)
        if self._file.readinto(content) != len(content):  # type: ignore[attr-defined]
            raise NotPlain(f"{name!r} is truncated: the file became shorter while it was read")
        digest = self._metadata.get(_DIGEST + name)
        if digest is not None and digest != _digest(name, tensor.dtype, tensor.shape, content):
            raise NotPlain(f"{name!r} does not contain the numbers that were written")
        if tensor.dtype == "BOOL" and max(content, default=0) > 1:
            raise NotPlain(f"{name!r} contains bytes that are not booleans")
        found = np.frombuffer(content, _DTYPES[tensor.dtype])
        if tensor.dtype == "BF16":  # the upper half of a float32
            found = (found.astype("<u4") << 16).view("<f4")
        return found.reshape(tensor.shape)


def _parsed(text: bytes, size: int) -> tuple[dict[str, str], dict[str, Tensor]]:
    """(metadata, {name: tensor}) of a header before `size` bytes of numbers; NotPlain if it is
    none."""
    try:
        header = json.loads(text.decode(), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise NotPlain(
            f"it is not a safetensors file, or it is damaged: its header is not JSON ({error})"
        ) from None
    if text[:1] != b"{" or not isinstance(header, dict):
        raise NotPlain(
            "it is not a safetensors file, or it is damaged: its header is not a JSON object"
        )
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise NotPlain("its metadata do not map names to strings")
    tensors = {name: _tensor(name, entry) for name, entry in header.items()}
    place = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1][2:]):
        if tensor.begin != place:
            what = "overlaps the previous tensor" if tensor.begin < place else "follows a hole"
            raise NotPlain(f"{name!r} {what}, at byte {tensor.begin:,} instead of {place:,}")
        place = tensor.end
    signed = {name.removeprefix(_DIGEST) for name in metadata if name.startswith(_DIGEST)}
    if signed and signed != set(tensors):
        name = min(signed ^ set(tensors))
        raise NotPlain(f"it is damaged: {name!r} is without its SHA-256, or without its tensor")
    if place != size:
        raise NotPlain(
            f"it is damaged: its tensors have {place:,} bytes, and {size:,} follow the header"
        )
    return metadata, tensors


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise NotPlain(
            f"{next(n for n in names if names.count(n) > 1)!r} occurs twice in its header"
        )
    return found


def _tensor(name: str, entry: Any) -> Tensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise NotPlain(f"{name!r} has no dtype, shape and data_offsets in its header, or has more")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not (isinstance(dtype, str) and _are_sizes(shape) and _are_sizes(offsets)):
        raise NotPlain(f"{name!r} has an invalid dtype, shape or data_offsets")
    if len(shape) > MOST_AXES or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise NotPlain(f"{name!r} has an impossible shape or data_offsets")
    found = Tensor(dtype, tuple(shape), *offsets)
    if dtype in _DTYPES:
        wanted = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
        if wanted != found.end - found.begin:
            raise NotPlain(
                f"{name!r} of shape {found.shape} and dtype {dtype} has {wanted:,} bytes, and its "
                f"data_offsets hold {found.end - found.begin:,}"
            )
    return found


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(v) is int and 0 <= v < 1 << 63 for v in value)
