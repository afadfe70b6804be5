"""Where two recorded runs part by more than rounding.

Told from the files alone: each holds, for every entry of every step, how far simulated rounding in
float32 moved the oracle's run (S, in units of u, the value itself included). Rounding of a run in a
dtype with unit u may move an entry by 16·u·S, that of both runs by the sum; what is farther apart
has another cause. The first such entry is looked for in the order of execution: the outputs of the
layers, the loss, the gradients from the last layer to the first, the weights after the update.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unidl.verify.recording import RecordedRun, read_run

BUDGET = 16.0
_UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
_MEANING = {
    "output": "the output of {}",
    "loss": "the loss",
    "gradient": "the gradient of {}",
    "weight": "the weight {}, while all gradients of this step agree: it is the optimizer's "
    "update, or the compiled step",
}


@dataclass(frozen=True)
class Comparison:
    """
    Attributes:
        equal: whether the runs part nowhere by more than rounding.
        step: the first at which they do, from 1 on; None if equal.
        kind: "output", "loss", "gradient" or "weight". name: the layer's, or the weight's.
        difference, allowed: the largest difference there, and what rounding may make.
        first, second: what the files say of themselves: backend, dtype, environment.
        shares: (steps,), the largest difference at each step over what rounding may make.
        count: of compared entries, all steps together.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> unidl.verify.record(model, None, None, steps=1, path="run.npz")
        >>> comparison = unidl.verify.compare("run.npz", "run.npz")
        >>> comparison.equal, comparison.step
        (True, None)
    """

    equal: bool
    first: dict
    second: dict
    shares: list
    count: int
    step: int | None = None
    kind: str | None = None
    name: str | None = None
    difference: float = 0.0
    allowed: float = 0.0

    def __str__(self):
        runs = f"{_origin(self.first)}\n{_origin(self.second)}\n"
        if self.equal:
            top = max(self.shares)
            return (
                f"{runs}EQUAL: {len(self.shares)} steps, {self.count:,} comparisons, the largest "
                f"{top:.1%} of what rounding may make."
            )
        where = _MEANING[self.kind].format(self.name)
        return (
            f"{runs}PARTED at step {self.step} of {len(self.shares)}, at {where}. "
            f"Difference {self.difference:.3g}, rounding may make {self.allowed:.3g}."
        )


def compare(a, b) -> Comparison:
    """Compare two run files that `record` wrote (their paths), of one model and the same data. See
    this module for how.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(2)])
        >>> for path in ("a.npz", "b.npz"):
        ...     unidl.verify.record(model, None, None, steps=1, path=path)
        >>> unidl.verify.compare("a.npz", "b.npz").equal
        True
    """
    first, second = read_run(a), read_run(b)
    _check_comparable(first, second, a, b)
    allowed = BUDGET * sum(_unit(run) * run.scatter for run in (first, second))
    steps = first.header["steps"]
    difference = np.array(
        [
            [_largest(p[t], q[t]) for p, q in zip(first.values, second.values, strict=True)]
            for t in range(steps)
        ]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(difference == 0, 0.0, difference / allowed)
    parted = ~(difference <= allowed)  # a NaN in `allowed` allows nothing
    parted &= difference > 0
    found = np.argwhere(parted)
    if not difference.size:
        raise ValueError(f"compare: {a} and {b} contain nothing that can be compared.")
    result = Comparison(
        equal=not len(found),
        first=first.header,
        second=second.header,
        shares=np.nan_to_num(shares, nan=np.inf).max(axis=1).tolist(),
        count=int(difference.size),
    )
    if result.equal:
        return result
    step, entry = found[0]
    kind, name = first.entries[entry]
    where = difference[step, entry], allowed[step, entry]
    return replace(
        result,
        step=int(step) + 1,
        kind=kind,
        name=name,
        difference=float(where[0]),
        allowed=float(where[1]),
    )


def _unit(run: RecordedRun):
    dtype = run.header["dtype"]
    if dtype not in _UNITS:
        raise ValueError(
            f"compare: a run in {dtype!r} cannot be judged; known dtypes: {', '.join(_UNITS)}."
        )
    return _UNITS[dtype]


def _check_comparable(first, second, a, b):
    one, other = first.header, second.header
    if [k for k, _ in first.entries] != [k for k, _ in second.entries] or one["sizes"] != other[
        "sizes"
    ]:
        pairs = zip(first.entries, second.entries, strict=False)
        at = next(
            (f": {p[1]!r} against {q[1]!r}" for p, q in pairs if p != q),
            f": {len(first.entries)} and {len(second.entries)} entries",
        )
        raise ValueError(
            f"compare: {a} and {b} are runs of different models{at}. Record the same model twice."
        )
    if one["data"] != other["data"]:
        raise ValueError(
            f"compare: {a} and {b} used different data, so they differ from the start. Record both "
            "with the same x and y."
        )
    if one["steps"] != other["steps"]:
        raise ValueError(
            f"compare: {a} has {one['steps']} steps and {b} {other['steps']}. Record the same "
            "number."
        )


def _largest(p, q):
    """The largest difference, infinite where only one is finite."""
    with np.errstate(invalid="ignore"):
        same = (p == q) | (np.isnan(p) & np.isnan(q))
        return float(
            np.max(np.nan_to_num(np.where(same, 0.0, np.abs(p - q)), nan=np.inf), initial=0.0)
        )


def _origin(header):
    e = header["environment"]
    date, processor = e.get("date", "no date"), e.get("processor", "unknown processor")
    return f"{header['model']}, {header['backend']}, {header['dtype']}, {processor}, {date}"
