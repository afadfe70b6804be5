"""Steps of a run in several processes: each computes its own rows of a batch."""

from __future__ import annotations

from contextlib import contextmanager
from functools import reduce
from typing import Any

import numpy as np

from unidl.backend.context import holding
from unidl.backend.errors import JoinError
from unidl.backend.frame import standing_in
from unidl.distribution import Distribution, distribution
from unidl.distribution.active import gather_json, gather_rows, joined
from unidl.tracing.rows import own_rows
from unidl.training.objective import to_number
from unidl.training.on_mesh import on_mesh


def data_parallel() -> Distribution | None:
    """The distribution that divides batches among processes; None while there is one, or where
    programs span their devices."""
    active = distribution()
    if active is None or active.num_processes == 1 or active.spans_devices:
        return None
    return active


def on_own_rows(run: Any, model: Any, kind: str) -> Any:
    """run(count, leaves) of whole batches, of which `run` is handed this process' rows, or which it
    computes on all devices of a mesh."""
    whole = distribution()
    if whole is not None and whole.spans_devices:
        return on_mesh(run, model, whole, kind)
    active, engine = data_parallel(), joined()
    if active is None or engine is None:
        return run
    if model.backend is not engine:
        raise JoinError(
            f"{model._who()} is on {model.backend.name!r}, but the processes have joined on "
            f"{engine.name!r}, whose tensors alone they can add. Make the model on that backend, "
            f"or call initialize() with {model.backend.name!r} active."
        )

    def run_rows(count: int, leaves: list[Any]) -> Any:
        axis = 0 if count == 1 else 1
        rows = active.rows(leaves[0].shape[axis])
        own = [_taken(leaf, rows, axis) for leaf in leaves]
        with holding(own_rows, rows), _counted_once(model, rows, active, kind):
            result = run(count, own)
        return result if kind != "predict" else _whole(model.backend, result, rows)

    return run_rows


def _taken(leaf: np.ndarray, rows: Any, axis: int) -> np.ndarray:
    part = slice(rows.begin, rows.end)
    return leaf[part] if axis == 0 else np.ascontiguousarray(leaf[:, part])


@contextmanager
def _counted_once(model: Any, rows: Any, active: Distribution, kind: str) -> Any:
    """Of rows that all processes compute, the metrics of the first one alone count."""
    if rows.alike == 1 or kind == "predict" or active.process_id == 0:
        yield
        return
    variables = _variables_of_metrics(model)
    before = [variable.numpy() for variable in variables]
    yield
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)


def _whole(backend: Any, outputs: list[Any], rows: Any) -> list[np.ndarray]:
    """Outputs for all rows of a batch, as arrays."""
    arrays = [backend.to_numpy(output) for output in outputs]
    for array in arrays:
        if array.shape[:1] != (rows.size,):
            raise ValueError(
                f"predict: an output of the shape {array.shape} for {rows.size} rows cannot be put "
                "together from several processes. Predict in one process."
            )
    whole = arrays if rows.alike > 1 else [gather_rows(array) for array in arrays]
    return [backend.asarray(array) for array in whole]


@contextmanager
def whole_states(variables: list[Any]) -> Any:
    """Inside, metrics have what all processes together have counted."""
    if data_parallel() is None:
        yield
        return
    sums = [_summed(variable) for variable in variables]
    with standing_in(variables, sums):
        yield


def whole_numbers(model: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a step of the user's own for all rows: metrics by what they have counted, all
    else, such as a loss, as the sum of the processes' shares."""
    if data_parallel() is None:
        return found
    reported = [m for m in model.metrics if m.name in found and _tells(m, found[m.name])]
    mine = {name: np.asarray(value).tolist() for name, value in found.items()}
    shares = gather_json({"numbers": mine, "metrics": [metric.name for metric in reported]})
    whole = {name: sum(np.asarray(s["numbers"][name]) for s in shares) for name in found}
    with whole_states(_variables_of_metrics(model)):
        for metric in model.metrics:
            if metric.name in shares[0]["metrics"]:
                whole[metric.name] = to_number(metric.name, metric.result())
    return {name: float(x) if np.ndim(x) == 0 else np.asarray(x) for name, x in whole.items()}


def _tells(metric: Any, number: Any) -> bool:
    """Whether the number is what the metric has counted here, and not one of the same name."""
    return np.array_equal(to_number(metric.name, metric.result()), number, equal_nan=True)


def _variables_of_metrics(model: Any) -> list[Any]:
    return [variable for metric in model.metrics for variable in metric.variables]


def _summed(variable: Any) -> Any:
    return variable.backend.asarray(reduce(np.add, variable.backend.all_gather(variable.numpy())))
