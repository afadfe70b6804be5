"""EarlyStopping."""

from __future__ import annotations

from typing import Any, ClassVar

from unidl.callbacks.monitor import Monitor
from unidl.utils.rules import FLAG, FROM_ZERO, NUMBER, optional


class EarlyStopping(Monitor):
    """Stop when a value has not improved for `patience` epochs.

    Args:
        monitor: name in the logs, e.g. "val_loss".
        mode: "min", "max", or "auto": accuracy-like names should increase, others decrease.
        min_delta: smaller changes do not count as improvements.
        patience: number of epochs without improvement that are allowed.
        verbose: 1 prints when it stops.
        baseline: a value to beat from the start.
        restore_best_weights: at the end, restore the weights of the best epoch.
        start_from_epoch: first epoch in which the value is monitored.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile(unidl.optimizers.SGD(0.0), "mse")  # learns nothing
        >>> stop = unidl.callbacks.EarlyStopping(monitor="loss", patience=2)
        >>> x, y = np.ones((8, 2)), np.ones((8, 1))
        >>> len(model.fit(x, y, epochs=100, verbose=0, callbacks=[stop]).epoch)
        3
    """

    _rules: ClassVar = {
        "verbose": FLAG,
        "patience": FROM_ZERO,
        "baseline": optional(NUMBER),
        "restore_best_weights": FLAG,
        "start_from_epoch": FROM_ZERO,
    }

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch

    def on_train_begin(self, logs: Any = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = None, None

    def get_monitor_value(self, logs: Any) -> Any:
        """The watched value in `logs`; None, with a warning, if it is not there."""
        return self.read(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.improved(value):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._sign * (self.baseline - value) > self.min_delta:
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch, {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
