"""SwapEMAWeights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from unidl.callbacks.callback import Callback
from unidl.training import own_steps
from unidl.utils.rules import FLAG


class SwapEMAWeights(Callback):
    """Validate, evaluate and predict with the moving averages of an optimizer with `use_ema=True`.

    The weights and their averages are swapped on the device before each of these passes, and
    swapped back afterwards.

    Args:
        swap_on_epoch: also at the end of each epoch until the next begins, so that callbacks after
            this one, such as `ModelCheckpoint`, see the averages.

    Raises:
        ValueError: no optimizer of the model keeps averages.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(unidl.optimizers.SGD(0.1, use_ema=True), "mse")
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> swap = unidl.callbacks.SwapEMAWeights()
        >>> history = model.fit(
        ...     x, y, 2, validation_data=(x, y), verbose=0, callbacks=[swap]
        ... ).history
        >>> history["val_loss"][0] == model.evaluate(x, y, verbose=0)  # fit ends with them too
        True
    """

    _rules: ClassVar = {"swap_on_epoch": FLAG}

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False
        self._kept: list[Any] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._swapped, self._kept = False, None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._kept = None
        self._put(averages=False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.swap_on_epoch:
            self._put(averages=True)
            # Nobody knows yet whether this epoch is the last one, after which `fit` takes for the
            # averages what is in their place now.
            self._kept = [v.backend.copy(v.value) for v, _ in self._pairs()]

    def on_train_end(self, logs: Any = None) -> None:
        if self._kept is not None:
            for (variable, average), value in zip(self._pairs(), self._kept, strict=True):
                variable.replace(value)
                average.replace(variable.backend.copy(value))
            self._swapped, self._kept = False, None

    def on_test_begin(self, logs: Any = None) -> None:
        self._put(averages=True)

    def on_test_end(self, logs: Any = None) -> None:
        self._put(averages=False)

    def on_predict_begin(self, logs: Any = None) -> None:
        self._put(averages=True)

    def on_predict_end(self, logs: Any = None) -> None:
        self._put(averages=False)

    def _put(self, averages: bool) -> None:
        """Have the averages, or the weights of training, in the model."""
        if averages == self._swapped:
            return
        for variable, average in self._pairs():
            backend = variable.backend
            before = backend.copy(variable.value)
            variable.replace(backend.copy(average.value))
            average.replace(before)
        self._swapped = averages

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        """(variable, its average) of all optimizers that keep averages."""
        found = [each for o in own_steps.optimizers_of(self.model) for each in o.watched]
        keeping = [o for o in found if o.use_ema and o.built]
        if not keeping:
            raise ValueError(
                f"SwapEMAWeights: no optimizer of the model {self.model.name!r} keeps averages. "
                "Compile it with one that does, such as optimizers.Adam(use_ema=True), and train."
            )
        for optimizer in keeping:
            yield from zip(optimizer._targets, optimizer._slots["average"], strict=True)
