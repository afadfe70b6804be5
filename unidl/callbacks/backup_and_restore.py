"""BackupAndRestore."""

from __future__ import annotations

import os
import shutil
import warnings
from contextlib import suppress
from typing import Any, ClassVar

from unidl.backend.errors import UnsupportedError
from unidl.callbacks.callback import Callback
from unidl.callbacks.termination import Termination
from unidl.distribution.active import is_first_process
from unidl.distribution.placing import is_split
from unidl.saving.background import BackgroundWriter
from unidl.saving.shards import once, refuse_split
from unidl.utils.rules import FLAG, Rule
from unidl.utils.whole_folder import finish_replacing

_ENDINGS = (".backup.h5", ".backup.shards")  # a file, or a folder where weights are split


def _is_frequency(value: Any) -> bool:
    return value == "epoch" or (type(value) is int and value > 0)


class BackupAndRestore(Callback):
    """Back up the state of a `fit` run, so that a killed run continues where it was.

    The same script, started again, continues from the backup and ends with exactly the numbers of
    an uninterrupted run on the same backend. This covers weights, optimizers, metrics, random
    numbers, the order of the data, and what callbacks keep in attributes as numbers, strings,
    arrays, or lists and dicts of them (so all of `EarlyStopping` and `History`). Data that is not
    in memory must come in the same order again: the used part is read once more and skipped.

    The state is copied between two steps and written while training goes on; `fit` ends when the
    last backup is on disk. A write error is raised at the next backup or at the end.

    Args:
        backup_dir: a folder for this run only, created if needed.
        save_freq: "epoch", or a number of batches; backups are then also made at the end of an
            epoch.
        double_checkpoint: part of Keras' signature: the previous backup is always kept, and used if
            the last one cannot be read.
        delete_checkpoint: remove the backups when `fit` has ended.
        on_interruption: also make a backup on SIGTERM or Ctrl-C, after the running step (for
            SIGTERM during a validation, after the validation), and when an exception ends `fit`
            between two steps and the weights are finite. The signal then has its usual effect; a
            second signal has it at once.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> backup = unidl.callbacks.BackupAndRestore("backup")
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0, callbacks=[backup])
        >>> len(history.epoch)  # with the same call after a crash it would go on
        1
    """

    _rules: ClassVar = {
        "save_freq": Rule('"epoch" or a positive integer', _is_frequency),
        "double_checkpoint": FLAG,
        "delete_checkpoint": FLAG,
        "on_interruption": FLAG,
    }

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
        on_interruption: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(backup_dir, str | os.PathLike) or not os.fspath(backup_dir):
            raise ValueError(
                f"BackupAndRestore: backup_dir must be the path of a folder, got {backup_dir!r}."
            )
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.on_interruption = on_interruption
        self.termination = Termination()
        self.writer = BackgroundWriter()

    @property
    def batches(self) -> int | None:
        """After how many batches of an epoch a backup is made, None if only at its end."""
        return self.save_freq if isinstance(self.save_freq, int) else None

    def restore(self, callbacks: list[Callback]) -> dict[str, Any] | None:
        """Put the last readable backup into place, also that of the other `callbacks`; returns the
        progress that `save` was given, None if there is no backup."""
        from unidl.saving import training_state

        for path in self._paths():
            finish_replacing(path)
        paths = [path for path in self._paths() if os.path.exists(path)]
        for path in paths:
            try:
                return training_state.load(path, self.model, callbacks)
            except ValueError as error:
                if path == paths[-1]:
                    raise
                warnings.warn(f"{error} The previous backup is used.", stacklevel=2)
        return None

    def save(self, callbacks: list[Callback], progress: dict[str, Any]) -> None:
        """Copy the state and begin to write it as a backup; that of before stays as the second.

        Training goes on meanwhile. What went wrong with the backup before is raised here.
        """
        from unidl.saving import training_state

        file, folder = (self._path("latest", ending) for ending in _ENDINGS)
        if is_split(self.model):  # by all processes, which wait for each other
            once(self.model, self._make_room, "BackupAndRestore")
            training_state.write_parts(folder, self.model, callbacks, progress)
            return
        if not is_first_process():
            return
        os.makedirs(self.backup_dir, exist_ok=True)  # here, so that a wrong path is told at once
        write = training_state.snapshot(self.model, callbacks, progress)

        def work() -> None:
            self._make_room()
            write(file)

        self.writer.start(work)

    def _make_room(self) -> None:
        """Let the backup that is there be the one before."""
        os.makedirs(self.backup_dir, exist_ok=True)
        for ending in _ENDINGS:
            latest = self._path("latest", ending)
            if os.path.exists(latest):
                for each in _ENDINGS:
                    _remove(self._path("before", each))
                os.replace(latest, self._path("before", ending))

    def on_train_begin(self, logs: Any = None) -> None:
        from unidl.training.distributed import data_parallel

        if self.batches is not None and data_parallel() is not None:
            raise UnsupportedError(
                "BackupAndRestore: within an epoch the metrics are spread over processes or "
                'shards. Use save_freq="epoch".'
            )
        if self.on_interruption:
            instead = "A signal comes to one process, and all write a backup: leave it out."
            refuse_split(self.model, "BackupAndRestore(on_interruption=True)", instead)
            self.termination.watch()

    def on_train_end(self, logs: Any = None) -> None:
        self.writer.wait()
        if self.delete_checkpoint and is_first_process():
            for path in self._paths():
                _remove(path)
            with suppress(OSError):  # what else is in the folder is the user's
                os.rmdir(self.backup_dir)

    def _path(self, name: str, ending: str) -> str:
        return os.path.join(self.backup_dir, name + ending)

    def _paths(self) -> list[str]:
        """Of the last backup, and of the one before."""
        return [self._path(name, each) for name in ("latest", "before") for each in _ENDINGS]


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    with suppress(FileNotFoundError):
        os.remove(path)
