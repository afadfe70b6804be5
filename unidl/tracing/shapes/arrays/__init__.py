"""Shape rules of `contract/arrays.py`."""

from unidl.tracing.shapes.arrays.creation import Creation
from unidl.tracing.shapes.arrays.indexing import Indexing
from unidl.tracing.shapes.arrays.order import Order
from unidl.tracing.shapes.arrays.shaping import Shaping


class Arrays(Creation, Shaping, Indexing, Order):
    """Conversion, creation, shape, indexing, sorting."""
