"""A file that is written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file to write and read, which takes the place of `path` when the block ends without an
    error.

    A reader, another thread that writes or a crash sees the old file or the new one. What is new is
    on the disk before it takes the name. A link that the user made stays one, and a file that was
    there keeps its mode. Where the system has files without a name (Linux), a process that is
    killed leaves nothing behind.

    Raises:
        ValueError: `path` is a folder, a device or a pipe.
        FileNotFoundError: there is no such folder.
        PermissionError: nothing may be written into the folder.
    """
    target, folder = place(path)
    old = os.stat(target) if os.path.exists(target) else None
    if old is not None and not stat.S_ISREG(old.st_mode):
        raise ValueError(
            f"{path} is not a regular file, so it cannot be replaced. Choose another name."
        )
    hidden = beside(target)
    with telling_of_the_folder(path, folder):
        file, has_name = _new_file(folder, hidden)
    try:
        with file:
            yield file
            file.flush()
            if old is not None:
                os.chmod(file.fileno(), stat.S_IMODE(old.st_mode) & 0o777)
            os.fsync(file.fileno())
            if not has_name:
                # Any descriptor will do: with one Python asks for linkat, which follows the link.
                os.link(f"/proc/self/fd/{file.fileno()}", hidden, src_dir_fd=file.fileno())
        os.replace(hidden, target)
    finally:
        with suppress(FileNotFoundError):
            os.remove(hidden)
    sync_folder(folder)


def place(path: str | os.PathLike[str]) -> tuple[str, str]:
    """(`path` behind all links, the folder that it is in)."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"There is no folder {os.path.dirname(path) or folder} to write "
            f"{os.path.basename(path)} into. Create it first."
        )
    return target, folder


def beside(target: str, token: str | None = None) -> str:
    """A name in the same folder, with a part, `token`, that nobody can guess."""
    name = f".{os.path.basename(target)[:100]}.{token or secrets.token_hex(8)}"
    return os.path.join(os.path.dirname(target), name)


@contextmanager
def telling_of_the_folder(path: str | os.PathLike[str], folder: str) -> Iterator[None]:
    """Inside, an error of a folder that may not be written into names `path` and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise PermissionError(
            error.errno,
            f"{path} cannot be written, since no files can be created in the folder {folder} "
            f"({error.strerror}). Choose another folder, or make this one writable",
        ) from None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """`text` in UTF-8 as the whole file `path`."""
    with whole_file(path) as file:
        file.write(text.encode("utf-8"))


def _new_file(folder: str, hidden: str) -> tuple[BinaryIO, bool]:
    """(a file that nobody else has, with the mode of new files; whether `hidden` is its name)."""
    if os.path.isdir("/proc/self/fd"):
        with suppress(OSError, AttributeError):  # no such files here, or not in this file system
            return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b"), False
    descriptor = os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    return os.fdopen(descriptor, "w+b"), True


def sync_folder(folder: str) -> None:
    """Put the names in the folder on the disk."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
