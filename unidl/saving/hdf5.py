"""Arrays in an HDF5 file that may be damaged or hostile.

What is read must be plain: groups and arrays of the file itself, reached by hard links alone, of
the shape that is expected, with filters that come with every HDF5. So nothing else is opened, and
nothing is allocated that the reader has not asked for. What is written carries checksums.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from unidl.saving import heaps, object_header

DIGEST = "sha256"  # attribute of each array that is written here
# deflate, shuffle, fletcher32, szip, lzf: others are libraries that HDF5 would look for and load
FILTERS = {1, 2, 3, 4, 32000}
CHUNK = 1 << 26  # bytes
MOST_WORDS = 1 << 20  # in an attribute
MOST_EXPANSION = 100  # bytes of an array for each one that is stored, where its shape is not known

# What h5py raises on bytes that are not what they should be.
_DAMAGE = (
    OSError, RuntimeError, KeyError, AttributeError, TypeError, ValueError, UnicodeError,
    OverflowError, MemoryError,
)  # fmt: skip


class NotPlain(Exception):
    """What the file holds is not what a reader may use; the text says why."""


def require_file(filepath: str) -> None:
    """NotPlain if there is a folder, a device or a pipe, which might never end."""
    if not stat.S_ISREG(os.stat(filepath).st_mode):
        raise NotPlain("it is a folder, a device or a pipe, not a file")


def h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "Weight files need h5py. Install it with: pip install 'unidl-framework[files]'"
        ) from error
    return h5py


@contextmanager
def reading(
    filepath: str | os.PathLike[str], who: str, file: BinaryIO | None = None
) -> Iterator[Reader]:
    """A Reader of the file; whatever is wrong with it becomes one ValueError that names the file
    and the place in it.

    `file`: the HDF5 file itself, opened, where it is a part of the one at `filepath`.
    """
    library = h5py()
    if file is None and not stat.S_ISREG(os.stat(filepath).st_mode):
        raise ValueError(f"{who}: {filepath} is a folder, a device or a pipe, not a file.")
    with telling(filepath, who) as at:
        at.reader = reader = Reader(library)
        reader.open(filepath if file is None else file)
        try:
            yield reader
        finally:
            reader.close()


class At:
    """Whose `place` an error is at."""

    reader: Reader | None = None


@contextmanager
def telling(filepath: str | os.PathLike[str], who: str) -> Iterator[At]:
    """What a Reader, that of the At, finds wrong becomes one ValueError that names the file."""
    at = At()
    try:
        yield at
    except NotPlain as error:
        raise ValueError(f"{who}: {filepath} is not loaded: {error}.") from None
    except _Damaged as error:
        place = f" at {at.reader.place!r}" if at.reader is not None and at.reader.place else ""
        raise ValueError(
            f"{who}: {filepath} is not an HDF5 file, or it is damaged{place}: {error.__cause__}. "
            "Nothing has been loaded; get the file again."
        ) from error.__cause__


class _Damaged(Exception):
    """The library met bytes that are not what they should be; what it said is the cause."""


@contextmanager
def _library_at_work() -> Iterator[None]:
    """What h5py raises is the file's fault, and nobody else's."""
    try:
        yield
    except _DAMAGE as error:
        raise _Damaged from error


class Reader:
    """Reads arrays by their paths; `place` is the one that was read last."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.place = ""
        self._heaps_are_sound = False

    @_library_at_work()
    def open(self, file: str | os.PathLike[str] | BinaryIO) -> None:
        self._source = file
        self._file = self._library.File(file, "r")

    @_library_at_work()
    def close(self) -> None:
        self._file.close()

    @_library_at_work()
    def members(self, path: str) -> list[str] | None:
        """The names in the group `path`, None if there is no such group."""
        group = self._item(path)
        return list(group) if isinstance(group, self._library.Group) else None

    def arrays_below(self, path: str, most: int) -> Iterator[str]:
        """The paths of all arrays below the group `path`; NotPlain if there are more than `most`
        members in all."""
        with _library_at_work():
            first = self._item(path)
        stack = [] if first is None else [(path, first)]
        while stack:
            place, item = stack.pop()
            if not isinstance(item, self._library.Group):
                yield place
                continue
            with _library_at_work():
                most -= len(item)
                if most < 0:
                    raise NotPlain("there are more groups than a file for this model can have")
                stack.extend((f"{place}/{name}", self._member(item, name, place)) for name in item)

    def name_of(self, path: str) -> str:
        """What is called so in the file."""
        return path.removeprefix("./")

    @_library_at_work()
    def array(self, path: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """The numbers at `path`, None if there is no array; NotPlain unless it has this shape."""
        dataset = self._item(path)
        if not isinstance(dataset, self._library.Dataset):
            return None
        self._require_plain(dataset, path, shape)
        return self._numbers(dataset, path)

    @_library_at_work()
    def arrays_in(self, path: str) -> dict[str, np.ndarray]:
        """The arrays in the group `path`, of whatever shape, by their names; none if there is no
        such group. NotPlain if one is much larger than what is stored of it."""
        group = self._item(path)
        found = {}
        for name in group if isinstance(group, self._library.Group) else ():
            dataset = self._member(group, name, path)
            if not isinstance(dataset, self._library.Dataset):
                raise NotPlain(f"{self.place!r} is no array")
            size = math.prod(dataset.shape or ()) * dataset.dtype.itemsize
            if size > CHUNK + MOST_EXPANSION * dataset.id.get_storage_size():
                raise NotPlain(f"{self.place!r} would be {size:,} bytes, of which few are stored")
            self._require_plain(dataset, self.place, dataset.shape)
            found[name] = self._numbers(dataset, self.place)
        return found

    @_library_at_work()
    def text_attribute(self, name: str) -> str | bytes | None:
        """The text in the attribute `name` of the file itself, None if there is none."""
        return self._text(self._file, name)

    @_library_at_work()
    def words(self, path: str, name: str) -> list[str]:
        """The texts in the attribute `name` of the group `path`, or, where they were too many, in
        `name`0, `name`1 ...; none if there is no such group or attribute."""
        group = self._item(path)
        if group is None:
            return []
        parts, count = [name] if name in group.attrs else [], 0
        while parts[:1] != [name] and f"{name}{count}" in group.attrs:
            parts.append(f"{name}{count}")
            count += 1
        for part in parts:
            self._require_words(group, part)
        words = [word for part in parts for word in np.ravel(group.attrs[part])]
        return [w.decode("utf-8") if isinstance(w, bytes) else str(w) for w in words]

    def _text(self, item: Any, name: str) -> str | bytes | None:
        if name not in item.attrs:
            return None
        self._require_words(item, name)
        found = item.attrs[name]
        return found if isinstance(found, str | bytes) else str(found)

    def _require_words(self, item: Any, name: str) -> None:
        attribute = item.attrs.get_id(name)
        kind, count = attribute.get_type(), math.prod(attribute.shape or ())
        # h5py reads lists of varying length and references too, and damaged ones end the process.
        are_texts = kind.get_class() == self._library.h5t.STRING
        # An empty list of names is an array of floats.
        if count > MOST_WORDS or (count and not are_texts):
            raise NotPlain(f"the attribute {name!r} does not contain strings")
        if count and kind.is_variable_str():
            with self._bytes_of_the_file() as file:
                self._require_bounded_texts(file, item, name, count)

    @contextmanager
    def _bytes_of_the_file(self) -> Iterator[BinaryIO]:
        if isinstance(self._source, str | os.PathLike):
            with open(self._source, "rb") as file:
                yield file
        else:
            yield self._source

    def _require_bounded_texts(self, file: BinaryIO, item: Any, name: str, count: int) -> None:
        plist = self._file.id.get_create_plist()
        address, length = plist.get_sizes()
        layout = object_header.Layout(address, length, plist.get_userblock())
        if not self._heaps_are_sound:
            wrong = heaps.what_is_wrong(file, layout.length)
            if wrong is not None:
                raise NotPlain(f"it is damaged: {wrong}")
            self._heaps_are_sound = True
        place = self._library.h5o.get_info(item.id).addr
        claims = object_header.claims(file, place, name, layout)
        if len(claims) < count:
            raise NotPlain(f"the attribute {name!r} is kept in a way that unidl does not read")
        if max(claims) > file.seek(0, os.SEEK_END):
            raise NotPlain(
                f"the attribute {name!r} contains a text of {max(claims):,} bytes, which is more "
                "than the file has"
            )

    def _numbers(self, dataset: Any, path: str) -> np.ndarray:
        found = dataset[()]
        digest = self._text(dataset, DIGEST)
        if isinstance(digest, bytes):
            digest = digest.decode()
        if digest is not None and digest != digest_of(found):
            raise NotPlain(f"{path!r} does not contain the numbers that were written")
        return _from_bfloat16(found) if self._is_bfloat16(dataset) else found

    def _is_bfloat16(self, dataset: Any) -> bool:
        """Whether Keras wrote this array: HDF5 has no bfloat16, so it is two opaque bytes each."""
        return dataset.dtype == np.dtype("V2") and self._text(dataset, "dtype") == "bfloat16"

    def text_at(self, path: str, most: int) -> str:
        """The text at `path`, bytes of UTF-8 in one axis; NotPlain if they are more than `most`."""
        with _library_at_work():
            dataset = self._item(path)
            shape = getattr(dataset, "shape", None)
        if shape is None or len(shape) != 1 or shape[0] > most:
            raise NotPlain(f"there is no text {path!r} of at most {most:,} bytes")
        found = self.array(path, shape)
        with _library_at_work():
            return np.asarray(found, "uint8").tobytes().decode()

    def _item(self, path: str) -> Any:
        """What is at `path`, by hard links alone; None if it ends before."""
        item, place = self._file, ""
        for part in path.split("/"):
            if part in ("", "."):
                continue
            if not isinstance(item, self._library.Group):
                return None
            item = self._member(item, part, place)
            place = f"{place}/{part}"
        return item

    def _member(self, group: Any, name: str, place: str) -> Any:
        self.place = f"{place}/{name}".lstrip("/")
        link = group.get(name, getlink=True)
        if link is not None and not isinstance(link, self._library.HardLink):
            raise NotPlain(
                f"{self.place!r} refers to another place, but a weight file must contain its "
                "arrays itself"
            )
        return None if link is None else group[name]

    def _require_plain(self, dataset: Any, path: str, shape: tuple[int, ...]) -> None:
        if dataset.shape is None:
            raise NotPlain(f"{path!r} is an empty space, not an array")
        size = math.prod(shape) * dataset.dtype.itemsize
        if dataset.external is not None or dataset.is_virtual:
            raise NotPlain(
                f"{path!r} refers to another file, but a weight file must contain its arrays itself"
            )
        if dataset.shape != shape:
            raise NotPlain(f"{path!r} has shape {dataset.shape}, where {shape} is wanted")
        is_number = dataset.dtype.kind in "biuf" or self._is_bfloat16(dataset)
        if not is_number or dataset.dtype.itemsize > 16:
            raise NotPlain(f"{path!r} holds {dataset.dtype}, not numbers")
        plist = dataset.id.get_create_plist()
        filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
        if filters - FILTERS:
            raise NotPlain(
                f"{path!r} is compressed with the unknown filter {min(filters - FILTERS)}"
            )
        chunk = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
        if chunk > max(size, CHUNK):
            raise NotPlain(f"{path!r} has chunks of {chunk:,} bytes for an array of {size:,}")
        if size and not dataset.id.get_storage_size():
            raise NotPlain(f"{path!r} was never written")


def _from_bfloat16(found: Any) -> np.ndarray:
    """As float32, of which bfloat16 is the upper half."""
    return (np.asarray(found).view("<u2").astype("<u4") << 16).view("<f4")


def create(file: BinaryIO) -> Any:
    """`file` as a new HDF5 file for `write_array`: its groups and headers have checksums, which
    HDF5 has known since 1.8."""
    return h5py().File(file, "w", libver=("v108", "v108"))


def write_array(file: Any, path: str, value: np.ndarray) -> None:
    """Write `value` at `path`, with a checksum of each chunk (fletcher32, which every HDF5 reads)
    and one of all numbers."""
    value = np.asarray(value)
    chunked = {"chunks": _chunks(value), "fletcher32": True} if value.size and value.ndim else {}
    dataset = file.create_dataset(path, data=value, **chunked)
    # Of fixed length, it is beside the numbers' shape, and has the checksum of this header.
    dataset.attrs[DIGEST] = np.bytes_(digest_of(value))


def digest_of(value: np.ndarray) -> str:
    """SHA-256 of the numbers, hexadecimal."""
    value = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return hashlib.sha256(value.tobytes() if value.dtype == bool else value.data).hexdigest()


def _chunks(value: np.ndarray) -> tuple[int, ...]:
    """A shape of chunks of at most CHUNK bytes, whole along as many last axes as will do."""
    chunks = list(value.shape)
    for axis in range(value.ndim):
        rest = math.prod(chunks[axis + 1 :]) * value.itemsize
        chunks[axis] = max(1, min(chunks[axis], CHUNK // max(rest, 1)))
        if rest <= CHUNK:
            break
    return tuple(chunks)
