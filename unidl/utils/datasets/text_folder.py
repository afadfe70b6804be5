"""text_dataset_from_directory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unidl.utils.arguments import public_function
from unidl.utils.datasets.folders import Folder
from unidl.utils.datasets.samples import SampleDataset, check_format


@public_function
def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "py",
    verbose: bool = True,
) -> SampleDataset | list[SampleDataset]:
    """Batches of the texts of a folder, arrays (n,) of Python strings, and their labels.

    Args:
        max_length: characters of each text, None for all.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
        subset, follow_links, format, verbose: as in `image_dataset_from_directory`. The files are
            ".txt" in UTF-8.

    Examples:
        >>> import os
        >>> for name, text in (("bad", "dull"), ("good", "moving")):
        ...     os.makedirs(f"reviews/{name}")
        ...     with open(f"reviews/{name}/1.txt", "w") as file:
        ...         print(text, end="", file=file)
        >>> data = unidl.utils.text_dataset_from_directory("reviews", shuffle=False, verbose=False)
        >>> texts, labels = data[0]
        >>> list(texts), labels
        (['dull', 'moving'], array([0, 1], dtype=int32))
    """
    who = "text_dataset_from_directory"
    check_format(who, format)

    folder = Folder(
        who, "texts", (".txt",), directory, labels, label_mode, class_names, batch_size, shuffle,
        seed, validation_split, subset, follow_links, verbose,
    )  # fmt: skip
    return folder.datasets(partial(_text, max_length), _stacked)


def _text(max_length: int | None, path: str) -> str:
    return Path(path).read_text(encoding="utf-8")[:max_length]


def _stacked(texts: list[str]) -> Any:
    return np.array(texts, dtype=object)
