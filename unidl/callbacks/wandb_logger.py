"""WandbLogger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unidl.callbacks.logger import ExperimentLogger, imported


class WandbLogger(ExperimentLogger):
    """Log a run of `fit` to Weights & Biases: to the active run, or else to a new one.

    Args:
        project: of a new run.
        name: of a new run.
        params: {name: value} to log as well, in the run's config.

    Raises:
        ImportError: wandb is not installed.

    Examples:
        >>> logger = unidl.callbacks.WandbLogger("digits", name="first")  # doctest: +SKIP
        >>> model.fit(x, y, callbacks=[logger])  # doctest: +SKIP
    """

    def __init__(
        self,
        project: str | None = None,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(_Wandb(project, name), params)


class _Wandb:
    def __init__(self, project: str | None, name: str | None) -> None:
        self._wandb = imported("WandbLogger", "wandb")
        self._project, self._name = project, name
        self._is_ours = False

    def log_params(self, params: Mapping[str, Any]) -> None:
        if self._wandb.run is None:
            self._wandb.init(project=self._project, name=self._name)
            self._is_ours = True
        self._wandb.run.config.update(dict(params), allow_val_change=True)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self._wandb.run.log({"epoch": step, **metrics})

    def close(self) -> None:
        if self._is_ours:  # the user's own run goes on
            self._wandb.run.finish()
            self._is_ours = False
