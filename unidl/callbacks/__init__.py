"""Callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.callbacks.backup_and_restore import BackupAndRestore
from unidl.callbacks.callback import Callback
from unidl.callbacks.callback_list import CallbackList
from unidl.callbacks.early_stopping import EarlyStopping
from unidl.callbacks.history import History
from unidl.callbacks.learning_rate_finder import LearningRateFinder
from unidl.callbacks.logger import ExperimentLogger, Logger
from unidl.callbacks.mlflow_logger import MLflowLogger
from unidl.callbacks.model_checkpoint import ModelCheckpoint
from unidl.callbacks.nan_finder import NaNFinder
from unidl.callbacks.optuna_pruning import OptunaPruning
from unidl.callbacks.orbax_checkpoint import OrbaxCheckpoint
from unidl.callbacks.profiler import Profiler
from unidl.callbacks.progbar_logger import ProgbarLogger
from unidl.callbacks.remote_monitor import RemoteMonitor
from unidl.callbacks.small import (
    CSVLogger,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from unidl.callbacks.swap_ema_weights import SwapEMAWeights
from unidl.callbacks.tensorboard import TensorBoard
from unidl.callbacks.wandb_logger import WandbLogger
from unidl.utils.namespaces import namespace

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "ExperimentLogger",
    "History",
    "LambdaCallback",
    "LearningRateFinder",
    "LearningRateScheduler",
    "Logger",
    "MLflowLogger",
    "ModelCheckpoint",
    "NaNFinder",
    "OptunaPruning",
    "OrbaxCheckpoint",
    "Profiler",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "WandbLogger",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
