"""The numbers that an optimizer is given: finite and of the right sign, wherever from."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np


def learning_rate(who: str, value: Any) -> float:
    """`value` as a float; an error unless it is a finite number of 0 or more. `who` begins the
    message."""
    value = value.numpy() if hasattr(value, "numpy") else value
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        kind = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise ValueError(
            f"{who}: the learning rate must be a number, a LearningRateSchedule or a function that "
            f"returns a number, got {kind}."
        )
    rate = float(value)
    if not (0 <= rate < math.inf):
        raise ValueError(
            f"{who}: the learning rate must be a finite number of 0 or more, got {rate}."
        )
    return rate


def number(who: str, name: str, value: Any, least: float = 0.0, below: float = math.inf) -> None:
    """An error unless `value` is a number in [least, below)."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{who}: {name} must be a number, got {value!r} of type {type(value).__name__}."
        )
    if not least <= float(value) < below:
        limits = f"in [{least}, {below})" if below < math.inf else f"finite and at least {least}"
        raise ValueError(f"{who}: {name} must be {limits}, got {value}.")


def number_or_none(who: str, name: str, value: Any) -> None:
    """An error unless `value` is None or a finite number of 0 or more."""
    if value is not None:
        number(who, name, value)


def hyperparameters(who: str, **values: Any) -> None:
    """An error unless each is in its range: decays `beta` in [0, 1), since they are divided by
    1 - beta; `rho` and `momentum` in [0, 1]; all others finite and at least 0."""
    for name, value in values.items():
        if "beta" in name:
            number(who, name, value, below=1.0)
            continue
        number(who, name, value)
        if name in ("rho", "momentum") and value > 1:
            raise ValueError(f"{who}: {name} must be in [0, 1], got {value}.")
