"""Callback: what a user hooks into training."""

from __future__ import annotations

from typing import Any

from unidl.utils.constructors import Constructed


class Callback(Constructed):
    """Override the methods you need. `self.model` and `self.params` are set before the first call.

    `logs` is {name: number}. Batch methods get the epoch's values so far; a callback that defines
    `on_train_batch_end`, `on_test_batch_end` or the begin methods costs a read from the device for
    each batch; others cost nothing.

    Examples:
        >>> class Shout(unidl.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: {sorted(logs)}")
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((8, 2)), np.ones((8, 1))
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[Shout()])
        epoch 0: ['loss']
        epoch 1: ['loss']
    """

    # Whether it writes files or logs: in a run of several processes the first one alone calls it.
    of_one_process = False

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.model: Any = None

    def set_params(self, params: Any) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def _works_in_all(self, model: Any) -> bool:
        """Whether all processes call it even if it is `of_one_process`: for weights that are split,
        which they put together."""
        return False

    def _reads_after(self, batch: int) -> bool:
        """Whether the hook for the end of this batch wants its numbers, which costs a read from the
        device; it gets {} where no callback does."""
        return True

    def _see_batch(self, seen: Any) -> None:
        """After the hooks for the beginning of a training batch: its data, a `SeenBatch`."""

    def _leave(self) -> None:
        """After fit, evaluate or predict, however it ended: no hook says that it was an error."""

    def on_train_begin(self, logs: Any = None) -> None:
        """At the beginning of fit."""

    def on_train_end(self, logs: Any = None) -> None:
        """At the end of fit."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch, numbered from 0."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch and its validation, whose names start with "val_"."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a training batch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a training batch."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """`on_train_batch_begin` under its older name."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """`on_train_batch_end` under its older name."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before evaluate or validation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After evaluate or validation."""

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of evaluate or validation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of evaluate or validation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before predict."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After predict."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of predict."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of predict."""
