"""timeseries_dataset_from_array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unidl.utils.arguments import public_function
from unidl.utils.datasets.samples import (
    SampleDataset,
    check_batch_size,
    check_format,
    drawn_seed,
)


@public_function
def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "py",
) -> SampleDataset:
    """Batches of windows of a series (t, ...): (n, sequence_length, ...), and the target of each.

    Windows are cut from the array as they are asked for, so that it may be a memory map.

    Args:
        data: array (t, ...).
        targets: array; the window that begins at moment i has targets[i]. None: windows alone.
        sequence_length: moments of a window.
        sequence_stride: from the beginning of a window to that of the next.
        sampling_rate: from a moment of a window to its next.
        batch_size: None for single windows.
        shuffle: in an order drawn from `seed`, new in each epoch.
        start_index, end_index: only moments from here, and before there.
        format: "py", a `PyDataset`.

    Examples:
        >>> series = np.arange(6)
        >>> data = unidl.utils.timeseries_dataset_from_array(series, series[3:], sequence_length=3)
        >>> x, y = data[0]  # the moment after each window
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [1, 2, 3], [2, 3, 4]], [3, 4, 5])
    """
    who = "timeseries_dataset_from_array"
    check_format(who, format)
    check_batch_size(who, batch_size)
    data = data if isinstance(data, np.ndarray) else np.asarray(data)
    for name, value in (
        ("sequence_length", sequence_length),
        ("sequence_stride", sequence_stride),
        ("sampling_rate", sampling_rate),
    ):
        if not isinstance(value, int | np.integer) or not value > 0:
            raise ValueError(f"{who}: {name} must be a positive integer, got {value!r}.")
    begin = 0 if start_index is None else start_index
    end = len(data) if end_index is None else end_index
    if not 0 <= begin < end <= len(data):
        raise ValueError(
            f"{who}: start_index and end_index must lie within the {len(data)} time steps of data, "
            f"in this order, got {start_index!r} and {end_index!r}."
        )
    count = end - begin - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = np.asarray(targets)
        count = min(count, len(targets))
    starts = np.arange(begin, begin + max(count, 0), sequence_stride)
    if targets is not None:
        starts = starts[starts < len(targets)]
    if not len(starts):
        raise ValueError(
            f"{who}: no window of {sequence_length} time steps, {sampling_rate} apart, fits into "
            f"{end - begin}."
        )
    seed = drawn_seed(seed)
    if shuffle:
        np.random.RandomState(seed).shuffle(starts)
    window = _Windows(data, starts, sequence_length, sampling_rate)
    return SampleDataset(
        len(starts), window, None if targets is None else targets[starts], batch_size, shuffle, seed
    )


@dataclass
class _Windows:
    """Window number `i`; a class, so that worker processes can be given it."""

    data: Any
    starts: Any
    length: int
    step: int

    def __call__(self, i: int) -> Any:
        begin = self.starts[i]
        return self.data[begin : begin + self.length * self.step : self.step]
