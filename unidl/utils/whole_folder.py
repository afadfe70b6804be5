"""A folder that is written whole or not at all."""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from unidl.utils.whole_file import beside, place, sync_folder, telling_of_the_folder

# Ends the name of what was moved out of the way of a new folder; the new one has the name without
# it.
_MOVED = ".old"


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new, empty folder, which takes the place of the folder `path` when the block ends without
    an error.

    Where the system exchanges two names in one step (Linux), a crash at any moment leaves the old
    folder or the new one in its place. Elsewhere the old one is moved away first, under a name that
    begins with a dot, and `finish_replacing` sets right what a crash between leaves.

    Raises:
        ValueError: `path` is no folder.
        FileNotFoundError, PermissionError: see `whole_file`.
    """
    finish_replacing(path)
    target, folder = place(path)
    if os.path.lexists(target) and not os.path.isdir(target):
        raise ValueError(
            f"{path} is not a folder, so it cannot be replaced by one. Choose another."
        )
    new = beside(target)
    old = new + _MOVED
    with telling_of_the_folder(path, folder):
        os.mkdir(new)
    try:
        yield Path(new)
        for each, _, _ in os.walk(new):
            sync_folder(each)
        if not os.path.isdir(target):
            os.rename(new, target)
        elif not exchange(new, target):  # else `new` is now what was there
            _move_into_place(new, target, old)
        sync_folder(folder)
    except BaseException:
        if os.path.isdir(old) and not os.path.lexists(target):
            os.rename(old, target)
        raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    sync_folder(folder)


def _move_into_place(new: str, target: str, old: str) -> None:
    os.rename(target, old)
    sync_folder(os.path.dirname(target))
    try:
        os.rename(new, target)
    except FileNotFoundError:
        if not os.path.isdir(target):  # else a reader has finished it
            raise


def finish_replacing(path: str | os.PathLike[str]) -> None:
    """Put the folder `path` into its place if a process died while it replaced it.

    Then both are there, the new one, which is whole, and the old one. The old one alone stands
    beside a folder that took its place, or which somebody removed since.

    Raises:
        FileNotFoundError: the folder stands beside and may not be moved; the text says where.
    """
    if os.path.exists(path) or not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        return
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    pattern = os.path.join(glob.escape(folder), f".{glob.escape(name)}.*{_MOVED}")
    for old in glob.glob(pattern):
        new = old.removesuffix(_MOVED)
        if not os.path.isdir(new) or new != beside(target, new.rpartition(".")[2]):
            continue
        try:
            os.rename(new, target)
        except OSError as error:
            if os.path.isdir(target):  # another process has done it
                return
            raise FileNotFoundError(
                f"{path} was being replaced when the process ended. The whole folder is {new}, and "
                f"it cannot be renamed ({error.strerror}). Rename it to {target}."
            ) from None
        shutil.rmtree(old, ignore_errors=True)
        return


def exchange(one: str, other: str) -> bool:
    """Let two names change their places in one step; False where the system cannot."""
    function = _renameat2()
    if function is None:
        return False
    here, swap = -100, 2  # AT_FDCWD and RENAME_EXCHANGE
    result: int = function(here, os.fsencode(one), here, os.fsencode(other), swap)
    return result == 0


@cache
def _renameat2() -> Any:
    """The C library's function, None where there is none."""
    if sys.platform != "linux":
        return None
    function = getattr(ctypes.CDLL(None), "renameat2", None)
    if function is not None:
        function.argtypes = (
            ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint,
        )  # fmt: skip
        function.restype = ctypes.c_int
    return function
