"""ModelCheckpoint."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from unidl.callbacks.checkpoint import AfterBatches, Checkpoint
from unidl.distribution.active import is_first_process
from unidl.distribution.placing import is_split
from unidl.utils.rules import FLAG, PATH

if TYPE_CHECKING:
    from os import PathLike


class ModelCheckpoint(Checkpoint):
    """Save the model, or only its weights, during training.

    It is copied between two steps and written while training goes on: a file is complete when the
    next one is started, at the latest when `fit` ends. Write errors are raised at the same times.

    Args:
        filepath: ends with ".keras", or for weights with ".weights.h5" or ".safetensors", or with
            ".shards", a folder for which training waits; may hold "{epoch:02d}" and names of the
            logs, "{val_loss:.2f}", and with `save_freq` in batches "{batch}". Its folders are
            created.
        monitor: name in the logs, e.g. "val_loss".
        mode: "min", "max", or "auto": accuracy-like names should increase, others decrease.
        verbose: 1 prints each saving.
        save_best_only: only when the monitored value is the best so far.
        save_weights_only: save only the weights, with `Model.save_weights`, instead of the whole
            model with `Model.save`.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: a value to beat from the start, with `save_best_only`.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> save = unidl.callbacks.ModelCheckpoint("{epoch:02d}.weights.h5", save_weights_only=True)
        >>> x, y = np.ones((8, 2)), np.ones((8, 1))
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[save])
        >>> model.load_weights("02.weights.h5")
    """

    _rules: ClassVar = {"filepath": PATH, "save_weights_only": FLAG}

    def __init__(
        self,
        filepath: str | PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, verbose, save_best_only, save_freq, initial_value_threshold)
        self.filepath, self.save_weights_only = os.fspath(filepath), save_weights_only
        ending = (".weights.h5", ".safetensors", ".shards") if save_weights_only else ".keras"
        if not self.filepath.rstrip("/").endswith(ending):
            shown = ".weights.h5" if save_weights_only else ".keras"
            raise ValueError(
                f"ModelCheckpoint: with save_weights_only={save_weights_only} filepath must end "
                f"with {shown!r}, got {self.filepath!r}. Whole models are saved as 'model.keras', "
                "weights only (save_weights_only=True) as 'model.weights.h5'."
            )

    def _works_in_all(self, model: Any) -> bool:
        from unidl.saving import shards

        return is_split(model) or self.filepath.rstrip("/").endswith(shards.ENDING)

    def _save(self, logs: Any) -> None:
        if not self._is_wanted(logs):
            return
        path = self._path(logs)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        self._write(path)
        if self.verbose and is_first_process():
            what = "weights" if self.save_weights_only else "model"
            print(f"Epoch {self._epoch + 1}: saved the {what} to {path}")

    def _write(self, path: str) -> None:
        """Copy what is to be written, and write it while training goes on."""
        from unidl.models.model import Model
        from unidl.saving import model_files, shards, weights

        method = "save_weights" if self.save_weights_only else "save"
        if getattr(type(self.model), method) is not getattr(Model, method):
            getattr(self.model, method)(path)  # the user's own, which knows of no thread
        elif path.endswith(shards.ENDING):
            self.model.save_weights(path)  # by all processes, which wait for each other
        elif self.save_weights_only:
            arrays = shards.copies(self.model, weights.arrays_of(self.model))
            names = weights.names_of(self.model)
            self._start(lambda: weights.write_arrays(path, arrays, names))
        else:
            write = model_files.writer_of(self.model, copied=True)
            self._start(lambda: write(path, True))

    def _start(self, work: Callable[[], None]) -> None:
        if is_first_process():
            self.writer.start(work)

    def _path(self, logs: Any) -> str:
        known = {"epoch": self._epoch + 1, **self._batch_number(), **(logs or {})}
        try:
            return self.filepath.rstrip("/").format(**known)
        except (KeyError, IndexError) as error:
            raise ValueError(
                f"ModelCheckpoint: filepath {self.filepath!r} names {error}, which is not in the "
                f"logs. Available: {', '.join(known)}."
            ) from None

    def _batch_number(self) -> dict[str, int]:
        return {}


class _AfterBatches(AfterBatches, ModelCheckpoint):
    def _batch_number(self) -> dict[str, int]:
        return {"batch": self._last_batch + 1}


ModelCheckpoint._of_batches = _AfterBatches
