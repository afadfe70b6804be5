"""Loggers of experiments, with stand-ins that keep what they are told, and with Optuna itself."""

import sys
import types

import numpy as np
import pytest

import unidl
from tests.written_for_keras.both import X, Y, dense
from unidl import callbacks


class Kept:
    def __init__(self):
        self.params, self.metrics, self.closed = None, [], 0

    def log_params(self, params):
        self.params = params

    def log_metrics(self, metrics, step):
        self.metrics.append((step, metrics))

    def close(self):
        self.closed += 1


def fit(callback, epochs=2):
    net = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    net.compile(unidl.optimizers.SGD(0.01), "mse")
    history = net.fit(X, Y, epochs=epochs, verbose=0, validation_data=(X, Y), callbacks=[callback])
    return history.history


def test_any_object_with_three_methods(backend):
    kept = Kept()
    history = fit(callbacks.ExperimentLogger(kept, {"seed": 3}))
    assert kept.params["optimizer"] == "SGD"
    assert kept.params["optimizer.learning_rate"] == pytest.approx(0.01)
    assert (kept.params["seed"], kept.params["epochs"], kept.params["weights"]) == (3, 2, 4)
    assert [step for step, _ in kept.metrics] == [0, 1]
    assert [row["val_loss"] for _, row in kept.metrics] == history["val_loss"]
    assert kept.closed == 1


def test_what_is_no_logger_is_told():
    with pytest.raises(TypeError, match="lacks log_params, log_metrics, close"):
        callbacks.ExperimentLogger(object())


def mlflow(active):
    """A stand-in of the part of mlflow that is used."""
    calls = []
    module = types.ModuleType("mlflow")
    module.active_run = lambda: active
    for name in ("set_experiment", "start_run", "log_params", "log_metrics", "end_run"):
        setattr(module, name, lambda *a, _name=name, **k: calls.append((_name, a, k)))
    return module, calls


@pytest.mark.parametrize("active", [None, "mine"])
def test_mlflow(monkeypatch, active):
    module, calls = mlflow(active)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    fit(callbacks.MLflowLogger("exp", "run"))
    names = [name for name, *_ in calls]
    inner = ["log_params", "log_metrics", "log_metrics"]
    assert names == (["set_experiment", "start_run", *inner, "end_run"] if not active else inner)
    assert calls[-2 if not active else -1][2] == {"step": 1}


@pytest.mark.slow
def test_the_real_mlflow(monkeypatch, tmp_path):
    real = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    real.set_tracking_uri(tmp_path.as_uri())
    history = fit(callbacks.MLflowLogger("exp", "run", {"seed": 3}))
    found = real.MlflowClient().search_runs([real.get_experiment_by_name("exp").experiment_id])
    assert found[0].data.params["seed"] == "3"
    np.testing.assert_allclose(found[0].data.metrics["val_loss"], history["val_loss"][-1])
    assert found[0].info.status == "FINISHED"


def test_wandb(monkeypatch):
    rows, config, events = [], {}, []

    class Run:
        def __init__(self):
            self.config = types.SimpleNamespace(update=lambda d, **k: config.update(d))

        def log(self, row):
            rows.append(row)

        def finish(self):
            events.append("finish")

    module = types.ModuleType("wandb")
    module.run = None

    def init(**given):
        events.append(given)
        module.run = Run()

    module.init = init
    monkeypatch.setitem(sys.modules, "wandb", module)
    history = fit(callbacks.WandbLogger("project", "name", {"seed": 3}))
    assert events == [{"project": "project", "name": "name"}, "finish"]
    assert config["seed"] == 3
    assert [(row["epoch"], row["loss"]) for row in rows] == list(enumerate(history["loss"]))


def test_a_library_that_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ImportError, match=r"WandbLogger.*pip install wandb"):
        callbacks.WandbLogger()


def test_optuna_prunes(backend):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    lengths = []

    def objective(trial):
        history = fit(callbacks.OptunaPruning(trial), epochs=4)
        lengths.append(len(history["loss"]))
        return history["val_loss"][-1]

    pruner = optuna.pruners.ThresholdPruner(upper=1e-9, n_warmup_steps=1)
    study = optuna.create_study(pruner=pruner)
    study.optimize(objective, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "PRUNED"]
    assert sorted(study.trials[0].intermediate_values) == [0, 1]
    assert lengths == []
    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    study.optimize(objective, n_trials=1)
    assert lengths == [4]


def test_a_trial_is_optunas():
    with pytest.raises(TypeError, match="the trial that Optuna passes to the objective"):
        callbacks.OptunaPruning(3)
