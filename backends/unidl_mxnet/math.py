"""Mathematics, in four parts: elementwise, reductions, linear algebra, einsum."""

from __future__ import annotations

from unidl_mxnet.einsum import Einsum
from unidl_mxnet.elementwise import Elementwise
from unidl_mxnet.linalg import Linalg
from unidl_mxnet.reductions import Reductions


class Math(Elementwise, Reductions, Linalg, Einsum):
    """The parts together."""
