"""OrbaxCheckpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from unidl.callbacks.monitor import Monitor
from unidl.saving import orbax_files
from unidl.saving.background import BackgroundWriter
from unidl.utils.rules import COUNT, FLAG, NUMBER, PATH, optional
from unidl.utils.suggestions import did_you_mean

if TYPE_CHECKING:
    from os import PathLike


class OrbaxCheckpoint(Monitor):
    """Save the model's state during training in the folders of Orbax, from which `load_model` and
    `load_weights`, of unidl and of Keras, read it.

    It needs the package orbax-checkpoint: `pip install 'unidl-framework[orbax]'`. The state is
    copied between two steps; errors of writing are raised at the next saving, at the latest when
    `fit` ends.

    Args:
        directory: of the folders, one for each step that is kept; it is made.
        monitor: name in the logs, e.g. "val_loss".
        verbose: 1 prints each saving.
        save_best_only: only when the monitored value is the best so far.
        mode: "min", "max", or "auto": accuracy-like names are to grow, others to shrink.
        save_freq: "epoch", whose number from 0 on is the step's; or a number of batches, and then
            that of all batches up to then is. Where the folder has later steps, of another
            training, the next number is.
        initial_value_threshold: a value to beat from the start, with `save_best_only`.
        max_to_keep: how many of the last steps are kept; None: all.
        save_on_background: write while training goes on.
        save_weights_only: without the model's config, and the state of optimizer and metrics.

    Raises:
        ImportError: orbax-checkpoint is not installed.
        ValueError: when it saves, for a model with variables without elements, or whose layers have
            files of their own.

    Examples:
        >>> def trained(model, x, y):
        ...     keeping = unidl.callbacks.OrbaxCheckpoint("steps", max_to_keep=2)
        ...     model.fit(x, y, epochs=5, callbacks=[keeping])
        ...     return unidl.models.load_model("steps")
    """

    _rules: ClassVar = {
        "directory": PATH,
        "verbose": FLAG,
        "save_best_only": FLAG,
        "initial_value_threshold": optional(NUMBER),
        "max_to_keep": optional(COUNT),
        "save_on_background": FLAG,
        "save_weights_only": FLAG,
    }

    def __init__(
        self,
        directory: str | PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        super().__init__(monitor, mode)
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ValueError(
                'OrbaxCheckpoint: save_freq must be "epoch" or a positive number of batches, got '
                f"{save_freq!r}.{did_you_mean(save_freq, ('epoch',))}"
            )
        orbax_files.orbax("OrbaxCheckpoint")
        self.directory, self.verbose, self.save_freq = os.fspath(directory), verbose, save_freq
        self.save_best_only, self.best = save_best_only, initial_value_threshold
        self.max_to_keep, self.save_weights_only = max_to_keep, save_weights_only
        self.save_on_background = save_on_background
        self.writer = BackgroundWriter()
        self._checkpointer: Any = None
        self._last: int | None = None  # the last step that is there or begun
        if save_freq != "epoch":
            # Only then does the training loop have to show this callback every batch.
            self.__class__ = _EveryBatches

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def _save(self, step: int, logs: Any) -> None:
        if self.save_best_only:
            value = self.read(logs)
            if value is None or not self.improved(value):
                return
            self.best = value
        step = self._after_all_others(step)
        parts = orbax_files.parts_of(self.model, self.save_weights_only, "OrbaxCheckpoint")
        self.writer.start(lambda: self._write(step, parts))
        if not self.save_on_background:
            self.writer.wait()
        if self.verbose:
            print(f"OrbaxCheckpoint: step {step} is saved in {self.directory}")

    def _after_all_others(self, step: int) -> int:
        """`step`, or the next after what is there: the last one is the newest, also where another
        training has begun in the same folder."""
        if self._last is None:
            there = os.path.isdir(self.directory)
            self._last = max(orbax_files.steps_in(self.directory) if there else [], default=-1)
        self._last = max(step, self._last + 1)
        return self._last

    def _write(self, step: int, parts: dict[str, Any]) -> None:
        if self._checkpointer is None:
            self._checkpointer = self._new_checkpointer()
        self._checkpointer.save_checkpointables(step, parts)

    def _new_checkpointer(self) -> Any:
        training = orbax_files.orbax("OrbaxCheckpoint").training
        keeps = None
        if self.max_to_keep is not None:
            keeps = training.preservation_policies.LatestN(self.max_to_keep)
        return training.Checkpointer(
            directory=os.path.abspath(self.directory),
            preservation_policy=keeps,
            save_decision_policy=training.save_decision_policies.FixedIntervalPolicy(1),
        )

    def wait_until_finished(self) -> None:
        """Until all that was begun is written; an error of writing is raised."""
        self.writer.wait()

    def is_multihost_enabled(self) -> bool:
        """False: a model is trained in one process."""
        return False

    def is_primary_host(self) -> bool:
        """True: a model is trained in one process."""
        return True

    def on_train_end(self, logs: Any = None) -> None:
        self.writer.wait()
        if self._checkpointer is not None:
            self._checkpointer.close()
            self._checkpointer = self._last = None


class _EveryBatches(OrbaxCheckpoint):
    """With `save_freq` in batches, of which several may have passed between two calls."""

    _batches = 0

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if model.optimizer is not None:
            self._batches = int(model.optimizer.iterations)  # of a training that goes on

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._last_batch = -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        every = int(self.save_freq)
        saved = self._batches // every
        self._batches += batch - self._last_batch
        self._last_batch = batch
        if self._batches // every > saved:
            self._save(self._batches, logs)
