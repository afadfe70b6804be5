"""The numbers that an optimizer is given: finite and of the right sign, wherever from."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from unidl.optimizers.host_variable import on_host


def learning_rate(who: str, value: Any) -> float:
    """`value` as a float; an error unless it is a finite number of 0 or more. `who` begins the
    message."""
    value = on_host(value)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        kind = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise ValueError(
            f"{who}: learning_rate must be a finite number, a LearningRateSchedule or a function "
            f"that returns a number, got {kind}."
        )
    rate = float(value)
    if not (0 <= rate < math.inf):
        raise ValueError(f"{who}: learning_rate must be a finite number of 0 or more, got {rate}.")
    return rate
