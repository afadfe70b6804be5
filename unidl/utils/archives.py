"""Unpack an archive that may be hostile.

Only what is good comes out: regular files and folders with plain relative names, below the target
and with the mode of new files. Links, devices and pipes are refused. What a header says of a size
is not believed: bytes are counted as they come.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

# Honest data shrink to a hundredth at most; small archives may hold long runs of zeros.
MOST_BYTES = 64 << 20, 100  # and so many for each byte of the archive
MOST_MEMBERS = 10_000, 1 / 32

DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
    RuntimeError, ValueError, OverflowError,
)  # fmt: skip
_CHUNK = 1 << 20


def unpack(archive: Path, folder: Path, kind: str) -> None:
    """Unpack `archive`, a "zip" or "tar" file, into the new folder `folder`, whole or not at all.

    Raises:
        ValueError: the archive is damaged, too large unpacked, or has a member that is no plain
            file or folder below it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _unpack(archive, partial, kind)
        os.chmod(partial, 0o755)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unpack(archive: Path, folder: Path, kind: str) -> None:
    packed = archive.stat().st_size
    bytes_left = MOST_BYTES[0] + MOST_BYTES[1] * packed
    members_left = MOST_MEMBERS[0] + int(MOST_MEMBERS[1] * packed)
    members = _tar_members(archive, bytes_left) if kind == "tar" else _zip_members(archive)
    name = ""
    try:
        for name, stream in members:
            members_left -= 1
            if members_left < 0:
                raise Refused("there are more members than an archive of its size should contain")
            target = folder.joinpath(*plain_parts(name))
            if stream is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            bytes_left -= _copy(stream, target, bytes_left)
    except Refused as error:
        place = f": member {name!r}" if name else ""
        raise ValueError(f"{archive} is not unpacked{place}: {error}.") from None
    except DAMAGE as error:
        if not is_of_the_archive(error):
            raise
        raise ValueError(
            f"{archive} is damaged or not a {kind} archive: {error or type(error).__name__}. Get "
            "the file again."
        ) from error


class Refused(Exception):
    """Why a member is not unpacked."""


def is_of_the_archive(error: BaseException) -> bool:
    """Whether one of DAMAGE says that the archive is damaged, and not that the disk is full."""
    return getattr(error, "errno", None) in (None, errno.EINVAL)  # that of an impossible seek


def plain_parts(name: str) -> tuple[str, ...]:
    """The parts of a member's name, a relative path of plain names; Refused if it is none."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    plain = all(re.fullmatch(r"[^\0-\x1f/:]{1,255}", part) and part != ".." for part in parts)
    if not plain or len(name) > 4096:
        raise Refused("its name is not a plain relative path below the archive's folder")
    return parts


def _copy(stream: IO[bytes], target: Path, bytes_left: int) -> int:
    """How many bytes came, into a file that was not there before."""
    bounded = Bounded(stream, bytes_left)
    if target.exists():
        raise Refused("the name occurs twice")
    with open(target, "xb") as file:
        shutil.copyfileobj(bounded, file, _CHUNK)
    return bytes_left - bounded.left


class Bounded:
    """A stream of which no more than so many bytes may be read."""

    def __init__(self, stream: Any, most: int) -> None:
        self.stream, self.left = stream, most

    def seek(self, place: int) -> int:
        return self.stream.seek(place)

    def tell(self) -> int:
        return self.stream.tell()

    def read(self, size: int = -1, /) -> bytes:
        chunk = self.stream.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(chunk)
        if self.left < 0:
            raise Refused("unpacked, it is much larger than an honest archive of this size")
        return chunk


_COMPRESSION = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))


def _tar_members(archive: Path, most: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    with open(archive, "rb") as file:
        first = file.read(6)
    opener = next((opener for magic, opener in _COMPRESSION if first.startswith(magic)), open)
    # tarfile believes the sizes of headers, so the stream below it is bounded too.
    with opener(archive, "rb") as stream:
        bounded = Bounded(stream, most)
        with tarfile.open(fileobj=bounded, mode="r:") as opened:  # type: ignore[call-overload]
            for member in opened:
                if not (member.isreg() or member.isdir()):
                    raise Refused(f"{member.name!r} is a link or a device, not a plain file")
                yield member.name, opened.extractfile(member) if member.isreg() else None
            # It takes a damaged header for the end, and a checksum is read with the last byte.
            bounded.seek(opened.offset)
            while rest := bounded.read(_CHUNK):
                if rest.strip(b"\0"):
                    raise tarfile.ReadError("there is data after the last member")


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            require_plain_member(member)
            if member.is_dir():
                yield member.filename, None
                continue
            with opened.open(member) as stream:
                yield member.filename, stream


def require_plain_member(member: zipfile.ZipInfo) -> None:
    """Refused unless the member of a zip archive is a file or a folder, and has a name."""
    if not member.filename:
        raise Refused("one of its members has no name")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(f"{member.filename!r} is a link or a device, not a plain file")
