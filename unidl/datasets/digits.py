"""UCI handwritten digits: 1,797 real images of 8x8 pixels, shipped with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unidl.datasets._npz import read_npz

_FILE = Path(__file__).parent / "data" / "digits.npz"
_ARRAYS: dict[str, tuple[tuple[int, ...], type]] = {
    "x_train": ((1437, 8, 8), np.uint8),
    "y_train": ((1437,), np.uint8),
    "x_test": ((360, 8, 8), np.uint8),
    "y_test": ((360,), np.uint8),
}


def load_data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return `(x_train, y_train), (x_test, y_test)`.

    - `x_train` (1437, 8, 8) and `x_test` (360, 8, 8): uint8, grey values **0 to 16** (not 255:
      divide by 16).
    - `y_train` (1437,) and `y_test` (360,): uint8, the digit 0 to 9.

    The split is fixed and has the same share of each digit in both parts. Needs no network.

    Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine
    Learning Repository (1998), https://doi.org/10.24432/C50P49, CC BY 4.0; `data/README.md` beside
    this file says what was changed.

    Examples:
        >>> (x_train, y_train), (x_test, y_test) = unidl.datasets.digits.load_data()
        >>> x_train.shape, y_test.shape, int(x_train.max())
        ((1437, 8, 8), (360,), 16)
    """
    arrays = read_npz(_FILE, _ARRAYS)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
