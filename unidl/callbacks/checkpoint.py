"""Saving during training: what ModelCheckpoint and OrbaxCheckpoint have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.callbacks.monitor import Monitor
from unidl.saving.background import BackgroundWriter
from unidl.utils.rules import FLAG, NUMBER, optional
from unidl.utils.suggestions import did_you_mean


class Checkpoint(Monitor):
    """Calls `_save(logs)`, to be defined, after each epoch or so many batches.

    Args:
        monitor, mode: see `Monitor`.
        verbose, save_best_only, save_freq, initial_value_threshold: see `ModelCheckpoint`.
    """

    of_one_process = True

    _rules: ClassVar = {
        "verbose": FLAG,
        "save_best_only": FLAG,
        "initial_value_threshold": optional(NUMBER),
    }
    # The class of those that save after batches: only then does the training loop have to show the
    # callback every batch.
    _of_batches: ClassVar[type]

    def __init__(
        self,
        monitor: str,
        mode: str,
        verbose: int,
        save_best_only: bool,
        save_freq: str | int,
        initial_value_threshold: float | None,
    ) -> None:
        super().__init__(monitor, mode)
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ValueError(
                f'{type(self).__name__}: save_freq must be "epoch" or a positive number of '
                f"batches, got {save_freq!r}.{did_you_mean(save_freq, ('epoch',))}"
            )
        self.verbose, self.save_best_only, self.save_freq = verbose, save_best_only, save_freq
        self.best = initial_value_threshold
        self._epoch = self._batches = 0
        self.writer = BackgroundWriter()
        if save_freq != "epoch":
            self.__class__ = self._of_batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs)

    def on_train_end(self, logs: Any = None) -> None:
        self.writer.wait()

    def _save(self, logs: Any) -> None:
        raise NotImplementedError

    def _is_wanted(self, logs: Any) -> bool:
        """Whether to save now; with `save_best_only` the value in the logs is then the best."""
        if not self.save_best_only:
            return True
        value = self.read(logs)
        if value is None or not self.improved(value):
            return False
        self.best = value
        return True


class AfterBatches(Checkpoint):
    """With `save_freq` in batches, of which several may have passed between two calls."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._last_batch = -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        every = int(self.save_freq)
        saved = self._batches // every
        self._batches += batch - self._last_batch
        self._last_batch = batch
        if self._batches // every > saved:
            self._save(logs)
