"""Optimizers: Keras' arithmetic, the same on every backend."""

from unidl.optimizers import schedules
from unidl.optimizers.adafactor import Adafactor
from unidl.optimizers.adagrad import Adadelta, Adagrad
from unidl.optimizers.adam import Adam, AdamW
from unidl.optimizers.adam_family import Adamax, Lamb, Nadam
from unidl.optimizers.ftrl import Ftrl
from unidl.optimizers.host_variable import HostVariable
from unidl.optimizers.lion import Lion
from unidl.optimizers.muon import Muon
from unidl.optimizers.optimizer import Optimizer
from unidl.optimizers.rmsprop import RMSprop
from unidl.optimizers.sgd import SGD
from unidl.saving.lookup import Catalogue

_catalogue = Catalogue(
    "optimizer",
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
        Muon,
        Nadam,
        Optimizer,
        RMSprop,
        SGD,
    ),
    name_of=str.lower,
)

serialize = _catalogue.serialize


def deserialize(config, custom_objects=None):
    """The optimizer of a config or name, the name in any case."""
    if isinstance(config, str) and config.lower() in _catalogue.objects:
        config = config.lower()
    found = _catalogue.deserialize(config, custom_objects)
    return found() if isinstance(found, type) else found


def get(identifier):
    """An optimizer by name ("adam"), config, class, or as it is."""
    found = (
        deserialize(identifier)
        if isinstance(identifier, (str, dict))
        else _catalogue.get(identifier)
    )
    if found is not None and not isinstance(found, Optimizer):
        raise ValueError(
            f'optimizers.get: {identifier!r} is no optimizer. Give a name such as "adam", or Adam(1e-3).'
        )
    return found


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
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
