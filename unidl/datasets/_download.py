"""Download one file into the cache: resumed after a break, verified before it is kept, one process
at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pooch
import requests

from unidl.datasets._resume import ResumingDownloader
from unidl.typing import TensorLike

try:
    import fcntl
except (
    ImportError
):  # Windows: two processes may then disturb each other's download, and the checksum tells
    fcntl = None  # type: ignore[assignment]


def download(url: str, sha256: str, target: TensorLike) -> None:
    """Download `url` to the path `target`. Raises ConnectionError, ValueError (wrong checksum) or
    OSError (disk)."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(target):
            _retrieve(url, sha256, target)
    except requests.RequestException as error:
        raise ConnectionError(
            f"{target.name} is not in the cache and could not be downloaded: {error}\n"
            f"{_by_hand(url, sha256, target)}\n"
            "The part that arrived is kept; the next call continues from there."
        ) from error
    except OSError as error:
        raise OSError(
            f"{target.name} could not be written to the cache {target.parent}: {error}\n"
            "  do this: make the folder writable, or set another one in the environment variable "
            "UNIDL_HOME"
        ) from error


def _retrieve(url: Any, sha256: Any, target: TensorLike) -> None:
    downloader = ResumingDownloader(target.with_name(target.name + ".part"))
    for attempt in range(2):
        try:
            pooch.retrieve(
                url, f"sha256:{sha256}", target.name, target.parent, downloader=downloader
            )
            return
        except ValueError as error:  # pooch: wrong checksum, and the file is deleted
            # What was left from an earlier call may be of another version of the file: once more,
            # from the start.
            if attempt == 0 and downloader.resumed:
                continue
            raise ValueError(
                f"what came from {url} is not the expected file, and was deleted: {error}\n"
                "A network's login page or a proxy may have answered instead of the server.\n"
                f"{_by_hand(url, sha256, target)}"
            ) from error


def _by_hand(url: Any, sha256: Any, target: TensorLike) -> str:
    return (
        "  do this: where there is a connection, download\n"
        f"    {url}\n"
        f"    (SHA-256 {sha256})\n"
        "  and put it at\n"
        f"    {target}\n"
        f"  or keep it anywhere and give its path: load_data(path='/the/folder/{target.name}')"
    )


@contextmanager
def _one_at_a_time(target: TensorLike) -> Iterator[Any]:
    """Wait until no other process (or thread) downloads `target`; the lock dies with its
    process."""
    with open(target.with_name(target.name + ".lock"), "w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
