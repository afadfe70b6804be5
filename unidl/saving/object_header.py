"""How long the texts in an attribute of an HDF5 file say that they are.

HDF5 makes room for as many bytes as a text claims to have, up to 4 GiB each, before it looks for
it. h5py cannot tell the claims without reading the texts, so they are taken from the file here. The
layout is that of section IV.A of the HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_SHARED = 2  # a flag of a message that is kept elsewhere


class Layout(NamedTuple):
    """What a file says of itself: how many bytes an address and a size have, and where its
    addresses begin."""

    address: int
    length: int
    base: int


def claims(file: BinaryIO, place: int, name: str, layout: Layout) -> list[int]:
    """The bytes that each text of varying length in the attribute `name` claims to have; none if it
    is not in the header of the object at the address `place`. Of two attributes of one name, both
    count."""
    found: list[int] = []
    for content in _attributes(file, place, layout):
        given, data = _name_and_data(content)
        if given == name.encode():
            step = 4 + layout.address + 4
            found += [_number(data[i : i + 4]) for i in range(0, len(data), step)]
    return found


def _attributes(file: BinaryIO, place: int, layout: Layout) -> Iterator[bytes]:
    bytes_left = file.seek(0, os.SEEK_END)  # for blocks that share their bytes
    file.seek(layout.base + place)
    prefix = file.read(64).ljust(64, b"\0")
    is_new = prefix[:4] == b"OHDR"
    start, size, step = _first_block(prefix) if is_new else (16, _number(prefix[8:12]), 8)
    blocks = [(layout.base + place + start, size)]
    for begin, size in blocks:
        file.seek(begin)
        block, at = file.read(max(0, min(size, bytes_left))), 0
        bytes_left -= len(block)
        while at + step <= len(block):
            head = block[at : at + step]
            if is_new:
                kind, length, flags = head[0], _number(head[1:3]), head[3]
            else:
                kind, length, flags = _number(head[:2]), _number(head[2:4]), head[4]
            content = block[at + step : at + step + length]
            at += step + length
            if kind == _CONTINUATION and bytes_left > 0:
                where = layout.base + _number(content[: layout.address])
                bytes_there = _number(content[layout.address :][: layout.length])
                # There are a signature and a checksum around the messages of newer files.
                blocks.append((where + 4, bytes_there - 8) if is_new else (where, bytes_there))
            elif kind == _ATTRIBUTE and not flags & _SHARED:
                yield content


def _first_block(prefix: bytes) -> tuple[int, int, int]:
    """(where its messages begin, their bytes, the bytes of a message's head) in newer files."""
    flags = prefix[5]
    start = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    return start + width, _number(prefix[start : start + width]), 6 if flags & 4 else 4


def _name_and_data(content: bytes) -> tuple[bytes, bytes]:
    version, parts = _number(content[:1]), [_number(content[i : i + 2]) for i in (2, 4, 6)]
    start = 9 if version == 3 else 8  # it tells the encoding of the name, too
    name = content[start : start + parts[0]].split(b"\0")[0]
    # The name, the type and the shape are padded in the oldest version.
    before = sum((part + 7) // 8 * 8 if version == 1 else part for part in parts)
    return name, content[start + before :]


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little")
