"""Progbar: the progress bar of `fit` for loops of one's own."""

from __future__ import annotations

from typing import Any

from unidl.callbacks.progress import Progress


class Progbar:
    """A bar on a terminal, one line at the end elsewhere (and with `verbose=2`), nothing with
    `verbose=0`.

    Args:
        target: steps in all, None if unknown.
        width: of the bar, in characters.
        verbose: 0, 1 or 2.
        interval: seconds between two pictures at least.
        stateful_metrics: names whose last value is shown; the others' means over the steps are.
        stateless_metrics: the other way round: names whose mean is shown. Only one of the two may
            be given.
        unit_name: what a step is called.

    Examples:
        >>> bar = unidl.utils.Progbar(target=4, verbose=2)
        >>> for step in range(4):
        ...     bar.update(step + 1, values=[("loss", 1.0)])  # one line at the end
        4/4 - 0s - .../step - loss: 1.0000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Any = None,
        stateless_metrics: Any = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Progbar: give stateful_metrics or stateless_metrics, not both: either one "
                "determines the other."
            )
        self.target = target
        self._averaged = None if stateless_metrics is None else set(stateless_metrics)
        self._as_given = set(stateful_metrics or ())
        self._sums: dict[str, float] = {}
        self._steps: dict[str, int] = {}
        self._seen: int | None = None
        self._progress = Progress(verbose, unit_name, stays=False, width=width, interval=interval)

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Show that `current` steps are done; `values`: list of (name, value of the steps since the
        last call); `finalize`: whether these were the last, by default when `target` is reached."""
        if self._seen is None:
            self._progress.begin()
            self._progress.begin_pass(self.target)
        new = current - (self._seen or 0)
        self._seen = current
        for name, value in values or ():
            averaged = (
                name not in self._as_given if self._averaged is None else name in self._averaged
            )
            weight = max(new, 1)
            self._sums[name] = (self._sums.get(name, 0.0) if averaged else 0.0) + float(
                value
            ) * weight
            self._steps[name] = (self._steps.get(name, 0) if averaged else 0) + weight
        logs = {name: total / self._steps[name] for name, total in self._sums.items()}
        self._progress.step(current, lambda: logs)
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if finalize:
            self._progress.end_pass()
            self._progress.end(logs)
            self._progress.close()

    def add(self, n: int, values: Any = None) -> None:
        """`update` by `n` more steps."""
        self.update((self._seen or 0) + n, values)
