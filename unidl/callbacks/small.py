"""Callbacks of a few lines."""

from __future__ import annotations

import csv
import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from unidl.callbacks.callback import Callback
from unidl.callbacks.monitor import Monitor
from unidl.optimizers.rates import learning_rate
from unidl.utils.rules import CALLABLE, CHARACTER, FLAG, FROM_ZERO, NOT_NEGATIVE, PATH, POSITIVE
from unidl.utils.suggestions import did_you_mean

if TYPE_CHECKING:
    from os import PathLike

    from typing_extensions import Self

Function: TypeAlias = Callable[..., Any] | None


class TerminateOnNaN(Callback):
    """Stop at the first batch after which the loss is NaN or infinite. Reads the loss each batch.

    Args:
        raise_error: raise a RuntimeError, so that no callback is told that training ended.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile(loss=lambda y_true, y_pred: y_pred * np.nan)
        >>> stop = unidl.callbacks.TerminateOnNaN()
        >>> x, y = np.ones((8, 2)), np.ones((8, 1))
        >>> len(model.fit(x, y, epochs=100, verbose=0, callbacks=[stop]).epoch)
        Batch 0: the loss is nan, stopping.
        1
    """

    _rules: ClassVar = {"raise_error": FLAG}

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(
                    f"TerminateOnNaN: the loss is {loss} after batch {batch}. Lower the learning "
                    "rate, or look for NaN in the data."
                )
            print(f"Batch {batch}: the loss is {loss}, stopping.")
            self.model.stop_training = True


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of each epoch.

    Args:
        schedule: function (epoch, current rate) -> rate, or (epoch) -> rate.
        verbose: 1 prints the rate.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile(unidl.optimizers.SGD(0.1), "mse")
        >>> halve = unidl.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> x, y = np.ones((8, 2)), np.ones((8, 1))
        >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[halve])
        >>> round(float(model.optimizer.learning_rate), 4)
        0.0125
    """

    _rules: ClassVar = {"schedule": CALLABLE, "verbose": FLAG}

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose
        parameters = inspect.signature(schedule).parameters.values()
        self._takes_rate = (
            sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) > 1
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        rate = (
            self.schedule(epoch, float(self.model.optimizer.learning_rate))
            if self._takes_rate
            else self.schedule(epoch)
        )
        rate = learning_rate(f"LearningRateScheduler, schedule() of epoch {epoch}", rate)
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {rate}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by `factor` when a value has not improved for `patience` epochs.

    Args:
        monitor: name in the logs, e.g. "val_loss".
        mode: "min", "max", or "auto": accuracy-like names should increase, others decrease.
        min_delta: smaller changes do not count as improvements.
        factor: below 1.
        patience: number of epochs without improvement that are allowed.
        cooldown: number of epochs without monitoring after a reduction.
        min_lr: lower bound of the rate.
        verbose: 1 prints each reduction.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, use_bias=False)])
        >>> model.compile(unidl.optimizers.SGD(0.1), "mse")
        >>> x, y = np.zeros((8, 2)), np.ones((8, 1))  # nothing to learn
        >>> reduce = unidl.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=0)
        >>> history = model.fit(x, y, epochs=5, verbose=0, callbacks=[reduce])
        >>> round(float(model.optimizer.learning_rate), 4)
        0.025
    """

    _rules: ClassVar = {
        "factor": POSITIVE,
        "verbose": FLAG,
        "patience": FROM_ZERO,
        "cooldown": FROM_ZERO,
        "min_lr": NOT_NEGATIVE,
    }

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor}.")
        self.factor, self.patience, self.verbose, self.cooldown, self.min_lr = (
            factor,
            patience,
            verbose,
            cooldown,
            min_lr,
        )

        self._resting = 0

    def in_cooldown(self) -> bool:
        """Whether the rate was lowered within the last `cooldown` epochs."""
        return self._resting > 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.best, self._wait, self._resting = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        optimizer = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = float(optimizer.learning_rate)
        value = self.read(logs)
        if value is None:
            return
        if self._resting:
            self._resting -= 1
            self._wait = 0
        if self.improved(value):
            self.best, self._wait = value, 0
        elif not self._resting:
            self._wait += 1
            rate = float(optimizer.learning_rate)
            if self._wait >= self.patience and rate > self.min_lr:
                optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                if self.verbose:
                    print(
                        f"Epoch {epoch + 1}: learning rate reduced to "
                        f"{float(optimizer.learning_rate)}"
                    )
                self._resting, self._wait = self.cooldown, 0


class CSVLogger(Callback):
    """Write the logs of each epoch to a CSV file: the epoch, then all names in order, including
    those of validation, with "NA" for missing numbers.

    Args:
        filename: path.
        separator: between the columns.
        append: continue an existing file.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(unidl.optimizers.SGD(0.0), "mse")
        >>> logger = unidl.callbacks.CSVLogger("log.csv")
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0, callbacks=[logger])
        >>> print(open("log.csv").read().strip())
        epoch,loss,val_loss
        0,1.0,NA
    """

    of_one_process = True

    _rules: ClassVar = {"filename": PATH, "separator": CHARACTER, "append": FLAG}

    def __init__(
        self, filename: str | PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename, self.separator, self.append = filename, separator, append
        self._file: Any = None
        self._writer: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        # Open for the whole training.
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._writer is None:
            columns = sorted(logs)
            if not any(name.startswith("val_") for name in columns):
                # With `validation_freq` they come in a later epoch, and a header is written once.
                columns += [f"val_{name}" for name in columns]
            self._writer = csv.DictWriter(
                self._file,
                ["epoch", *columns],
                restval="NA",
                extrasaction="ignore",
                delimiter=self.separator,
            )
            if self._file.tell() == 0:
                self._writer.writeheader()
        self._writer.writerow({"epoch": epoch, **logs})
        self._file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        self._file.close()


class LambdaCallback(Callback):
    """A callback made from functions, given by method name.

    Args:
        on_epoch_begin, on_epoch_end: functions of (epoch, logs).
        on_train_begin, on_train_end: functions of (logs).
        on_train_batch_begin, on_train_batch_end: functions of (batch, logs).
        kwargs: all other events of `Callback` can be given too.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> shout = unidl.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0, callbacks=[shout])
        0
    """

    def __new__(
        cls,
        on_epoch_begin: Function = None,
        on_epoch_end: Function = None,
        on_train_begin: Function = None,
        on_train_end: Function = None,
        on_train_batch_begin: Function = None,
        on_train_batch_end: Function = None,
        **kwargs: Function,
    ) -> Self:
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        unknown = [
            name for name in functions if not hasattr(Callback, name) or not name.startswith("on_")
        ]
        if unknown:
            hooks = [name for name in dir(Callback) if name.startswith("on_")]
            raise TypeError(
                "LambdaCallback: there is no hook named "
                f"{unknown[0]!r}.{did_you_mean(unknown[0], hooks)} The hooks are: "
                f"{', '.join(hooks)}."
            )
        given = {name: hook for name, hook in functions.items() if hook is not None}
        wrong = next((n for n, value in given.items() if not CALLABLE.allows(value)), None)
        if wrong is not None:
            raise TypeError(f"LambdaCallback: {wrong} must be a function, got {given[wrong]!r}.")
        # As methods of a class of its own, so that only the hooks which are given count as defined.
        methods = {name: staticmethod(function) for name, function in given.items()}
        return super().__new__(type("LambdaCallback", (cls,), methods))

    def __init__(self, *args: Function, **kwargs: Function) -> None:
        super().__init__()  # `__new__` has made the functions methods

    def __repr__(self) -> str:
        hooks = [name for name in vars(type(self)) if name.startswith("on_")]
        return f"<{' '.join(['LambdaCallback', *hooks])}>"
