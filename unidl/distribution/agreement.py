"""Whether the processes of a run are about to do the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from unidl import tree
from unidl.backend.errors import JoinError
from unidl.distribution.active import gather_json, num_processes
from unidl.random import get_global_state


def require_agreement(model: Any, batches: Any, caller: str) -> None:
    """An error in all processes unless they have the same model, numbers and data."""
    if num_processes() == 1:
        return
    rows = gather_json(_facts(model, batches))
    different = [
        f"  {what}: " + ", ".join(f"process {i} has {row[what]}" for i, row in enumerate(rows))
        for what in rows[0]
        if any(row[what] != rows[0][what] for row in rows)
    ]
    if different:
        raise JoinError(
            f"{caller}: the processes would not compute one run. They must have the same seed "
            "(unidl.utils.set_random_seed), build the same model and give the same data:\n"
            + "\n".join(different)
        )


def _facts(model: Any, batches: Any) -> dict[str, Any]:
    optimizer = model.optimizer
    return {
        "model": _digest(*(f"{v.path} {tuple(v.shape)} {v.dtype}" for v in model.variables)),
        "weights": _digest(*(v.numpy() for v in model.variables)),
        "optimizer": None if optimizer is None else _digest(_config(optimizer)),
        "seed": _digest(json.dumps(get_global_state())),
        "rows of data": getattr(batches, "size", None),
        "batch_size": getattr(batches, "batch_size", None),
        "batches in an epoch": batches.count,
        "first batch": _digest(*(x for x in tree.flatten(batches.sample()) if x is not None)),
    }


def _config(optimizer: Any) -> str:
    return json.dumps(optimizer.get_config(), sort_keys=True, default=repr)


def _digest(*parts: Any) -> str:
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes()
        found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()[:8]
