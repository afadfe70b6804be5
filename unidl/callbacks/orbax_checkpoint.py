"""OrbaxCheckpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from unidl.callbacks.checkpoint import AfterBatches, Checkpoint
from unidl.saving import orbax_files
from unidl.saving.shards import refuse_split
from unidl.utils.rules import COUNT, FLAG, PATH, optional

if TYPE_CHECKING:
    from os import PathLike


class OrbaxCheckpoint(Checkpoint):
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
        super().__init__(monitor, mode, verbose, save_best_only, save_freq, initial_value_threshold)
        orbax_files.orbax("OrbaxCheckpoint")
        self.directory, self.max_to_keep = os.fspath(directory), max_to_keep
        self.save_on_background, self.save_weights_only = save_on_background, save_weights_only
        self._checkpointer: Any = None
        self._last: int | None = None  # the last step that is there or begun

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        instead = 'Use ModelCheckpoint("model.shards", save_weights_only=True).'
        refuse_split(model, "OrbaxCheckpoint", instead)

    def _save(self, logs: Any) -> None:
        if not self._is_wanted(logs):
            return
        step = self._after_all_others(self._number())
        parts = orbax_files.parts_of(self.model, self.save_weights_only, "OrbaxCheckpoint")
        self.writer.start(lambda: self._write(step, parts))
        if not self.save_on_background:
            self.writer.wait()
        if self.verbose:
            print(f"OrbaxCheckpoint: step {step} is saved in {self.directory}")

    def _number(self) -> int:
        return self._epoch

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
        super().on_train_end(logs)
        if self._checkpointer is not None:
            self._checkpointer.close()
            self._checkpointer = self._last = None


class _AfterBatches(AfterBatches, OrbaxCheckpoint):
    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if model.optimizer is not None:
            self._batches = int(model.optimizer.iterations)  # of a training that goes on

    def _number(self) -> int:
        return self._batches


OrbaxCheckpoint._of_batches = _AfterBatches
