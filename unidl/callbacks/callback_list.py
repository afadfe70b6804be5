"""CallbackList: tells all callbacks, and asks the device for numbers only when one of them wants to
see them."""

from __future__ import annotations

import time

from unidl.callbacks.callback import Callback
from unidl.callbacks.history import History
from unidl.callbacks.progress import make_progress

# The progress bar shows new numbers at most ten times a second.
REFRESH_S = 0.1


class CallbackList:
    """
    Args:
        callbacks: list of Callbacks, or None.
        model: given to each.
        params: {"epochs", "steps", "verbose"}.
        verbose: as in fit.
        history: keep a History and set it as `model.history`.
    """

    def __init__(self, callbacks, model, params, verbose="auto", history=True):
        given = (
            list(callbacks)
            if isinstance(callbacks, list | tuple)
            else []
            if callbacks is None
            else [callbacks]
        )
        for callback in given:
            if not isinstance(callback, Callback):
                made = isinstance(callback, type) and issubclass(callback, Callback)
                found = f"the class {callback.__name__}" if made else type(callback).__name__
                hint = f" Make an object of it: {callback.__name__}(...)." if made else ""
                raise TypeError(
                    f"callbacks takes unidl.callbacks.Callback objects, got {found}.{hint}"
                )
        if history:
            given = [c for c in given if not isinstance(c, History)] + [
                next((c for c in given if isinstance(c, History)), History())
            ]
            model.history = given[-1]
        self.callbacks = given
        self._progress = make_progress(verbose, params)
        for callback in given:
            callback.set_model(model)
            callback.set_params(params)
        self._begin, self._end = {}, {}
        for kind in ("train", "test", "predict"):
            self._begin[kind] = self._overriding(f"on_{kind}_batch_begin")
            self._end[kind] = self._overriding(f"on_{kind}_batch_end")
        self._next_refresh = 0.0
        self._training = False

    def _overriding(self, method):
        # What a default method calls counts too.
        names = (method, method.replace("_train", "")) if "_train" in method else (method,)
        return [
            getattr(c, method)
            for c in self.callbacks
            if any(getattr(type(c), name) is not getattr(Callback, name) for name in names)
        ]

    def _tell(self, method, *args):
        for callback in self.callbacks:
            getattr(callback, method)(*args)

    def on_train_begin(self):
        self._training = True
        self._tell("on_train_begin", {})

    def on_train_end(self, logs):
        self._progress.close()
        self._tell("on_train_end", logs or {})

    def on_epoch_begin(self, epoch):
        self._progress.begin_epoch(epoch)
        self._tell("on_epoch_begin", epoch, {})

    def on_epoch_end(self, epoch, logs):
        self._progress.end_epoch(logs)
        self._tell("on_epoch_end", epoch, logs)

    def on_pass_begin(self, kind, count):
        """A pass over batches begins: an epoch, a validation, evaluate or predict."""
        if not (self._training and kind == "test"):
            self._progress.begin_pass(count)
        if kind != "train":
            self._tell(f"on_{kind}_begin", {})

    def on_pass_end(self, kind, logs):
        if kind != "train":
            self._tell(f"on_{kind}_end", logs)
        if not self._training:
            self._progress.end_epoch(logs)
            self._progress.close()

    def watches_batches(self, kind):
        """Whether a callback has a hook for the batches of "train", "test" or "predict" passes."""
        return bool(self._begin[kind] or self._end[kind])

    def on_batch_begin(self, kind, batch):
        for method in self._begin[kind]:
            method(batch, {})

    def on_batch_end(self, kind, batch, read_logs):
        """`read_logs()` reads the numbers from the device."""
        logs = None
        if self._end[kind]:
            logs = read_logs()
            for method in self._end[kind]:
                method(batch, logs)
        if self._progress.shows_batches and not (self._training and kind == "test"):
            now = time.monotonic()
            if now >= self._next_refresh:
                self._progress.batch(batch + 1, read_logs() if logs is None else logs)
                self._next_refresh = time.monotonic() + REFRESH_S
