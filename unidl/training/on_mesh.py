"""Steps that one program computes on all devices of a mesh."""

from __future__ import annotations

import warnings
from typing import Any

from unidl.backend.errors import JoinError
from unidl.utils.traceback_filtering import user_stacklevel


def on_mesh(run: Any, model: Any, active: Any, kind: str) -> Any:
    """run(count, leaves) of whole batches, which `run` computes on all devices of `active`.

    Programs are written for whole batches, so that there is nothing to sum here: moments, losses,
    metrics and gradients are those of all rows by themselves.
    """
    engine = active.engine
    if model.backend is not engine:
        raise JoinError(
            f"{model._who()} is on {model.backend.name!r}, but the devices of the distribution are "
            f"those of {engine.name!r}. Make the model on that backend, or the distribution with "
            f"{model.backend.name!r} active."
        )

    pieces, is_first = active.num_model_replicas, True

    def run_on_mesh(count: int, leaves: list[Any]) -> Any:
        nonlocal is_first
        rows = leaves[0].shape[0 if count == 1 else 1]
        if kind == "train" and is_first and rows % pieces:  # a last batch may be shorter
            warnings.warn(
                f"{model._who()}: a batch of {rows} rows does not divide over {pieces} devices, "
                f"so each computes all of it. Let batch_size= be a multiple of {pieces}.",
                stacklevel=user_stacklevel(),
            )
        is_first = False
        with engine.on_mesh(active.device_mesh, active.batch_dim_name):
            return run(count, leaves)

    return run_on_mesh
