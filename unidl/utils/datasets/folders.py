"""Files of a folder, and the labels that its sub-folders give them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unidl.utils.datasets.samples import SampleDataset, check_batch_size, drawn_seed
from unidl.utils.images import one_of
from unidl.utils.one_hot import to_categorical

_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)


@dataclass
class Folder:
    """What the functions on folders have in common; arguments as in Keras.

    Args:
        who: the function, for errors.
        what, endings: kind of files, "images", and what their names end with.
    """

    who: str
    what: str
    endings: tuple[str, ...]
    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool

    def datasets(
        self, read: Callable[[str], Any], stacked: Callable[[list[Any]], Any] = np.stack
    ) -> Any:
        """One data set, or with subset="both" two, of read(path) for each file."""
        self._check()
        seed = drawn_seed(self.seed)
        paths, labels, names = self._found()
        if self.shuffle:
            order = np.arange(len(paths))
            np.random.RandomState(seed).shuffle(order)
            paths = [paths[i] for i in order]
            labels = None if labels is None else labels[order]
        parts = ["training", "validation"] if self.subset == "both" else [self.subset]
        found = []
        for part in parts:
            begin, end = self._bounds(part, len(paths))
            chosen = paths[begin:end]
            if not chosen:
                raise ValueError(
                    f"{self.who}: there are no {self.what} in {self.directory}"
                    + (f" for the {part} part" if part else "")
                    + f". Their names end with {', '.join(self.endings)}."
                )
            found.append(
                SampleDataset(
                    len(chosen),
                    _Files(read, chosen),
                    None if labels is None else self._encoded(labels[begin:end], len(names or ())),
                    self.batch_size,
                    self.shuffle and not (self.subset == "both" and part == "validation"),
                    seed,
                    stacked,
                    names,
                    chosen,
                )
            )
        return found if self.subset == "both" else found[0]

    def _check(self) -> None:
        check_batch_size(self.who, self.batch_size)
        one_of(self.who, "label_mode", self.label_mode, _LABEL_MODES)
        one_of(self.who, "subset", self.subset, _SUBSETS)
        if not (self.labels in ("inferred", None) if isinstance(self.labels, str | None) else True):
            raise ValueError(
                f"{self.who}: labels must be 'inferred', None or a list of integers, got "
                f"{self.labels!r}."
            )
        if self.class_names is not None and self.labels != "inferred":
            raise ValueError(
                f"{self.who}: class_names orders the sub-folders of labels='inferred'; it cannot "
                f"be combined with labels={self.labels!r}."
            )
        if bool(self.validation_split) != (self.subset is not None):
            raise ValueError(
                f"{self.who}: give both validation_split and subset: validation_split=0.2, "
                f"subset='both', got {self.validation_split!r} and {self.subset!r}."
            )
        if self.validation_split and not 0 < self.validation_split < 1:
            raise ValueError(
                f"{self.who}: validation_split must be a fraction between 0 and 1, got "
                f"{self.validation_split!r}."
            )
        if self.subset in ("training", "validation") and self.shuffle and self.seed is None:
            raise ValueError(
                f"{self.who}: the parts of a shuffled folder only fit together if both calls draw "
                "the same order. Give both calls the same seed, or get both parts at once with "
                "subset='both'."
            )
        if not os.path.isdir(self.directory):
            raise FileNotFoundError(f"{self.who}: there is no folder {self.directory}.")

    def _found(self) -> tuple[list[str], Any, list[str] | None]:
        """(paths in the order of the alphabet, labels, names of the classes)."""
        directory = os.fspath(self.directory)
        if not isinstance(self.labels, str) or self.label_mode is None:
            return self._found_without_names(directory)
        names = sorted(
            entry.name
            for entry in os.scandir(directory)
            if entry.is_dir() and not entry.name.startswith(".")
        )
        if self.class_names is not None:
            strangers = [name for name in self.class_names if name not in names]
            if strangers:
                raise ValueError(
                    f"{self.who}: class_names has {', '.join(map(repr, strangers))}, which is not "
                    f"a sub-folder of {directory}. There are: {', '.join(names)}."
                )
            names = list(self.class_names)
        if self.label_mode == "binary" and len(names) != 2:
            raise ValueError(
                f"{self.who}: label_mode='binary' needs two classes, {directory} has {len(names)}: "
                f"{', '.join(names)}."
            )
        each = [self._files(os.path.join(directory, name)) for name in names]
        labels = np.repeat(np.arange(len(names), dtype="int32"), [len(files) for files in each])
        paths = [path for files in each for path in files]
        self._tell(f"Found {len(paths)} files belonging to {len(names)} classes.")
        return paths, labels, names

    def _found_without_names(self, directory: str) -> tuple[list[str], Any, list[str] | None]:
        paths = self._files(directory)
        if self.labels is None or self.label_mode is None:
            self._tell(f"Found {len(paths)} files.")
            return paths, None, None
        if len(self.labels) != len(paths):
            raise ValueError(
                f"{self.who}: {len(self.labels)} labels were given for the {len(paths)} "
                f"{self.what} in {directory}."
            )
        labels = np.asarray(self.labels, "int32")
        names = [str(label) for label in sorted(set(self.labels))]
        self._tell(f"Found {len(paths)} files belonging to {len(names)} classes.")
        return paths, labels, names

    def _files(self, directory: str) -> list[str]:
        walk = sorted(os.walk(directory, followlinks=self.follow_links), key=lambda each: each[0])
        return [
            os.path.join(root, name)
            for root, _, names in walk
            for name in sorted(names)
            if name.lower().endswith(self.endings)
        ]

    def _bounds(self, part: str | None, count: int) -> tuple[int, int]:
        held_out = int((self.validation_split or 0) * count)
        if part == "training":
            self._tell(f"Using {count - held_out} files for training.")
            return 0, count - held_out
        if part == "validation":
            self._tell(f"Using {held_out} files for validation.")
            return count - held_out, count
        return 0, count

    def _encoded(self, labels: Any, classes: int) -> Any:
        if self.label_mode == "binary":
            return labels.astype("float32")[:, None]
        if self.label_mode == "categorical":
            return to_categorical(labels, classes).astype("float32")
        return labels

    def _tell(self, text: str) -> None:
        if self.verbose:
            print(text)


@dataclass
class _Files:
    """Sample number `i`; a class, so that worker processes can be given it."""

    read: Callable[[str], Any]
    paths: list[str]

    def __call__(self, i: int) -> Any:
        return self.read(self.paths[i])
