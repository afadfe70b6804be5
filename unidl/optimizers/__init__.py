"""Optimizers: Keras' arithmetic, the same on every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.optimizers import schedules
from unidl.optimizers.adafactor import Adafactor
from unidl.optimizers.adagrad import Adadelta, Adagrad
from unidl.optimizers.adam import Adam, AdamW
from unidl.optimizers.adam_family import Adamax, Lamb, Nadam
from unidl.optimizers.ftrl import Ftrl
from unidl.optimizers.host_variable import HostVariable
from unidl.optimizers.lion import Lion
from unidl.optimizers.loss_scale_optimizer import LossScaleOptimizer
from unidl.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from unidl.optimizers.muon import Muon
from unidl.optimizers.optimizer import Optimizer
from unidl.optimizers.rmsprop import RMSprop
from unidl.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from unidl.optimizers.sgd import SGD
from unidl.saving.lookup import Catalogue
from unidl.utils.namespaces import namespace

_catalogue: Catalogue[Optimizer] = Catalogue(
    "optimizers",
    "optimizer",
    'Give a name such as "adam", or Adam(1e-3).',
    (
        Adadelta,
        Adafactor,
        Adagrad,
        Adam,
        Adamax,
        AdamW,
        Ftrl,
        Lamb,
        Lion,
        LossScaleOptimizer,
        MultiOptimizer,
        Muon,
        Nadam,
        Optimizer,
        RMSprop,
        SGD,
        ScheduleFreeAdamW,
    ),
    accepts=lambda found: found is None or isinstance(found, Optimizer),
    name_of=str.lower,
)
# Names count in any case.
serialize, deserialize, get = _catalogue.serialize, _catalogue.deserialize, _catalogue.get

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "HostVariable",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
