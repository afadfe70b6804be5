"""Profiler."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any, ClassVar

from unidl.callbacks.callback import Callback
from unidl.training.kept_state import KeptState
from unidl.training.phases import Phases, watched_calls
from unidl.utils.rules import COUNT, FLAG


class Profiler(Callback):
    """Show where training time goes, by phase and by layer, on any backend.

    While `fit` runs, it measures for each batch how long the data and the (compiled) step took. A
    compiled step does not show its layers. So when `fit` ends, the last batch is run as plain
    Python, `repeats` times after a warm-up, and each layer, the forward pass, the gradients and the
    update are measured there, waiting for the device after each. Look at the percentages of that
    run; its total is more than that of the compiled step. Weights, optimizer and random numbers are
    restored.

    Args:
        repeats: how often the batch is run as plain Python; the best time is used.
        verbose: 1 prints the table when `fit` ends.

    Attributes:
        report: {"step": {"data", "compiled"}, "eager": {"forward", "backward", "update"},
            "layers": {path: {"type", "calls", "seconds"}}}, in seconds for a batch; a layer's
            without those of the layers inside it. "backward" is the gradients' time without a
            forward pass. A model with a custom `train_step` has only "forward".

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> profiler = unidl.callbacks.Profiler(verbose=0)
        >>> history = model.fit(x, y, verbose=0, callbacks=[profiler])
        >>> list(profiler.report["eager"]), len(profiler.report["layers"])
        (['forward', 'backward', 'update'], 1)
    """

    _rules: ClassVar = {"repeats": COUNT, "verbose": FLAG}

    def __init__(self, repeats: int = 3, verbose: int = 1) -> None:
        super().__init__()
        self.repeats, self.verbose = repeats, verbose
        self.report: dict[str, Any] = {}
        self._last: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        self.report, self._last = {}, None
        self._data: list[float] = []
        self._steps: list[float] = []
        self._ended: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._ended = None  # what was between two epochs is not the data's

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        now = time.perf_counter()
        if self._ended is not None:
            self._data.append(now - self._ended)

    def _see_batch(self, seen: Any) -> None:
        self._last = seen
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.model.backend.synchronize()
        self._ended = time.perf_counter()
        self._steps.append((self._ended - self._began) / self._last.steps)

    def on_train_end(self, logs: Any = None) -> None:
        if self._last is None:
            return
        before = KeptState(self.model)
        phases = Phases(self.model, self._last.parts()[-1])
        try:
            self._run(phases)
            self._measure(phases)
        finally:
            before.restore()
            self._last = None
        if self.verbose:
            print(self.table())

    def _measure(self, phases: Phases) -> None:
        runs = [self._run(phases) for _ in range(self.repeats)]
        eager = {name: min(times[name] for times, _ in runs) for name in runs[0][0]}
        layers: dict[str, dict[str, Any]] = {}
        for _, found in runs:
            for path, row in found.items():
                best = layers.setdefault(path, row)
                best["seconds"] = min(best["seconds"], row["seconds"])
        self.report = {
            # The first steps make what later ones use.
            "step": {"data": _middle(self._data), "compiled": _middle(self._steps)},
            "eager": eager,
            "layers": layers,
        }

    def _run(self, phases: Phases) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
        """(seconds of each phase, rows of the layers) of one step as plain Python."""
        wait = self.model.backend.synchronize
        layers: dict[str, dict[str, Any]] = {}
        inside = [0.0]  # seconds of the layers inside each of those that are running

        def watched(layer: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            inside.append(0.0)
            outputs, seconds = _timed(lambda: call(*args, **kwargs), wait)
            own = seconds - inside.pop()
            inside[-1] += seconds
            row = layers.setdefault(
                layer.path, {"type": type(layer).__name__, "calls": 0, "seconds": 0.0}
            )
            row["calls"] += 1
            row["seconds"] += own
            return outputs

        with watched_calls(self.model, watched):
            phases.forward()
        _, forward = _timed(phases.forward, wait)
        if not phases.whole:
            return {"forward": forward}, layers
        (_, gradients), both = _timed(phases.gradients, wait)
        _, update = _timed(lambda: phases.update(gradients), wait)
        backward = max(0.0, both - forward)
        return {"forward": forward, "backward": backward, "update": update}, layers

    def table(self) -> str:
        """The report as a text."""
        from rich import box
        from rich.console import Console
        from rich.table import Table

        if not self.report:
            raise ValueError(
                "Profiler: nothing has been measured yet. Give it to fit(callbacks=[...])."
            )
        table = Table("", "ms", "share", box=box.SIMPLE, title="One batch")
        for column in table.columns[1:]:
            column.justify = "right"
        for head, group in (("as trained", "step"), ("as plain Python", "eager")):
            total = sum(self.report[group].values())
            for name, seconds in self.report[group].items():
                table.add_row(f"{head}: {name}", f"{seconds * 1e3:.3f}", _share(seconds, total))
        table.add_section()
        layers = self.report["layers"]
        total = sum(row["seconds"] for row in layers.values())
        for path, row in sorted(layers.items(), key=lambda item: -item[1]["seconds"]):
            name = f"forward: {path} ({row['type']}{_times(row['calls'])})"
            table.add_row(name, f"{row['seconds'] * 1e3:.3f}", _share(row["seconds"], total))
        console = Console(file=io.StringIO(), width=100, color_system=None)
        console.print(table)
        return console.file.getvalue()  # type: ignore[attr-defined]


def _timed(run: Callable[[], Any], wait: Callable[[], None]) -> tuple[Any, float]:
    wait()
    start = time.perf_counter()
    result = run()
    wait()
    return result, time.perf_counter() - start


def _middle(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] if times else 0.0


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else ""


def _times(calls: int) -> str:
    return "" if calls == 1 else f", {calls} calls"
