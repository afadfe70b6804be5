"""One run in several processes, over the frameworks' own engines.

    unidl launch -n 4 train.py

starts the processes; in the script,

    unidl.distribution.initialize()
    unidl.distribution.set_distribution(unidl.distribution.DataParallel())

and everything else stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.backend.errors import JoinError
from unidl.distribution.active import distribution, initialize, set_distribution
from unidl.distribution.distributions import DataParallel, Distribution, ModelParallel
from unidl.distribution.layouts import LayoutMap, TensorLayout
from unidl.distribution.mesh import DeviceMesh, get_device_count, list_devices
from unidl.utils.namespaces import namespace

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "Distribution",
    "JoinError",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "set_distribution",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
