"""Where downloaded data sets live, and which of the files there are good."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path


def cache_dir() -> Path:
    """`$UNIDL_HOME/datasets`, by default `~/.unidl/datasets`. It need not exist."""
    return Path(os.environ.get("UNIDL_HOME") or "~/.unidl").expanduser() / "datasets"


def cached(name: str, url: str, sha256: str) -> Path:
    """Return the path of the file `name` in the cache, downloaded from `url` unless it is there and
    good.

    `sha256`: 64 hexadecimal digits. A file there with another checksum is removed and downloaded
    again.
    """
    if not name.endswith(".npz"):
        raise ValueError(
            f"expected a file name, such as 'mnist.npz', or a path with a folder; got {name!r}"
        )
    target = cache_dir() / name
    if target.exists():
        found = hashlib.sha256(target.read_bytes()).hexdigest()
        if found == sha256:
            return target
        warnings.warn(
            f"{target} was damaged or a different file (SHA-256 {found}, expected {sha256}): "
            "removed, downloading again",
            stacklevel=4,  # the caller of load_data
        )
        target.unlink(missing_ok=True)  # another process may have been first

    # Imported here: pooch and requests cost 0.2 s, and only the first use of a data set needs them.
    from unidl.datasets._download import download

    download(url, sha256, target)
    return target
