"""ProgbarLogger."""

from __future__ import annotations

from typing import Any

from unidl.callbacks.callback import Callback
from unidl.callbacks.progress import Progress


class ProgbarLogger(Callback):
    """The progress bar as a callback, for callback lists that you create yourself.

    `fit`, `evaluate` and `predict` show one themselves; with `verbose=0`, this callback shows what
    `verbose=1` would. It has batch hooks, so it reads numbers after each batch.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> bar = unidl.callbacks.ProgbarLogger()
        >>> history = model.fit(x, y, verbose=0, callbacks=[bar])  # doctest: +SKIP
    """

    of_one_process = True

    def __init__(self) -> None:
        super().__init__()
        self._training = False
        self._progress: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._training = True

    def on_train_end(self, logs: Any = None) -> None:
        self._training = False
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        of = self.params.get("epochs")
        self._begin(f"Epoch {epoch + 1}" + ("" if of is None else f"/{of}"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._progress.end(logs or {})

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._progress.step(batch + 1, lambda: logs)

    def on_test_begin(self, logs: Any = None) -> None:
        if not self._training:
            self._begin("Evaluate")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if not self._training:
            self._progress.step(batch + 1, lambda: logs)

    def on_test_end(self, logs: Any = None) -> None:
        if not self._training:
            self._progress.end(logs or {})
            self._close()

    def on_predict_begin(self, logs: Any = None) -> None:
        self._begin("Predict")

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._progress.step(batch + 1, None)

    def on_predict_end(self, logs: Any = None) -> None:
        self._progress.end({})
        self._close()

    def _begin(self, head: str) -> None:
        if self._progress is None:
            self._progress = Progress(1, stays=False)
        self._progress.begin(head)
        self._progress.begin_pass(self.params.get("steps"))

    def _close(self) -> None:
        if self._progress is not None:
            self._progress.close()
            self._progress = None
