"""Arrays in a `.params` file, as `mx.nd.save`, Gluon's `save_parameters` and `HybridBlock.export`
write them, read and written without MXNet.

All of it is little-endian: two words that say that it is such a file, the arrays, and their names.
An array is a magic number that tells the version of the layout, the kind of storage, the shape, the
device, the dtype and the numbers in C order; the oldest layout has no magic number. The layouts are
those of `src/ndarray/ndarray.cc` of MXNet 1.9.1, which still reads all of them; it checks nothing,
so everything is checked here before it is believed.
"""

from __future__ import annotations

import math
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

import numpy as np

from unidl.saving.safetensors import Later

_FILE = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE, _ROW_SPARSE, _CSR = 0, 1, 2
_INDICES = {_DENSE: 0, _ROW_SPARSE: 1, _CSR: 2}  # how many arrays of indices a kind has
_DTYPES = ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?", "<i2", "<u2", "<u4", "<u8", "bf16")
_NUMBERS = {np.dtype(code): number for number, code in enumerate(_DTYPES) if code != "bf16"}
MOST_AXES = 32
_LEAST = 8  # bytes that an array takes in any layout


class Damaged(Exception):
    """What is wrong with the file."""


class _Dtype(NamedTuple):
    storage: np.dtype
    is_bfloat16: bool


def read_params(path: str | os.PathLike[str]) -> dict[str, np.ndarray | None]:
    """{name: array} in the file's order; numbers as names where it has none, None for an array that
    was never given a shape.

    "arg:" and "aux:", by which MXNet's symbols tell weights from statistics, stay in front of the
    names. bfloat16 comes as float32.

    Raises:
        ValueError: the file is none of MXNet's, is damaged, or has sparse arrays.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{path} is a folder, a device or a pipe, not a file.")
    try:
        with open(path, "rb") as file:
            return _read(_Cursor(file, os.fstat(file.fileno()).st_size))
    except Damaged as error:
        raise ValueError(
            f"{path} is not read: {error}. Expected a .params file of MXNet 0.7 to 1.9; newer "
            "versions write .npz and .safetensors, which NumPy and safetensors read."
        ) from None


def write_params(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write {name: array} as MXNet 1.9.1 does, for it and every version since 1.0 to read.

    Arrays without axes or without elements are written in the layout of NumPy shapes, which
    `mx.npx.set_np()` reads.

    Raises:
        ValueError: a dtype that these files do not have.
    """
    content = list(_content(str(path), arrays))  # what cannot be written leaves no file
    with open(path, "wb") as file:
        file.writelines(content)


def write_into(file: BinaryIO, arrays: Mapping[str, np.ndarray | Later]) -> None:
    """`write_params` into a file that is open; what is made later is in memory only while it is
    written."""
    file.writelines(_content(str(file.name), arrays))


def _content(path: str, arrays: Mapping[str, np.ndarray | Later]) -> Iterator[bytes]:
    yield struct.pack("<QQQ", _FILE, 0, len(arrays))
    for name, given in arrays.items():
        value = np.asarray(given.numbers() if isinstance(given, Later) else given)
        number = _NUMBERS.get(value.dtype.newbyteorder("<"))
        if number is None:
            raise ValueError(f"{path}: {name!r} is {value.dtype}, which .params files do not have.")
        magic = _V2 if value.ndim and value.size else _V3
        yield struct.pack(f"<Iii{value.ndim}q", magic, _DENSE, value.ndim, *value.shape)
        yield struct.pack("<iii", 1, 0, number)
        yield np.ascontiguousarray(value, _DTYPES[number]).tobytes()
    yield _packed(arrays)


def _packed(names: Iterable[str]) -> bytes:
    encoded = [name.encode() for name in names]
    return struct.pack("<Q", len(encoded)) + b"".join(
        struct.pack("<Q", len(name)) + name for name in encoded
    )


class _Cursor:
    """Goes through the bytes of a file; Damaged where they end too early."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size, self.place = file, size, 0

    @property
    def left(self) -> int:
        return self._size - self.place

    def take(self, count: int) -> bytearray:
        if count > self.left:
            raise Damaged(
                f"it is damaged or truncated: {count:,} bytes are wanted at byte {self.place:,}, "
                f"and {self.left:,} are left"
            )
        self.place += count
        found = bytearray(count)
        if self._file.readinto(found) != count:  # type: ignore[attr-defined]
            raise Damaged("it became shorter while it was read")
        return found

    def numbers(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))

    def number(self, layout: str) -> int:
        return self.numbers(layout)[0]


def _read(file: _Cursor) -> dict[str, np.ndarray | None]:
    if file.left < 24 or file.number("Q") != _FILE:
        raise Damaged("it does not begin as one of MXNet's files does")
    file.number("Q")
    count = file.number("Q")
    if count > file.left // _LEAST:
        raise Damaged(f"it is damaged: {count:,} arrays are announced in {file.left:,} bytes")
    arrays = [_array(file) for _ in range(count)]
    names = _names(file, count)
    if file.left:
        raise Damaged(f"it is damaged: {file.left:,} bytes follow the last name")
    return dict(zip(names, arrays, strict=True))


def _names(file: _Cursor, wanted: int) -> list[str]:
    count = file.number("Q")
    if count not in (0, wanted):
        raise Damaged(f"it is damaged: it has {wanted:,} arrays and {count:,} names")
    try:
        names = [file.take(file.number("Q")).decode() for _ in range(count)]
    except UnicodeDecodeError:
        raise Damaged("it is damaged: a name is not text") from None
    if len(set(names)) < count:
        raise Damaged(f"{next(n for n in names if names.count(n) > 1)!r} is in it twice")
    return names or [str(i) for i in range(wanted)]


def _array(file: _Cursor) -> np.ndarray | None:
    magic = file.number("I")
    if magic in (_V2, _V3):
        kind = file.number("i")
        if kind == -1 and magic == _V2:
            kind = _DENSE
        if kind not in _INDICES:
            raise Damaged(f"it is damaged: there is no storage of kind {kind}")
        if kind != _DENSE:
            raise Damaged(
                "it has a sparse array, which is not converted. Save it as a dense one: "
                "array.tostype('default')"
            )
        axes, layout = file.number("i"), "q"
    elif magic == _V1:
        axes, layout = file.number("i"), "q"
    else:
        axes, layout = magic, "I"  # the oldest layout begins with the number of axes
    if axes == (-1 if magic == _V3 else 0):
        return None  # it was saved before it had a shape
    if not 0 <= axes <= MOST_AXES:
        raise Damaged(f"it is damaged: an array has {axes:,} axes at byte {file.place:,}")
    shape = file.numbers(f"{axes}{layout}")
    if min(shape, default=0) < 0:
        raise Damaged(f"it is damaged: an array has the shape {shape}")
    file.numbers("ii")  # the device
    dtype = _dtype(file.number("i"))
    if math.prod(size or 1 for size in shape) >= 1 << 59:  # more than NumPy can count bytes of
        raise Damaged(f"it is damaged: an array has the shape {shape}")
    size = math.prod(shape) * dtype.storage.itemsize
    found = np.frombuffer(file.take(size), dtype.storage)
    if dtype.storage.kind == "b" and found.view("u1").max(initial=0) > 1:
        raise Damaged("it is damaged: an array of booleans holds other numbers")
    if dtype.is_bfloat16:  # the upper half of a float32
        found = (found.astype("<u4") << 16).view("<f4")
    return found.reshape(shape)


def _dtype(number: int) -> _Dtype:
    if not 0 <= number < len(_DTYPES):
        raise Damaged(f"it is damaged, or of another version: there is no dtype {number}")
    is_bfloat16 = _DTYPES[number] == "bf16"
    return _Dtype(np.dtype("<u2" if is_bfloat16 else _DTYPES[number]), is_bfloat16)
