"""Texts of varying length in an HDF5 file are kept in collections, its "global heaps".

HDF5 (1.14.6 is the newest that was tried) never comes back from a collection with an object that
takes no room, so all of them are followed here before it reads such a text. The layout is that of
section III.E of the HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

SIGNATURE = b"GCOL"
MOST_OBJECTS = 1 << 20  # in all collections of a file
_BLOCK = 1 << 20  # bytes


def what_is_wrong(file: BinaryIO, length: int) -> str | None:
    """Why HDF5 must not read the texts in `file`; None if it may.

    `length`: how many bytes the file uses for a size.
    """
    left = MOST_OBJECTS
    for place in list(_places(file)):
        for room in _rooms(file, place, length):
            if not room:
                return f"its collection of texts at byte {place:,} has an object that takes no room"
            left -= 1
            if left < 0:
                return f"it has more than {MOST_OBJECTS:,} texts"
    return None


def _places(file: BinaryIO) -> Iterator[int]:
    """Where collections may begin, which can be anywhere."""
    start, before = 0, b""
    file.seek(0)
    while block := file.read(_BLOCK):
        text, found = before + block, -1
        while (found := text.find(SIGNATURE, found + 1)) >= 0:
            yield start - len(before) + found
        start, before = start + len(block), text[-len(SIGNATURE) + 1 :]


def _rooms(file: BinaryIO, place: int, length: int) -> Iterator[int]:
    """How many bytes each object of the collection at `place` takes, as HDF5 works it out; the last
    one is 0 if it would never get any further."""
    file.seek(place + 8)
    end = min(place + int.from_bytes(file.read(length), "little"), _size(file))
    header = _aligned(8 + length)
    place += header
    while place + header <= end:
        file.seek(place)
        content = file.read(header)
        size = int.from_bytes(content[8 : 8 + length], "little")
        is_free = content[:2] == bytes(2)
        room = (size if is_free else header + _aligned(size)) % (1 << 64)
        yield room
        if not room:
            return
        place += room


def _aligned(size: int) -> int:
    return (size + 7) // 8 * 8


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)
