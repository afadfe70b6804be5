"""Mathematics, in three parts: what is elementwise, reductions, products and linear algebra."""

from __future__ import annotations

from unidl_tensorflow.elementwise import Elementwise
from unidl_tensorflow.linalg import Linalg
from unidl_tensorflow.reductions import Reductions


class Math(Elementwise, Reductions, Linalg):
    """The parts together."""
