"""Steps that one program computes on all devices of a mesh."""

from __future__ import annotations

from typing import Any

from unidl.backend.errors import JoinError


def on_mesh(run: Any, model: Any, active: Any) -> Any:
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

    def run_on_mesh(count: int, leaves: list[Any]) -> Any:
        with engine.on_mesh(active.device_mesh, active.batch_dim_name):
            return run(count, leaves)

    return run_on_mesh
