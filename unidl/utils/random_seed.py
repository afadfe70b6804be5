"""One seed for everything."""

from __future__ import annotations

import random

import numpy as np

from unidl.random.seed_generator import seed_everything


def set_random_seed(seed: int) -> None:
    """Seed unidl's global generator, Python's `random` and NumPy's legacy generator.

    Streams are numbered from the start again, so a script that begins with this line draws the same
    weights, dropout masks and shuffles at every run and on every backend.

    Examples:
        >>> unidl.utils.set_random_seed(1)
        >>> first = unidl.random.uniform((2,))
        >>> unidl.utils.set_random_seed(1)
        >>> bool(unidl.ops.all(first == unidl.random.uniform((2,))))
        True
    """
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError(
            f"set_random_seed: expected an int, got {seed!r}, for example set_random_seed(42)."
        )
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  what users' own code draws from
    seed_everything(seed)
