"""The contract: one abstract class, `Backend`, split by concern.

Required are the abstract methods: primitives with NumPy's names and semantics on native tensors of
one dtype (the public `unidl.ops` promotes dtypes and converts arguments before it calls). Derived
are the methods with a body: an adapter overrides one where the framework has a faster or more
accurate kernel, and the body stays the oracle of the override.

Each concern is a class in a file of its own. An adapter overrides it in a file of the same name, by
a class of the same name derived from it, and its `adapter.py` puts these together with `Backend`.
"""

from unidl.backend.contract import names
from unidl.backend.contract.abstract import Abstract
from unidl.backend.contract.arrays import Arrays
from unidl.backend.contract.autodiff import Autodiff
from unidl.backend.contract.collectives import Collectives
from unidl.backend.contract.control import Control
from unidl.backend.contract.conv import Conv
from unidl.backend.contract.execution import Execution
from unidl.backend.contract.factorizations import Factorizations
from unidl.backend.contract.fourier import Fourier
from unidl.backend.contract.math import Math
from unidl.backend.contract.native import Native
from unidl.backend.contract.nn import NN
from unidl.backend.contract.random import Random
from unidl.backend.contract.recurrent import Recurrent
from unidl.backend.contract.segments import Segments
from unidl.backend.contract.sharding import Sharding
from unidl.backend.contract.special import Special
from unidl.backend.contract.updates import Updates


class Backend(
    Arrays,
    Math,
    NN,
    Conv,
    Recurrent,
    Random,
    Segments,
    Special,
    Factorizations,
    Fourier,
    Updates,
    Autodiff,
    Collectives,
    Sharding,
    Control,
    Execution,
    Abstract,
    Native,
):
    """What a backend is. Subclass it in a package `unidl_<name>` and register a `BackendSpec`.

    Examples:
        >>> backend = unidl.backend.get_backend("numpy")
        >>> isinstance(backend, unidl.backend.Backend), backend.name
        (True, 'numpy')
    """


__all__ = [
    "NN",
    "Abstract",
    "Arrays",
    "Autodiff",
    "Backend",
    "Collectives",
    "Control",
    "Conv",
    "Execution",
    "Factorizations",
    "Fourier",
    "Math",
    "Native",
    "Random",
    "Recurrent",
    "Segments",
    "Sharding",
    "Special",
    "Updates",
    "names",
]
