"""MLflowLogger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unidl.callbacks.logger import ExperimentLogger, imported


class MLflowLogger(ExperimentLogger):
    """Log a run of `fit` to MLflow: to the active run, or else to a new one.

    Args:
        experiment: name of the experiment for a new run; None: MLflow's own.
        run_name: of a new run.
        params: {name: value} to log as well.

    Raises:
        ImportError: mlflow is not installed.

    Examples:
        >>> logger = unidl.callbacks.MLflowLogger("digits", run_name="first")  # doctest: +SKIP
        >>> model.fit(x, y, callbacks=[logger])  # doctest: +SKIP
    """

    def __init__(
        self,
        experiment: str | None = None,
        run_name: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(_MLflow(experiment, run_name), params)


class _MLflow:
    def __init__(self, experiment: str | None, run_name: str | None) -> None:
        self._mlflow = imported("MLflowLogger", "mlflow")
        self._experiment, self._run_name = experiment, run_name
        self._is_ours = False

    def log_params(self, params: Mapping[str, Any]) -> None:
        if self._mlflow.active_run() is None:
            if self._experiment is not None:
                self._mlflow.set_experiment(self._experiment)
            self._mlflow.start_run(run_name=self._run_name)
            self._is_ours = True
        self._mlflow.log_params(dict(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self._mlflow.log_metrics(dict(metrics), step=step)

    def close(self) -> None:
        if self._is_ours:  # the user's own run goes on
            self._mlflow.end_run()
            self._is_ours = False
