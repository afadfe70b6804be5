"""The container of a whole model: Keras' zip file ".keras", or a folder with the same members.

metadata.json, config.json, model.weights.h5, and assets/ where layers have files of their own. What
is read must be plain: each member once, under a plain name, not a link, not locked, and no larger
unpacked than an honest file of this size. Members of other names are left alone.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from unidl.utils import archives
from unidl.utils.archives import Refused
from unidl.utils.whole_file import whole_file
from unidl.utils.whole_folder import whole_folder

METADATA, CONFIG, WEIGHTS, ASSETS = "metadata.json", "config.json", "model.weights.h5", "assets"

# Weights as Keras or its add-ons write them elsewhere: {member: what it is and what to do}.
_OTHER_WEIGHTS = {
    "model.weights.npz": "its weights are an npz file. Load it in Keras and save it again, which "
    "writes model.weights.h5",
    "model.weights.json": (
        "its weights are split into shards. Load it in Keras and save it again with "
        "model.save(path), which writes them as one file"
    ),
}
_CHUNK = 1 << 20


class Sink:
    """Where the members of a new model go."""

    def text(self, name: str, content: str) -> None:
        with self.member(name, len(content)) as file:
            file.write(content.encode("utf-8"))

    def file(self, name: str, source: IO[bytes]) -> None:
        """All of `source`, a seekable file, as the member `name`."""
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        with self.member(name, size) as file:
            shutil.copyfileobj(source, file, _CHUNK)

    def assets(self, folder: Path) -> None:
        """All files below `folder`, as members below assets/."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            with open(path, "rb") as source:
                self.file(f"{ASSETS}/{path.relative_to(folder).as_posix()}", source)

    def member(self, name: str, size: int) -> Any:
        """A file to write, of at most `size` bytes, in a `with` block."""
        raise NotImplementedError


class _ZipSink(Sink):
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def member(self, name: str, size: int) -> Any:
        info = zipfile.ZipInfo(name, time.localtime()[:6])
        info.file_size = size  # so that a large one is announced as such
        info.external_attr = (stat.S_IFREG | 0o600) << 16
        return self._archive.open(info, "w")


class _FolderSink(Sink):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def member(self, name: str, size: int) -> Iterator[BinaryIO]:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def writing(filepath: str, zipped: bool) -> Iterator[Sink]:
    """A Sink whose members take the place of `filepath` together, when the block ends without an
    error."""
    if zipped:
        with whole_file(filepath) as file, zipfile.ZipFile(file, "w") as archive:
            yield _ZipSink(archive)
    else:
        _require_a_model(filepath)
        with whole_folder(filepath) as folder:
            yield _FolderSink(folder)


def _require_a_model(folder: str) -> None:
    """ValueError if a folder that would be replaced holds anything but a model."""
    others = set(os.listdir(folder) if os.path.isdir(folder) else ()) - {
        METADATA, CONFIG, WEIGHTS, ASSETS,
    }  # fmt: skip
    if others:
        raise ValueError(
            f"{folder} is not replaced by a model: it contains {min(others)!r}, which is not part "
            "of one. Choose a new folder."
        )


class _Damaged(Exception):
    """The library met bytes that are not what they should be; what it said is the cause."""


@contextmanager
def _library_at_work() -> Iterator[None]:
    """What zipfile raises on its bytes is the file's fault, and nobody else's."""
    try:
        yield
    except archives.DAMAGE as error:
        if not archives.is_of_the_archive(error):
            raise
        raise _Damaged from error


class Source:
    """The members of a model that is read."""

    def names(self) -> list[str]:
        raise NotImplementedError

    def size(self, name: str) -> int:
        """The bytes that a member announces."""
        raise NotImplementedError

    def member(self, name: str) -> IO[bytes]:
        raise NotImplementedError

    packed: int  # bytes of the whole container

    def text(self, name: str, most: int) -> bytes:
        """A member of at most `most` bytes."""
        self._require(name)
        if self.size(name) > most:
            raise Refused(f"{name!r} has {self.size(name):,} bytes; a model's has fewer")
        with _library_at_work(), self.member(name) as stream:
            return archives.Bounded(stream, most).read()

    @contextmanager
    def weights(self) -> Iterator[BinaryIO]:
        """The weights as a file of their own, for which there is a limit before it is written."""
        for name, what in _OTHER_WEIGHTS.items():
            if name in self.names() and WEIGHTS not in self.names():
                raise Refused(what)
        self._require(WEIGHTS)
        with tempfile.TemporaryFile() as file:
            self._copy(WEIGHTS, file, self.most)
            file.seek(0)
            yield file

    def unpack_assets(self, folder: Path) -> None:
        """Put the members below assets/ into `folder`."""
        left = self.most
        found = [n for n in self.names() if n.startswith(f"{ASSETS}/") and not n.endswith("/")]
        for name in found:
            target = folder.joinpath(*archives.plain_parts(name)[1:])
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as file:
                    left -= self._copy(name, file, left)
            except (FileExistsError, NotADirectoryError):
                raise Refused(f"{name!r} occurs twice, once as a folder") from None

    @property
    def most(self) -> int:
        """How many bytes may come out of the container."""
        return archives.MOST_BYTES[0] + archives.MOST_BYTES[1] * self.packed

    def _require(self, name: str) -> None:
        if name not in self.names():
            raise Refused(
                f"it has no {name!r}. A model file, as written by model.save() of unidl and Keras "
                f"3, has {METADATA}, {CONFIG} and {WEIGHTS}"
            )

    def _copy(self, name: str, target: Any, most: int) -> int:
        if self.size(name) > most:
            raise Refused(
                f"{name!r} would be {self.size(name):,} bytes, much more than an honest file of "
                "this size contains"
            )
        with _library_at_work(), self.member(name) as stream:
            bounded = archives.Bounded(stream, most)
            shutil.copyfileobj(bounded, target, _CHUNK)
        return most - bounded.left


class _ZipSource(Source):
    def __init__(self, archive: zipfile.ZipFile, packed: int) -> None:
        self._archive, self.packed = archive, packed
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            archives.require_plain_member(info)
            archives.plain_parts(info.filename)
            if info.filename in self._members:
                raise Refused(f"{info.filename!r} is in it twice")
            if info.flag_bits & 0x1:
                raise Refused(f"{info.filename!r} is protected by a password")
            self._members[info.filename] = info

    def names(self) -> list[str]:
        return list(self._members)

    def size(self, name: str) -> int:
        return self._members[name].file_size

    def member(self, name: str) -> IO[bytes]:
        return self._archive.open(self._members[name])


class _FolderSource(Source):
    """Links are refused: they lead to what the caller has not named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._members: dict[str, Path] = {}
        for path in sorted([folder / n for n in (METADATA, CONFIG, WEIGHTS, *_OTHER_WEIGHTS)]):
            self._add(path)
        for place, folders, files in os.walk(folder / ASSETS):
            for name in (*folders, *files):
                self._add(Path(place, name))
        self.packed = sum(path.lstat().st_size for path in self._members.values())

    def _add(self, path: Path) -> None:
        if not os.path.lexists(path):
            return
        name, mode = path.relative_to(self._folder).as_posix(), path.lstat().st_mode
        if stat.S_ISREG(mode):
            self._members[name] = path
        elif not stat.S_ISDIR(mode) or name == WEIGHTS:
            raise Refused(f"{name!r} is a link or a device, not a plain file")

    def names(self) -> list[str]:
        return list(self._members)

    def size(self, name: str) -> int:
        return self._members[name].stat().st_size

    def member(self, name: str) -> IO[bytes]:
        return open(self._members[name], "rb")


@contextmanager
def opened(filepath: str, who: str) -> Iterator[Source]:
    """A Source; whatever is wrong with the container becomes one ValueError that names it."""
    try:
        if os.path.isdir(filepath):
            yield _FolderSource(Path(filepath))
        else:
            if not stat.S_ISREG(os.stat(filepath).st_mode):
                raise Refused("it is a device or a pipe, not a file")
            with _library_at_work():
                archive = zipfile.ZipFile(filepath)
            with archive:
                yield _ZipSource(archive, os.path.getsize(filepath))
    except Refused as error:
        raise ValueError(f"{who}: {filepath} is not loaded: {error}.") from None
    except _Damaged as error:
        raise ValueError(
            f"{who}: {filepath} is not a .keras file, or it is damaged: {error.__cause__}. Get the "
            "file again."
        ) from error.__cause__
