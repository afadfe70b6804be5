"""SymbolicBackend: the shape rules of this package, bound to the contract."""

from __future__ import annotations

from unidl.backend import dtypes
from unidl.backend.contract import Backend
from unidl.backend.symbolic.control import Control, Fourier, Segments, Special
from unidl.backend.symbolic.conv import Convolution
from unidl.backend.symbolic.conversion import Conversion
from unidl.backend.symbolic.elementwise import Elementwise
from unidl.backend.symbolic.indexing import Indexing
from unidl.backend.symbolic.nn import Networks
from unidl.backend.symbolic.products import Products
from unidl.backend.symbolic.shaping import Shaping
from unidl.backend.symbolic.tensor import KerasTensor


class SymbolicBackend(
    Conversion, Elementwise, Shaping, Indexing, Products, Convolution, Networks, Control, Segments, Special, Fourier, Backend
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
