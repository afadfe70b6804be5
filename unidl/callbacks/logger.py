"""Logger: what a service for experiments has to offer, and the callback over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from unidl.callbacks.callback import Callback


class Logger(Protocol):
    """Any object with these three methods.

    Examples:
        >>> class Printing:
        ...     def log_params(self, params):
        ...         print(params["optimizer"])
        ...
        ...     def log_metrics(self, metrics, step):
        ...         print(step, sorted(metrics))
        ...
        ...     def close(self):
        ...         print("over")
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> told = unidl.callbacks.ExperimentLogger(Printing())
        >>> history = model.fit(x, y, verbose=0, callbacks=[told])
        SGD
        0 ['loss']
        over
    """

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Once, before the first epoch: what the run was made with."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """The numbers of an epoch; `step` is the epoch's number, from 0."""

    def close(self) -> None:
        """The run is over."""


class ExperimentLogger(Callback):
    """Log the parameters, then each epoch's numbers, to a `Logger`.

    The parameters are the loss, the optimizer with its config, the numbers given to `fit` and the
    number of weights, then your own.

    Args:
        logger: an object with `log_params`, `log_metrics` and `close`.
        params: {name: value} to log as well.

    Examples:
        >>> class Kept(dict):
        ...     def log_params(self, params):
        ...         self["params"] = params
        ...
        ...     def log_metrics(self, metrics, step):
        ...         self[step] = metrics
        ...
        ...     def close(self):
        ...         pass
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> kept = Kept()
        >>> told = unidl.callbacks.ExperimentLogger(kept, {"author": "Ada"})
        >>> history = model.fit(x, y, verbose=0, callbacks=[told])
        >>> kept["params"]["weights"], kept["params"]["author"], kept[0]["loss"]
        (3, 'Ada', 4.0)
    """

    of_one_process = True

    def __init__(self, logger: Logger, params: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        missing = [
            name
            for name in ("log_params", "log_metrics", "close")
            if not callable(getattr(logger, name, None))
        ]
        if missing:
            raise TypeError(
                f"{type(self).__name__}: a logger needs the methods log_params(params), "
                f"log_metrics(metrics, step) and close(); {type(logger).__name__} lacks "
                f"{', '.join(missing)}."
            )
        self.logger, self.own_params = logger, dict(params or {})

    def on_train_begin(self, logs: Any = None) -> None:
        self.logger.log_params(self._params())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.logger.log_metrics({name: float(v) for name, v in (logs or {}).items()}, epoch)

    def on_train_end(self, logs: Any = None) -> None:
        self.logger.close()

    def _params(self) -> dict[str, Any]:
        optimizer = self.model.optimizer
        found = {"model": self.model.name, "weights": self.model.count_params()}
        if self.model.loss is not None:
            found["loss"] = str(getattr(self.model.loss, "name", self.model.loss))
        if optimizer is not None:
            found["optimizer"] = type(optimizer).__name__
            found |= {
                f"optimizer.{name}": value
                for name, value in optimizer.get_config().items()
                if isinstance(value, bool | int | float | str) and name != "name"
            }
        found |= {k: v for k, v in self.params.items() if k != "verbose" and v is not None}
        return found | self.own_params


def imported(caller: str, name: str) -> Any:
    """The module `name`, or an error that says how to install it."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{caller}: the package {name} is not installed. Install it with: pip install {name}"
        ) from error
