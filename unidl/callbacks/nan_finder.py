"""NaNFinder."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from unidl.callbacks.callback import Callback
from unidl.callbacks.nan_look import Look, NotFinite
from unidl.training import own_steps
from unidl.training.kept_state import KeptState
from unidl.utils.rules import COUNT


class NaNFinder(Callback):
    """Stop with an error that names the first step and layer with a NaN or infinite value.

    After every `every` batches and at the end of an epoch it checks the weights, the slots and the
    loss. If a number is not finite, it returns to the state of the last check, repeats the batches
    since then, and runs the first failing one layer by layer. Between checks nothing is read from
    the device; the state at the last check and the batches since then are kept in memory. The model
    is left as it was before the failing step.

    Args:
        every: number of batches between checks.

    Attributes:
        report: None, or {"epoch", "batch", "phase", "where", "found"}; the phase is "data",
            "forward", "loss", "backward" or "update".

    Raises:
        FloatingPointError: by `fit`, with the report as a sentence.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x = np.ones((8, 2), "float32")
        >>> x[5, 1] = np.inf
        >>> finder = unidl.callbacks.NaNFinder()
        >>> try:
        ...     model.fit(x, np.ones((8, 1)), 4, shuffle=False, verbose=0, callbacks=[finder])
        ... except FloatingPointError:
        ...     print(finder.report["batch"], finder.report["phase"])
        1 data
    """

    _rules: ClassVar = {"every": COUNT}

    def __init__(self, every: int = 50) -> None:
        super().__init__()
        self.every = every
        self.report: dict[str, Any] | None = None
        self._good: KeptState | None = None
        self._seen: list[Any] = []
        self._epoch = self._first = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.report, self._good, self._seen = None, None, []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if sum(seen.steps for seen in self._seen) >= self.every:
            self._look()
        if self._good is None:
            self._good, self._first = KeptState(self.model), batch

    def _see_batch(self, seen: Any) -> None:
        self._seen.append(seen)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._look(np.isfinite((logs or {}).get("loss", 0.0)))

    def _look(self, loss_is_finite: Any = True) -> None:
        """Forget what was seen if all is well, else find where it began."""
        now = KeptState(self.model)
        if not (loss_is_finite and now.finite()):
            self._find()
            now.restore()  # what is not finite is no number of training
        self._good, self._seen = None, []

    def _find(self) -> None:
        """Raise if one of the steps seen makes a number that is not finite."""
        step, number = self.model._step("train"), self._first
        if self._good is None:
            return
        self._good.restore()
        step.reset()
        for seen in self._seen:
            before = KeptState(self.model)
            loss = _loss_in(step, seen.run(step))
            if not (KeptState(self.model).finite() and self._is_finite(loss)):
                before.restore()
                for i, batch in enumerate(seen.parts()):
                    self._look_into(batch, number + i)
                before.restore()
                phase, where = "update", "the compiled step"
                raise self._error(number, phase, where, "not reproduced in plain Python")
            number += seen.steps

    def _look_into(self, batch: Any, number: int) -> None:
        """Run one step as plain Python; raise at the first number that is not finite."""
        before = KeptState(self.model)
        look = Look(self.model)
        own = own_steps.trains_by_itself(self.model)
        try:
            look.at_data(batch)
            (look.through_own_step if own else look.through)(batch)
        except NotFinite as error:
            before.restore()
            raise self._error(number, *error.args) from None

    def _is_finite(self, value: Any) -> bool:
        backend = self.model.backend
        number = backend.to_numpy(value) if backend.is_tensor(value) else np.asarray(value)
        return bool(np.isfinite(number.astype("float64")).all())

    def _error(self, number: int, phase: str, where: str, found: str) -> FloatingPointError:
        self.report = {
            "epoch": self._epoch,
            "batch": number,
            "phase": phase,
            "where": where,
            "found": found,
        }
        return FloatingPointError(
            f"NaNFinder: epoch {self._epoch + 1}, batch {number}: the first non-finite numbers "
            f"appear in the phase {phase!r}, at {where}: {found}. {_ADVICE[phase]} The model is "
            "left as it was before this step."
        )


_ADVICE = {
    "data": "Remove them from the data, or fill them.",
    "forward": "Check what this layer divides by, and what it takes the logarithm or root of.",
    "loss": "Its inputs are finite: compute it from logits (from_logits=True), or lower the rate.",
    "backward": "Clip gradients (clipnorm=1.0), or add an epsilon inside roots and logarithms.",
    "update": "Lower the learning rate, or clip gradients (clipnorm=1.0).",
}


def _loss_in(step: Any, result: Any) -> Any:
    """The loss that a run of the user's own step reports; 0 without one, and for the step of
    `compile`, which keeps it in a metric."""
    if not isinstance(step, own_steps.OwnStep):
        return 0.0
    return step.pack(result).get("loss", 0.0)
