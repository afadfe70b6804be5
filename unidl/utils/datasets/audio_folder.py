"""audio_dataset_from_directory."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from unidl.utils.arguments import public_function
from unidl.utils.datasets.folders import Folder
from unidl.utils.datasets.samples import SampleDataset


@public_function
def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> SampleDataset | list[SampleDataset]:
    """Batches of the ".wav" files of a folder: float32 (n, time, channels) from -1 to 1, and their
    labels.

    Args:
        sampling_rate: what every file must have, None for any.
        output_sequence_length: moments of each; shorter ones are padded with zeros, longer ones
            cut. None: as many as the longest of the batch has.
        ragged: must be False.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
        subset, follow_links, verbose: as in `image_dataset_from_directory`.

    Examples:
        >>> import os, wave
        >>> os.makedirs("sounds/silence")
        >>> with wave.open("sounds/silence/1.wav", "wb") as file:
        ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...     file.writeframes(bytes(2 * 100))
        >>> data = unidl.utils.audio_dataset_from_directory("sounds", verbose=False)
        >>> data[0][0].shape
        (1, 100, 1)
    """
    who = "audio_dataset_from_directory"
    if ragged:
        raise ValueError(
            f"{who}: ragged=True is not supported: backends have no such tensors. Without it, the "
            "sequences of a batch are padded to the longest."
        )

    folder = Folder(
        who, "sounds", (".wav",), directory, labels, label_mode, class_names, batch_size, shuffle,
        seed, validation_split, subset, follow_links, verbose,
    )  # fmt: skip
    read = partial(_fitted, sampling_rate, output_sequence_length)
    return folder.datasets(read, _padded)


def _fitted(sampling_rate: int | None, length: int | None, path: str) -> Any:
    sound = _sound(path, sampling_rate)
    return sound if length is None else _of_length(sound[:length], length)


def _padded(sounds: list[Any]) -> Any:
    longest = max(map(len, sounds))
    return np.stack([_of_length(sound, longest) for sound in sounds])


def _of_length(sound: Any, length: int) -> Any:
    return np.pad(sound, ((0, length - len(sound)), (0, 0)))


def _sound(path: str, sampling_rate: int | None) -> Any:
    """float32 (time, channels)."""
    try:
        with wave.open(path, "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            content = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(
            f"audio_dataset_from_directory: {path} is not a WAV file of integers (PCM): {error}."
        ) from error
    if sampling_rate is not None and rate != sampling_rate:
        raise ValueError(
            f"audio_dataset_from_directory: {path} has {rate} samples per second instead of "
            f"{sampling_rate}. Convert the files first, for example with "
            f"scipy.signal.resample_poly or ffmpeg -ar {sampling_rate}."
        )
    return _numbers(content, width).reshape(-1, channels)


def _numbers(content: bytes, width: int) -> Any:
    """Bytes of little-endian numbers of `width` bytes as float32 from -1 to 1; those of one byte
    have no sign."""
    if width == 1:
        return (np.frombuffer(content, "u1").astype("float32") - 128) / 128
    if width == 3:  # as the upper bytes of four
        parts = np.frombuffer(content, "u1").reshape(-1, 3)
        content = np.pad(parts, ((0, 0), (1, 0))).tobytes()
        width = 4
    return np.frombuffer(content, f"<i{width}").astype("float32") / float(2 ** (8 * width - 1))
