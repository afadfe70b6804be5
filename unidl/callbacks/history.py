"""History: the logs of every epoch."""

from __future__ import annotations

from typing import Any

from unidl.callbacks.callback import Callback


class History(Callback):
    """What `fit` returns: `history` is {name: [value of each epoch]}, `epoch` is the list of epoch
    numbers.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(unidl.optimizers.SGD(0.0), "mse")
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, verbose=0)
        >>> history.history
        {'loss': [1.0, 1.0]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def _essentials(self) -> dict[str, Any]:
        last = {name: values[-1] for name, values in self.history.items() if values}
        return {"epochs": len(self.epoch)} | last

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
