"""Checks of constructor arguments that many layers share."""

from __future__ import annotations

import numbers
from typing import Any

from unidl.typing import TensorLike
from unidl.utils.rules import choice_problem, is_among


def positive_int(layer: Any, name: str, value: Any) -> int:
    """`value` as an int > 0, or an error that names the layer and the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value <= 0:
        raise ValueError(
            f"{type(layer).__name__}: {name} must be a positive integer, got {value!r}."
        )
    return int(value)


def int_tuple(
    layer: Any, name: str, value: Any, rank: int, allow_zero: bool = False
) -> tuple[int, ...]:
    """`value`, an int or a sequence of `rank` ints, as a tuple."""
    values = (
        (value,) * rank
        if isinstance(value, numbers.Integral)
        else tuple(value)
        if isinstance(value, list | tuple)
        else None
    )
    low = 0 if allow_zero else 1
    if (
        values is None
        or len(values) != rank
        or any(not isinstance(v, numbers.Integral) or v < low for v in values)
    ):
        raise ValueError(
            f"{type(layer).__name__}: {name} must be "
            f"{'a non-negative' if allow_zero else 'a positive'} integer "
            f"or {rank} of them, got {value!r}."
        )
    return tuple(int(v) for v in values)


def one_of(layer: Any, name: str, value: Any, choices: Any) -> Any:
    """`value` if it is among `choices`."""
    if not is_among(value, choices):
        raise ValueError(f"{type(layer).__name__}: {choice_problem(name, value, choices)}")
    return value


def unit_interval(layer: Any, name: str, value: Any) -> float:
    """A probability in [0, 1]."""
    if isinstance(value, bool) or not _is_share(value):
        raise ValueError(
            f"{type(layer).__name__}: {name} must be a number from 0 to 1, got {value!r}."
        )
    return value


def _is_share(value: Any) -> bool:
    return isinstance(value, numbers.Real) and bool(0 <= value <= 1)  # type: ignore[operator]


def data_format(layer: Any, value: TensorLike) -> Any:
    """ "channels_last" or "channels_first"; None means the default of `unidl.config`."""
    from unidl.config import image_data_format

    return one_of(
        layer, "data_format", value or image_data_format(), ("channels_last", "channels_first")
    )


def not_offered(layer: Any, **values: Any) -> None:
    """Refuse arguments of Keras that unidl does not offer, unless they are None or False."""
    for name, value in values.items():
        if value is not None and value is not False:
            raise ValueError(
                f"{type(layer).__name__}: {name}={value!r} is not supported. Leave it out."
            )
