"""Variables in the layout of their kernels.

MXNet's products and convolutions want weights as (units, inputs) and (filters, channels, ...),
Keras has them the other way round. A weight that the first compiled function reads through a
transpose is kept transposed from then on, with its gradient and its optimizer's slots, so that a
step moves none of them. Whoever reads the Variable gets a tensor in Keras' layout.
"""

from __future__ import annotations

import numpy as np

from unidl.backend.variable import put_store, stores_of
from unidl_mxnet.layout import inverse, kernel
from unidl_mxnet.registry import eager


class Laid:
    """What such a Variable holds: `array`, which becomes its value when permuted by `axes`."""

    __slots__ = ("array", "axes")

    def __init__(self, array, axes):
        self.array, self.axes = array, axes


def _permuted(x, axes):
    return eager(kernel(x.shape, np.dtype(x.dtype).name), (x,), {"axes": axes})


def read(store):
    """The value in `store`."""
    return _permuted(store.array, store.axes) if type(store) is Laid else store


def stored(array, axes):
    """What a Variable holds whose value is `array` permuted by `axes`; None leaves it as it is."""
    return array if axes is None else Laid(array, axes)


def array_of(variable, axes):
    """The array which permuted by `axes` is the Variable's value. It keeps that layout, for the
    next time."""
    store = _store(variable)
    if type(store) is Laid and store.axes == axes:
        return store.array
    value = read(store)
    if axes is None:
        return value
    store = Laid(_permuted(value, inverse(axes)), axes)
    put_store(variable, store)
    return store.array


def axes_of(variable):
    """The axes by which the array that the Variable holds is to be permuted; None: it is its
    value."""
    store = _store(variable)
    return store.axes if type(store) is Laid else None


def holds(variable, store):
    """Whether this very object is what the Variable holds."""
    return _store(variable) is store


def _store(variable):
    return stores_of((variable,))[0]


def hold(variable, array, axes):
    """Let the Variable hold `array` permuted by `axes`."""
    store = _store(variable)
    if type(store) is not Laid or store.array is not array:
        put_store(variable, stored(array, axes))
