"""Sequences of unequal length to one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unidl.typing import DType


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DType = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> np.ndarray:
    """Sequences of n_i steps -> (len(sequences), maxlen, ...), filled up with `value`.

    Args:
        sequences: list of lists or arrays (n_i, ...), the same shape behind the first axis.
        maxlen: steps in the result, the longest sequence's by default.
        dtype: of the result.
        padding: "pre" fills up before a sequence that is too short, "post" behind it.
        truncating: "pre" drops the first steps of one that is too long, "post" the last.
        value: what to fill up with.

    Examples:
        >>> unidl.utils.pad_sequences([[1], [2, 3, 4]])  # in front, by default
        array([[0, 0, 1],
               [2, 3, 4]], dtype=int32)
        >>> unidl.utils.pad_sequences([[1], [2, 3, 4]], maxlen=2, padding="post")
        array([[1, 0],
               [3, 4]], dtype=int32)
    """
    for name, given in (("padding", padding), ("truncating", truncating)):
        if given not in ("pre", "post"):
            raise ValueError(f'pad_sequences: {name} must be "pre" or "post", got {given!r}.')
    if any(not hasattr(s, "__len__") for s in sequences):
        raise ValueError(
            "pad_sequences: expected a list of sequences, such as [[1, 2], [3]], but it contains a "
            "number."
        )
    maxlen = max(map(len, sequences), default=0) if maxlen is None else maxlen
    shapes = {np.shape(s)[1:] for s in sequences if len(s)}
    if len(shapes) > 1:
        raise ValueError(
            "pad_sequences: the steps of all sequences must have the same shape, got "
            f"{' and '.join(map(str, sorted(shapes)))}."
        )
    out = np.full((len(sequences), maxlen, *(shapes.pop() if shapes else ())), value, dtype)
    for row, sequence in zip(out, sequences, strict=True):
        kept = (
            sequence[max(0, len(sequence) - maxlen) :] if truncating == "pre" else sequence[:maxlen]
        )
        if len(kept):
            row[maxlen - len(kept) if padding == "pre" else 0 :][: len(kept)] = kept
    return out
