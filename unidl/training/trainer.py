"""compile, fit, evaluate, predict: the training side of a model."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np

from unidl import callbacks as callbacks_module
from unidl.backend import registry
from unidl.distribution.agreement import require_agreement
from unidl.distribution.placing import place_model
from unidl.layers.base import call_context
from unidl.training import arguments, check, own_steps, sharing
from unidl.training.compilable import Compilable
from unidl.training.data import (
    DEFAULT_BATCH,
    make_batches,
    one_batch,
    rows_of,
    split_validation,
)
from unidl.training.distributed import accumulating, data_parallel
from unidl.training.gate import Gate
from unidl.training.host_batch import unpack
from unidl.training.interrupts import interruptible
from unidl.training.loop import run_epoch
from unidl.training.one_thread import OneThread, making
from unidl.training.overridable import Overridable
from unidl.typing import TensorLike
from unidl.utils import turns
from unidl.utils.arguments import public_method
from unidl.utils.traceback_filtering import filtered, user_stacklevel
from unidl.utils.watched import version_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from unidl.backend import Backend
    from unidl.callbacks.history import History
    from unidl.metrics import Metric

# By model, and not in the model, whose copies train for themselves.
_training: WeakKeyDictionary[Trainer, OneThread] = WeakKeyDictionary()

F = TypeVar("F", bound=Callable[..., Any])


def _in_one_thread(method: F) -> F:
    """A method that trains, refused while another thread trains the same model."""

    @functools.wraps(method)
    def alone(self: Any, *args: Any, **kwargs: Any) -> Any:
        turns.wait()
        with making:
            lock = _training.get(self) or _training.setdefault(self, OneThread())
        if not lock.acquire():
            raise RuntimeError(
                f"{self._who()}: {method.__name__}() called while another thread trains this "
                "model. Both would change the same weights. Wait until the other has finished, or "
                "train a copy: unidl.models.clone_model(model)."
            )
        try:
            return method(self, *args, **kwargs)
        finally:
            lock.release()

    return cast(F, alone)


class Trainer(Compilable, Overridable):
    """Mixed into `Model`."""

    optimizer: Any = None
    objective: Any = None
    run_eagerly = False
    history: History
    stop_training = False
    _steps: dict | None = None
    _unwatched = frozenset(
        {"history", "stop_training", "train_function", "test_function", "predict_function"}
    )

    if TYPE_CHECKING:

        def _build_from(self, x: Any) -> None: ...
        def _is_unbuilt_subclass(self) -> bool: ...

    @filtered
    @_in_one_thread
    @public_method
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Train, and return a `History`.

        Args:
            x: array, list or dict of arrays (n, ...), a generator or iterable of (x, y) or (x, y,
                sample_weight) batches, or an object with `__len__` and `__getitem__` of batches.
            y: targets, for arrays; in the structure of the outputs.
            batch_size: 32 by default, for arrays.
            epochs: the number of the last epoch.
            verbose: "auto" or 1 for a progress bar, 2 for one line per epoch, 0 for no output.
            callbacks: list of `Callback`s.
            validation_split: fraction of the arrays, taken from their end before shuffling, to
                validate on.
            validation_data: (x, y), (x, y, sample_weight) or an iterable, to validate on instead.
            shuffle: draw a new order for each epoch (portable: the same on every backend).
            class_weight: {class: weight}.
            sample_weight: array (n,) of weights in the loss.
            initial_epoch: number of the first epoch, to resume.
            steps_per_epoch, validation_steps: number of batches in an epoch or a validation;
                required for endless iterables.
            validation_batch_size: `batch_size` by default.
            validation_freq: validate after every so many epochs, or a list of epochs (from 1).
        """
        self._require_compiled("fit")
        epochs = arguments.whole("fit", "epochs", epochs, least=0)
        initial_epoch = arguments.whole("fit", "initial_epoch", initial_epoch, least=0)
        validation_split = arguments.share(validation_split)
        validation_freq = arguments.frequency(validation_freq)
        arguments.whole_or_none("fit", "validation_steps", validation_steps)
        validation_batch_size = arguments.whole_or_none(
            "fit", "validation_batch_size", validation_batch_size
        )
        verbose = arguments.verbosity("fit", verbose)
        shuffle = arguments.yes_or_no("fit", "shuffle", shuffle)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation(
                x, y, sample_weight, validation_split
            )
        with registry.use_backend(self.backend), interruptible(), ExitStack() as until_the_end:
            batches = make_batches(
                x, y, sample_weight, batch_size, shuffle, class_weight, steps_per_epoch, "fit"
            )
            until_the_end.callback(batches.close)
            self._prepare(batches, "train")
            if data_parallel() is not None:
                require_agreement(self, batches, "fit")
            monitor = callbacks_module.CallbackList(
                callbacks,
                model=self,
                params={"epochs": epochs, "steps": batches.count, "verbose": verbose},
                verbose=verbose,
            )
            until_the_end.enter_context(monitor)
            validation = None
            if validation_data is not None:
                vx, vy, vw = _validation(validation_data)
                validation = make_batches(
                    vx,
                    vy,
                    vw,
                    validation_batch_size or batch_size,
                    False,
                    None,
                    validation_steps,
                    "fit(validation_data=)",
                )
                until_the_end.callback(validation.close)
                validation.parts = self._flatten_layers
                if not own_steps.is_own(self, "test"):
                    check.batches(self, validation)
            history = self.history
            self.stop_training = False
            monitor.on_train_begin()
            done = 0
            resumed = monitor.resume()
            if resumed is not None:
                initial_epoch, done = resumed["epoch"], resumed["batch"]
                batches.go_to(resumed["place"], done)
            for epoch in range(initial_epoch, epochs):
                monitor.on_epoch_begin(epoch)
                step = self._step("train")
                with accumulating(own_steps.optimizers_of(self)):
                    logs = run_epoch(self, step, batches, monitor, "train", epoch, done)
                done = 0
                if validation is not None and self._validates_after(epoch, validation_freq):
                    found = run_epoch(self, self._step("test"), validation, monitor, "test")
                    logs |= {f"val_{name}": value for name, value in found.items()}
                monitor.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
                monitor.back_up(epoch + 1, 0, batches)
            if epochs > initial_epoch and self.optimizer.built:
                self.optimizer.finalize_variable_values(self.trainable_variables)
            monitor.on_train_end(logs if epochs > initial_epoch else None)
        self.history = history  # a callback may have called fit too
        return history

    @staticmethod
    def _validates_after(epoch: Any, frequency: Any) -> Any:
        return (
            (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency
        )

    @public_method
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Sequence[Any] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics in inference mode: a number, a list in the order of `metrics_names`, or
        a dict."""
        self._require_compiled("evaluate")
        with registry.use_backend(self.backend):
            verbose = arguments.verbosity("evaluate", verbose)
            batches = make_batches(x, y, sample_weight, batch_size, False, None, steps, "evaluate")
            self._prepare(batches, "test")
            if data_parallel() is not None:
                require_agreement(self, batches, "evaluate")
            monitor = callbacks_module.CallbackList(
                callbacks,
                model=self,
                params={"steps": batches.count, "verbose": verbose},
                verbose=verbose,
                history=False,
            )
            with closing(batches), monitor:
                logs = run_epoch(self, self._step("test"), batches, monitor, "test")
        return logs if return_dict else self._in_order(logs)

    @public_method
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Sequence[Any] | None = None,
    ) -> Any:
        """Outputs in inference mode as NumPy arrays, in the structure of the model's outputs."""
        with registry.use_backend(self.backend):
            step = self._step("predict")
            if callbacks is None and steps is None and verbose == 0:
                run = step.for_one_batch(x, DEFAULT_BATCH if batch_size is None else batch_size)
                if run is not None:
                    check.inputs(self, x)
                    return step.pack(
                        [_owned(self.backend.to_numpy(value)) for value in run(1, [x])]
                    )
            verbose = arguments.verbosity("predict", verbose)
            batches = make_batches(x, None, None, batch_size, False, None, steps, "predict")
            self._prepare(batches, "predict")
            monitor = callbacks_module.CallbackList(
                callbacks,
                model=self,
                params={"steps": batches.count, "verbose": verbose},
                verbose=verbose,
                history=False,
            )
            step = self._step("predict")  # building may have thrown the old one away
            with closing(batches), monitor:
                parts = run_epoch(self, step, batches, monitor, "predict")
            step.remember(x, batches)
        return step.pack([_joined(arrays) for arrays in zip(*parts, strict=True)])

    @filtered
    @_in_one_thread
    @public_method
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch; returns the loss and metrics of this batch."""
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    @public_method
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch in inference mode."""
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Outputs for one batch as NumPy arrays."""
        return self.predict(x, batch_size=rows_of(x, "predict_on_batch"), verbose=0)

    def _on_batch(
        self,
        kind: Any,
        x: TensorLike,
        y: TensorLike,
        sample_weight: TensorLike,
        class_weight: Any,
        return_dict: Any,
    ) -> Any:
        self._require_compiled(f"{kind}_on_batch")
        with registry.use_backend(self.backend), interruptible():
            batches = one_batch(x, y, sample_weight, class_weight, f"{kind}_on_batch")
            self._prepare(batches, kind)
            step = self._step(kind)
            step.reset()
            run = step.on(batches)
            with accumulating(own_steps.optimizers_of(self) if kind == "train" else []):
                for batch in batches:
                    result = run(1, batch)
                if kind == "train":
                    self.optimizer.settle()
                logs = step.results(result)
        return logs if return_dict else self._in_order(logs)

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The numbers in the order of `metrics_names`, then others by name; one alone as it is."""
        names = [name for name in self.metrics_names if name in logs]
        values = [logs[name] for name in names + sorted(logs.keys() - names)]
        return values[0] if len(values) == 1 else values

    @property
    def _computes_own_loss(self) -> bool:
        return getattr(self.compute_loss, "__func__", None) is not Overridable.compute_loss

    @property
    def losses(self) -> Any:
        """The losses added by layers in this step or the last call, then those of regularizers."""
        context = call_context.current()
        if context is None or context.model is not self:
            return super().losses
        return context.losses + self.weight_losses()

    def _step(self, kind: Any) -> Any:
        """The compiled function for "train", "test" or "predict" batches, made once."""
        turns.wait()
        if self._steps is None:
            self._steps = {}
        if kind not in self._steps:
            self._steps[kind] = own_steps.make_step(self, kind)
        return self._steps[kind]

    def _forget_compiled(self) -> None:
        """Throw compiled functions away, after a change of the model."""
        self._steps = None

    def _prepare(self, batches: Any, kind: str) -> None:
        """Everything that happens once: build, resolve losses and metrics, check the data against
        the model."""
        batches.parts = self._flatten_layers
        if not own_steps.is_own(self, kind):
            self._check_data(batches, targets=kind != "predict")
            if kind == "train":
                self._check_that_it_trains(batches)
        else:
            self._look_at_data(batches)
        if kind != "predict":
            frozen = tuple(map(id, self.trainable_variables))
            if getattr(self, "_compiled_for", frozen) != frozen:
                self._forget_compiled()
            self._compiled_for = frozen
        place_model(self, own_steps.optimizers_of(self))

    def _check_data(self, batches: Any, targets: bool) -> None:
        if not self.built or self._is_unbuilt_subclass():
            self._build_from(batches.sample()[0])
        check.batches(self, batches, targets=targets)
        if targets:
            if not self.objective.resolved:
                x, y, _ = batches.sample()
                self.objective.resolve(self, x, y)
            if self.optimizer is not None and not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)

    def _look_at_data(self, batches: Any) -> None:
        """For a step of the user's own, which may do with the data whatever it likes."""
        x, y, _ = batches.sample()
        if own_steps.has_call(self) and any(not part.built for part in self._flatten_layers()[1:]):
            self._build_from(x)
        if self.objective is not None and not self.objective.resolved:
            self.objective.try_to_resolve(self, x, y)

    def _check_that_it_trains(self, batches: Any) -> None:
        """Look, once after `compile`, whether the losses have a gradient; a warning if there is
        nothing to train."""
        if self.optimizer is None:
            raise ValueError(
                f"{self._who()}: there is no optimizer. Give one: "
                'model.compile(optimizer="adam", loss=...).'
            )
        self.objective.look_for_gradients(self, batches)
        if not self.trainable_variables:
            warnings.warn(
                f"{self._who()}: the model does not have any trainable weights, so fit changes "
                "nothing. Set layer.trainable = True for the layers that should learn.",
                UserWarning,
                stacklevel=user_stacklevel(),
            )

    @property
    def loss(self) -> Any:
        """What `compile` was given as the loss."""
        return None if self.objective is None else self.objective.given_loss

    @property
    def metrics_names(self) -> list[str]:
        """Names in the order of `evaluate`'s values."""
        return [] if self.objective is None else self.objective.names

    @property
    def metrics(self) -> list[Metric]:
        """The Metric objects of `compile`, with the loss tracker first, then those that the model
        and its layers hold as attributes."""
        compiled = [] if self.objective is None else self.objective.metrics
        return [*compiled, *own_steps.metrics_of(self)]

    def reset_metrics(self) -> None:
        """Set all metrics to their initial state."""
        for metric in self.metrics:
            metric.reset_state()

    def to(self, backend: str | Backend) -> Self:
        """Move the live model with optimizer, metrics and step count to another backend; training
        continues as if nothing had happened. Nested models move too; sharing only some layers with
        another model is an error."""
        target = self._destination(backend)
        followers = sharing.followers(self, target)
        super().to(target)
        for model in (self, *followers):
            model.backend = target
            for optimizer in own_steps.optimizers_of(model):
                optimizer.to(target)
            for metric in own_steps.metrics_of(model):
                metric.to(target)
            if model.objective is not None:
                model.objective.to(target)
            model._forget_compiled()
        return self

    def _changes(self) -> Any:
        """How often anything was changed that a compiled step has read."""
        optimizer_parts = [p for o in own_steps.optimizers_of(self) for p in o.watched]
        parts = [*self._flatten_layers(), *optimizer_parts, self.objective]
        if self.objective is not None:
            parts += self.objective.parts
        return version_of(*(part for part in parts if part is not None))

    @property
    def _gate(self) -> Any:
        """Who may read and who may change the state: a `Gate`, made when it is first needed."""
        gate = vars(self).get("_own_gate")
        return vars(self).setdefault("_own_gate", Gate()) if gate is None else gate

    def _trains_elsewhere(self) -> bool:
        """Whether another thread is training this model."""
        lock = _training.get(self)
        return lock is not None and lock.is_taken()

    def __getstate__(self) -> Any:
        # What is compiled belongs to this object: a copy compiles for itself.
        return {
            k: v
            for k, v in list(vars(self).items())  # at once: another thread may add one
            if k not in ("_steps", "_compiled_for", "_held_metrics")
        }

    def _state(self) -> Any:
        """All variables that a step reads or assigns."""
        found = list(self._device_variables)
        for optimizer in own_steps.optimizers_of(self):
            found += optimizer.slot_variables
        if self.objective is not None:
            found += self.objective.variables
        for metric in own_steps.metrics_of(self):
            found += metric.variables
        return list({id(v): v.held for v in found}.values())


def _validation(data: Any) -> Any:
    """(x, y, sample_weight) of `validation_data`, or an iterable alone."""
    try:
        return unpack(data)
    except ValueError as error:
        raise ValueError(f"fit(validation_data=): {error}") from None


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """The outputs of all batches as one array."""
    for number, array in enumerate(arrays, 1):
        if array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"predict: the outputs have the shape {arrays[0].shape} for batch 1 and "
                f"{array.shape} for batch {number}, which do not fit into one array. Pad the "
                "inputs to the same size, or call predict_on_batch for each batch."
            )
    return np.concatenate(arrays)


def _owned(array: TensorLike) -> Any:
    """`array` in C order, in writable memory of its own."""
    flags = array.flags
    return array if flags.carray and flags.owndata else np.array(array, order="C")
