"""Profiler."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any, ClassVar

from unidl.callbacks.callback import Callback
from unidl.training import own_steps
from unidl.training.kept_state import KeptState
from unidl.training.own_phases import OwnPhases, Watcher
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
            forward pass. A `train_step` of your own has "rest" too: what it does outside of layers,
            `unidl.value_and_grad`, `unidl.grad` and `optimizer.apply`, such as gradients by
            functions of a framework.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> profiler = unidl.callbacks.Profiler(verbose=0)
        >>> history = model.fit(x, y, verbose=0, callbacks=[profiler])
        >>> list(profiler.report["eager"]), len(profiler.report["layers"])
        (['forward', 'backward', 'update'], 1)
    """

    of_one_process = True

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
        batch = self._last.parts()[-1]
        try:
            self._run(batch)
            self._measure(batch)
        finally:
            before.restore()
            self._last = None
        if self.verbose:
            print(self.table())

    def _measure(self, batch: Any) -> None:
        runs = [self._run(batch) for _ in range(self.repeats)]
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

    def _run(self, batch: Any) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
        """(seconds of each phase, rows of the layers) of one step as plain Python."""
        clock = _Clock(self.model.backend.synchronize)
        if own_steps.trains_by_itself(self.model):
            return clock.of_own_step(OwnPhases(self.model, batch)), clock.layers
        return clock.of_step(self.model, Phases(self.model, batch)), clock.layers

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


class _Clock(Watcher):
    """Measures a step as plain Python; `layers` are the rows of the report."""

    deep = False

    def __init__(self, wait: Callable[[], None]) -> None:
        self._wait = wait
        self.layers: dict[str, dict[str, Any]] = {}
        self._inside = [0.0]  # seconds of the layers inside each of those that are running
        self._forward = self._gradients = self._update = 0.0
        self._counts_layers = True

    def of_step(self, model: Any, phases: Phases) -> dict[str, float]:
        """The seconds of each phase of the step of `compile`."""
        with watched_calls(model, self.layer):
            phases.forward()
        _, forward = _timed(phases.forward, self._wait)
        (_, gradients), both = _timed(phases.gradients, self._wait)
        _, update = _timed(lambda: phases.update(gradients), self._wait)
        return {"forward": forward, "backward": max(0.0, both - forward), "update": update}

    def of_own_step(self, phases: OwnPhases) -> dict[str, float]:
        """The seconds of each phase of a step of the user's own."""
        _, whole = _timed(lambda: phases.run(self), self._wait)
        outside = self._inside[0]  # layers that were called where nothing is differentiated
        rest = whole - phases.seconds_alone - self._gradients - self._update - outside
        return {
            "forward": self._forward + outside,
            "backward": max(0.0, self._gradients - self._forward),
            "update": self._update,
            "rest": max(0.0, rest),
        }

    def layer(self, layer: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._counts_layers:
            return call(*args, **kwargs)
        self._inside.append(0.0)
        outputs, seconds = _timed(lambda: call(*args, **kwargs), self._wait)
        own = seconds - self._inside.pop()
        self._inside[-1] += seconds
        row = self.layers.setdefault(
            layer.path, {"type": type(layer).__name__, "calls": 0, "seconds": 0.0}
        )
        row["calls"] += 1
        row["seconds"] += own
        return outputs

    def forward(self, function: Callable[[], Any]) -> None:
        self._inside.append(0.0)  # its layers are part of it
        function()
        self._inside.pop()
        # Again, without a wait after each layer.
        self._counts_layers = False
        _, seconds = _timed(function, self._wait)
        self._counts_layers = True
        self._forward += seconds

    def gradients(self, compute: Callable[[], Any], variables: list[Any]) -> Any:
        result, seconds = _timed(compute, self._wait)
        self._gradients += seconds
        return result

    def update(self, optimizer: Any, apply: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result, seconds = _timed(lambda: apply(*args, **kwargs), self._wait)
        self._update += seconds
        return result


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
