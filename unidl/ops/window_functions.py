"""Windows by name, as arrays on the host: sums of cosines (Harris, Proc. IEEE 66, 1978)."""

from __future__ import annotations

from typing import Any

import numpy as np

_COSINES = {
    "boxcar": (1.0,),
    "hann": (0.5, -0.5),
    "hamming": (0.54, -0.46),
    "blackman": (0.42, -0.5, 0.08),
}


def window_of(who: str, name: str, length: Any, periodic: Any) -> Any:
    """(length,) in float64; `periodic` leaves out the last value, which would be the first of the
    next period."""
    if name not in _COSINES:
        raise ValueError(
            f"{who}: window must be {', '.join(map(repr, _COSINES))}, an array of the values or "
            f"None, got {name!r}."
        )
    if length == 1:
        return np.ones(1)
    turns = np.arange(length) / (length if periodic else length - 1)
    return sum(a * np.cos(2 * np.pi * k * turns) for k, a in enumerate(_COSINES[name]))
