"""OptunaPruning."""

from __future__ import annotations

from typing import Any

from unidl.callbacks.logger import imported
from unidl.callbacks.monitor import Monitor


class OptunaPruning(Monitor):
    """Report a value of each epoch to an Optuna trial, and end the run if its pruner says so.

    Args:
        trial: the `optuna.Trial` passed to the objective.
        monitor: name in the logs.

    Raises:
        ImportError: optuna is not installed.
        optuna.TrialPruned: by `fit`, for Optuna to catch.

    Examples:
        >>> def objective(trial):  # doctest: +SKIP
        ...     pruning = unidl.callbacks.OptunaPruning(trial)
        ...     history = model.fit(x, y, validation_split=0.2, callbacks=[pruning])
        ...     return history.history["val_loss"][-1]
        >>> optuna.create_study().optimize(objective, n_trials=20)  # doctest: +SKIP
    """

    def __init__(self, trial: Any, monitor: str = "val_loss") -> None:
        super().__init__(monitor)
        if not (hasattr(trial, "report") and hasattr(trial, "should_prune")):
            raise TypeError(
                "OptunaPruning: trial must be the trial that Optuna passes to the objective, got "
                f"{type(trial).__name__}. Write: def objective(trial): ... "
                "callbacks=[OptunaPruning(trial)]."
            )
        self._optuna, self.trial = imported("OptunaPruning", "optuna"), trial

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        value = self.read(logs)
        if value is None:
            return
        self.trial.report(float(value), epoch)
        if self.trial.should_prune():
            raise self._optuna.TrialPruned(
                f"epoch {epoch + 1}: {self.monitor} is {float(value):g}, pruned by Optuna"
            )
