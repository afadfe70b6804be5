"""Steps of a run in several processes: each computes its own rows of a batch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import numpy as np

from unidl.backend.context import holding
from unidl.backend.errors import JoinError
from unidl.backend.frame import standing_in
from unidl.backend.stateless_scope import StatelessScope
from unidl.distribution import Distribution, distribution
from unidl.distribution.accumulation import (
    begin_accumulating,
    gather_accumulated,
    known_update,
)
from unidl.distribution.active import gather_json, gather_rows, joined, sum_of
from unidl.distribution.lockstep import tree_sum
from unidl.tracing.rows import own_rows
from unidl.training.objective import to_number
from unidl.training.on_mesh import on_mesh


def data_parallel() -> Distribution | None:
    """The distribution that divides batches; None while there is nothing to divide here, or where
    one program computes on all devices."""
    active = distribution()
    if active is None or active.spans_devices:
        return None
    return active if active.num_processes > 1 or active.shards is not None else None


def runs_in_shards() -> bool:
    """Whether steps run for virtual shards, one after the other: as plain Python, which each of
    them can leave in the middle."""
    active = data_parallel()
    return active is not None and active.shards is not None


def on_own_rows(run: Any, model: Any, kind: str) -> Any:
    """run(count, leaves) of whole batches, of which `run` is handed this process' rows.

    What the runs give are lists, of what each shard gives; those of "predict" give outputs for the
    whole batch. Where one program computes on all devices there is nothing to hand out, and they
    give what `run` gives.
    """
    whole, active = distribution(), data_parallel()
    if whole is not None and whole.spans_devices:
        return on_mesh(run, model, whole, kind)
    if active is None:
        return run
    _require_engine(model)

    def run_rows(count: int, leaves: list[Any]) -> Any:
        rows = active.rows(len(leaves[0]))
        own = [leaf[r.begin : r.end] for r in rows for leaf in leaves]
        if active.shards is None:
            with holding(own_rows, rows[0]), _counted_once(model, rows[0], active, kind):
                results = [run(count, own)]
        else:
            # Memory of its own for each shard: kernels look at where an array begins.
            own = [leaf.copy() for leaf in own]
            results = run(count, own, _in_shards(model, active.shards, rows, kind))
        return results if kind != "predict" else _whole(model.backend, results, rows)

    return run_rows


def in_phases(make_run: Any, optimizer: Any) -> Any:
    """run(count, leaves) of steps that add gradients up: one function for those that update, and
    one for the others, which send nothing."""
    runs = {0.0: make_run(), 1.0: make_run()}

    def run(count: int, leaves: list[Any], around: Any = None) -> Any:
        updates = optimizer.updates_next()
        with holding(known_update, updates):
            return runs[updates](count, leaves, around)

    return run


@contextmanager
def accumulating(optimizers: list[Any]) -> Any:
    """An epoch in which processes may add up their own gradients."""
    active = data_parallel()
    if active is None or active.shards is not None:
        yield
        return
    begin_accumulating(optimizers)
    yield
    gather_accumulated(optimizers)


def _require_engine(model: Any) -> None:
    engine = joined()
    if engine is not None and model.backend is not engine:
        raise JoinError(
            f"{model._who()} is on {model.backend.name!r}, but the processes have joined on "
            f"{engine.name!r}, whose tensors alone they can add. Make the model on that backend, "
            f"or call initialize() with {model.backend.name!r} active."
        )


def _in_shards(model: Any, shards: Any, rows: list[Any], kind: str) -> Any:
    """around(function, tensors): the function for each of the shards, whose tensors come one after
    the other."""
    counting = [] if kind == "predict" else _variables_of_metrics(model)

    def around(function: Any, tensors: list[Any]) -> list[Any]:
        each = len(tensors) // shards.count
        own = [tensors[i * each : (i + 1) * each] for i in range(shards.count)]
        return shards.run(function, own, rows, counting)

    return around


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


def _whole(backend: Any, results: list[Any], rows: list[Any]) -> list[np.ndarray]:
    """Outputs for all rows of a batch, as arrays."""
    shards = [[backend.to_numpy(output) for output in outputs] for outputs in results]
    for arrays, own in zip(shards, rows, strict=True):
        for array in arrays:
            if array.shape[:1] != (own.size,):
                raise ValueError(
                    f"predict: an output of the shape {array.shape} for {own.size} rows cannot be "
                    "put together from several processes. Predict in one process."
                )
    if rows[0].alike > 1:
        return [backend.asarray(array) for array in shards[0]]
    joined_here = [np.concatenate(parts) for parts in zip(*shards, strict=True)]
    return [backend.asarray(gather_rows(array)) for array in joined_here]


@contextmanager
def whole_states(variables: list[Any]) -> Any:
    """Inside, metrics have what all processes together have counted."""
    active = data_parallel()
    if active is None:
        yield
        return
    sums = [_summed(variable, active.shards) for variable in variables]
    with standing_in(variables, sums):
        yield


def counting_begins() -> None:
    """Metrics have been reset, for a new pass."""
    active = data_parallel()
    if active is not None and active.shards is not None:
        active.shards.forget_counts()


def whole_numbers(model: Any, found: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of a step of the user's own for all rows, of those of each shard: metrics by what
    they have counted, all else, such as a loss, as the sum of the shares."""
    active = data_parallel()
    assert active is not None
    reported = [m for m in model.metrics if m.name in found[0] and _tells(m, found, active.shards)]
    mine = [{name: np.asarray(value).tolist() for name, value in one.items()} for one in found]
    shares = gather_json({"numbers": mine, "metrics": [metric.name for metric in reported]})
    numbers = [each for share in shares for each in share["numbers"]]
    whole = {name: tree_sum([np.asarray(n[name]) for n in numbers]) for name in found[0]}
    with whole_states(_variables_of_metrics(model)):
        for metric in model.metrics:
            if metric.name in shares[0]["metrics"]:
                whole[metric.name] = to_number(metric.name, metric.result())
    return {name: float(x) if np.ndim(x) == 0 else np.asarray(x) for name, x in whole.items()}


def _tells(metric: Any, found: list[dict[str, Any]], shards: Any) -> bool:
    """Whether the number is what the metric has counted here, and not one of the same name."""
    variables = metric.variables
    counts = [v.own_numpy() if shards is None else shards.counts(v)[0] for v in variables]
    with StatelessScope(zip(variables, counts, strict=True)):
        result = to_number(metric.name, metric.result())
    return np.array_equal(result, found[0][metric.name], equal_nan=True)


def _variables_of_metrics(model: Any) -> list[Any]:
    return [variable for metric in model.metrics for variable in metric.variables]


def _summed(variable: Any, shards: Any) -> Any:
    return variable.backend.asarray(
        sum_of(variable) if shards is None else shards.counted(variable)
    )
