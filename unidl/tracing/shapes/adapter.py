"""SymbolicBackend: the shape rules of this package, bound to the contract."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.backend.contract import Backend
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.arrays import Arrays
from unidl.tracing.shapes.autodiff import Autodiff
from unidl.tracing.shapes.collectives import Collectives
from unidl.tracing.shapes.control import Control
from unidl.tracing.shapes.conv import Conv
from unidl.tracing.shapes.factorizations import Factorizations
from unidl.tracing.shapes.fourier import Fourier
from unidl.tracing.shapes.math import Math
from unidl.tracing.shapes.nn import NN
from unidl.tracing.shapes.random import Random
from unidl.tracing.shapes.recurrent import Recurrent
from unidl.tracing.shapes.segments import Segments
from unidl.tracing.shapes.sharding import Sharding
from unidl.tracing.shapes.special import Special


class SymbolicBackend(
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
    Autodiff,
    Collectives,
    Sharding,
    Control,
    Backend,
):
    """The contract on tensors that have only a shape and a dtype. Functions without a rule here run
    the contract's body."""

    name = "symbolic"
    version = "0"
    tensor_types = (KerasTensor,)
    absorbs = True
    has_values = False
    dtypes = dtypes.ALL

    def devices(self):
        return []


symbolic = SymbolicBackend()
