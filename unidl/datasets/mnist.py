"""MNIST: 70,000 handwritten digits of 28x28 pixels, in the file and the form that Keras users
know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl.datasets._cache import cached
from unidl.datasets._npz import read_npz

if TYPE_CHECKING:
    from os import PathLike

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

_ARRAYS: dict[str, tuple[tuple[int, ...], type]] = {
    "x_train": ((60000, 28, 28), np.uint8),
    "y_train": ((60000,), np.uint8),
    "x_test": ((10000, 28, 28), np.uint8),
    "y_test": ((10000,), np.uint8),
}


def load_data(
    path: str | PathLike[str] = "mnist.npz",
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return `(x_train, y_train), (x_test, y_test)`.

    - `x_train` (60000, 28, 28) and `x_test` (10000, 28, 28): uint8, grey values 0 to 255.
    - `y_train` (60000,) and `y_test` (10000,): uint8, the digit 0 to 9.

    `path`: a name without a folder is the name of the file in the cache, `$UNIDL_HOME/datasets`
    (default `~/.unidl/datasets`), where it is downloaded if it is not there yet (11 MB, checked
    against its SHA-256; a broken download goes on where it stopped). Anything else, or a
    `pathlib.Path`, is a file of yours, read as it is.

    Examples:
        >>> (x_train, y_train), test = unidl.datasets.mnist.load_data()  # doctest: +SKIP
    """
    given = Path(path).expanduser()
    if not isinstance(path, str) or os.path.dirname(path):
        arrays = read_npz(given, _ARRAYS)
    else:
        arrays = _from_cache(path)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _from_cache(name: str) -> Any:
    file = cached(name, URL, SHA256)
    try:
        return read_npz(file, _ARRAYS)
    except ValueError:
        file.unlink(missing_ok=True)  # the next call downloads it again
        raise
