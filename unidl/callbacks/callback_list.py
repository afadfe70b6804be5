"""CallbackList: tells all callbacks, and asks the device for numbers only when one of them wants to
see them."""

from __future__ import annotations

from contextlib import ExitStack

from unidl.callbacks.backup_and_restore import BackupAndRestore
from unidl.callbacks.callback import Callback
from unidl.callbacks.history import History
from unidl.callbacks.progress import Progress
from unidl.distribution.active import is_first_process
from unidl.saving.background import BackgroundWriter
from unidl.training.kept_state import KeptState
from unidl.training.seen_batch import SeenBatch


class CallbackList:
    """A context: whatever happens inside, the display is closed at the end.

    Args:
        callbacks: list of Callbacks, or None.
        model: given to each.
        params: {"epochs", "steps", "verbose"}.
        verbose: as in fit.
        history: keep a History and set it as `model.history`.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> spoken = unidl.callbacks.LambdaCallback(on_train_begin=lambda logs: print("begins"))
        >>> with unidl.callbacks.CallbackList([spoken], model, {"epochs": 1}, 0) as callbacks:
        ...     callbacks.on_train_begin()
        begins
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
                hint = f" Create an instance: {callback.__name__}(...)." if made else ""
                raise TypeError(
                    f"callbacks takes unidl.callbacks.Callback objects, got {found}.{hint}"
                )
        if history:
            given = [c for c in given if not isinstance(c, History)] + [
                next((c for c in given if isinstance(c, History)), History())
            ]
            model.history = given[-1]
        self._given = given
        self._elsewhere = [] if is_first_process() else _of_the_first(given, model)
        self.callbacks = [c for c in given if c not in self._elsewhere]
        self._backup = next((c for c in given if isinstance(c, BackupAndRestore)), None)
        self._progress = Progress(verbose if is_first_process() else 0)
        self._epochs = params.get("epochs")
        for callback in given:
            callback.set_model(model)
            callback.set_params(params)
        self._begin, self._end = {}, {}
        for kind in ("train", "test", "predict"):
            self._begin[kind] = self._overriding(f"on_{kind}_batch_begin")
            self._end[kind] = self._overriding(f"on_{kind}_batch_end")
        self._seeing = self._overriding("_see_batch")
        self._training = False
        self._model = model
        self._noted = None  # the progress which the state is that of, where that is wanted

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        with ExitStack() as leaving:
            for callback in self.callbacks:
                leaving.callback(callback._leave)
            self._finish(error)

    def _finish(self, error):
        self._progress.close()
        if self._backup is not None:
            self._backup.termination.unwatch()
            if error is not None and self._noted is not None and KeptState(self._model).finite():
                self._backup.save(self.callbacks, self._noted)
        writers = [getattr(callback, "writer", None) for callback in self.callbacks]
        for writer in [w for w in writers if isinstance(w, BackgroundWriter)]:
            # What `fit` promises to have written is, also where it ends by an error or Ctrl-C.
            if error is None:
                writer.wait()
            else:
                writer.wait_and_warn()

    def _overriding(self, method):
        # What a default method calls counts too.
        names = (method, method.replace("_train", "")) if "_train" in method else (method,)
        # Those of the first process alone count in the others too: all read the numbers then.
        return [
            (c, _nothing if c in self._elsewhere else getattr(c, method))
            for c in self._given
            if any(getattr(type(c), name) is not getattr(Callback, name) for name in names)
        ]

    def _tell(self, method, *args):
        for callback in self.callbacks:
            getattr(callback, method)(*args)

    def on_train_begin(self):
        self._training = True
        self._tell("on_train_begin", {})

    def resume(self):
        """{"epoch", "batch", "place"} from which a run that was killed goes on, whose state is in
        place now; None if there is none. Called after `on_train_begin`, where callbacks begin
        anew."""
        if self._backup is None:
            return None
        return self._backup.restore(self.callbacks)

    def back_up(self, epoch, batch, batches):
        """Keep the state as that before batch number `batch` of an epoch over `batches`."""
        if self._backup is None:
            return
        every, termination = self._backup.batches, self._backup.termination
        is_due = batch == 0 or (every is not None and batch % every == 0)
        if is_due or termination.asked is not None:
            progress = {"epoch": epoch, "batch": batch, "place": batches.place()}
            self._backup.save(self.callbacks, progress)
            self._noted = None  # no second time
            if termination.asked is not None:
                self._backup.writer.wait()  # the signal may end the process
        termination.obey()
        self.note(epoch, batch, batches)

    def note(self, epoch, batch, batches):
        """The state is now that before batch number `batch` of an epoch over `batches`."""
        if self._backup is not None and self._backup.on_interruption:
            self._noted = {"epoch": epoch, "batch": batch, "place": batches.place()}

    def on_train_end(self, logs):
        self._progress.close()
        self._tell("on_train_end", logs or {})

    def on_epoch_begin(self, epoch):
        of = "" if self._epochs is None else f"/{self._epochs}"
        self._progress.begin(f"Epoch {epoch + 1}{of}")
        self._tell("on_epoch_begin", epoch, {})

    def on_epoch_end(self, epoch, logs):
        # First the callbacks, which may add to the logs, and whose prints belong to this epoch.
        self._tell("on_epoch_end", epoch, logs)
        self._progress.end(logs)

    def on_pass_begin(self, kind, count):
        """A pass over batches begins: an epoch, a validation, evaluate or predict."""
        if self._backup is not None and self._training:
            self._backup.termination.waits = kind == "train"
        if kind != "train":
            self._noted = None  # its metrics take the place of those of training
        if not self._training:
            self._progress.begin({"test": "Evaluate", "predict": "Predict"}[kind])
        self._progress.begin_pass(count, validation=self._training and kind == "test")
        if kind != "train":
            self._tell(f"on_{kind}_begin", {})

    def on_pass_end(self, kind, logs):
        self._progress.end_pass(logs if kind == "train" else None)
        if kind != "train":
            self._tell(f"on_{kind}_end", logs)
        if not self._training:
            self._progress.end(logs)
            self._progress.close()

    def watches_batches(self, kind):
        """Whether a callback has a hook for the batches of "train", "test" or "predict" passes."""
        backs_up = kind == "train" and self._backup is not None and self._backup.batches
        return bool(self._begin[kind] or self._end[kind] or backs_up)

    def see_batch(self, batches, steps, batch):
        """What training is run with next, as a `SeenBatch` has it."""
        self._noted = None  # while a step changes the state, it is of no place
        for _, method in self._seeing:
            method(SeenBatch(batches, steps, batch))

    def on_batch_begin(self, kind, batch):
        for _, method in self._begin[kind]:
            method(batch, {})

    def on_batch_end(self, kind, batch, read_logs):
        """`read_logs()` reads the numbers from the device, those of all processes if they are asked
        for the `whole`; of "predict", gives the outputs."""
        logs = None
        if any(callback._reads_after(batch) for callback, _ in self._end[kind]):
            logs = read_logs(whole=True)
        for _, method in self._end[kind]:
            method(batch, {} if logs is None else logs)
        if kind == "predict" or (self._training and kind == "test"):
            self._progress.step(batch + 1, None)
        else:
            self._progress.step(batch + 1, read_logs if logs is None else lambda: logs)


def _of_the_first(callbacks, model):
    """Those that the first process alone calls."""
    return [c for c in callbacks if c.of_one_process and not c._works_in_all(model)]


def _nothing(*_):
    """In the place of a hook that another process runs."""
