"""SymbolicBackend: the shape rules of this package, bound to the contract."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.backend.contract import Backend
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.shapes.control import Control, Fourier, Segments, Special
from unidl.tracing.shapes.conv import Convolution
from unidl.tracing.shapes.conversion import Conversion
from unidl.tracing.shapes.elementwise import Elementwise
from unidl.tracing.shapes.indexing import Indexing
from unidl.tracing.shapes.nn import Networks
from unidl.tracing.shapes.products import Products
from unidl.tracing.shapes.shaping import Shaping


class SymbolicBackend(
    Conversion,
    Elementwise,
    Shaping,
    Indexing,
    Products,
    Convolution,
    Networks,
    Control,
    Segments,
    Special,
    Fourier,
    Backend,
):
    """The contract on tensors that have only a shape and a dtype. Functions without a rule here run the contract's body."""

    name = "symbolic"
    version = "0"
    tensor_types = (KerasTensor,)
    absorbs = True
    dtypes = dtypes.ALL

    def devices(self):
        return []


symbolic = SymbolicBackend()
