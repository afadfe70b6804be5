"""MXNet's registry of operators, called on arrays by their registered names.

MXNet understands 0-d and zero-size tensors only while its flag `np_shape` is on. The flag is set
for the duration of each call and put back, rather than for the process: with the flag on, deferred
initialization of the user's own Gluon convolutions fails. Setting it costs half a microsecond.
"""

from __future__ import annotations

import ctypes
from functools import cache

from unidl_mxnet.load import mx  # isort: skip
from mxnet._ctypes.ndarray import _imperative_invoke
from mxnet.base import _LIB, NDArrayHandle, c_handle_array, c_str_array, check_call

ndarray = mx.np.ndarray
_on = ctypes.c_int(1)
_off = ctypes.c_int(0)


class numpy_shape:
    """Context in which 0-d and zero-size tensors exist, for this thread."""

    __slots__ = ("_before",)

    def __enter__(self):
        self._before = ctypes.c_int()
        _LIB.MXIsNumpyShape(ctypes.byref(self._before))
        if not self._before.value:
            _LIB.MXSetIsNumpyShape(_on, ctypes.byref(ctypes.c_int()))
        return self

    def __exit__(self, *_):
        if not self._before.value:
            _LIB.MXSetIsNumpyShape(_off, ctypes.byref(ctypes.c_int()))


@cache
def creator(name: str):
    """Handle of the operator registered as `name`."""
    handle = ctypes.c_void_p()
    mx.base.check_call(_LIB.NNGetOpHandle(name.encode(), ctypes.byref(handle)))
    return handle.value


def eager(name, inputs, attrs, out=None):
    """Run an operator on arrays; a list if it has several outputs."""
    with numpy_shape():
        return _imperative_invoke(
            creator(name), inputs, list(attrs), list(attrs.values()), out, True, False
        )


class Prepared:
    """An operator on arrays, ready to run into `out`: with a learning rate for its first attribute,
    or with another first input."""

    def __init__(self, name, inputs, attrs, out):
        self._alive = inputs, out
        self._inputs = c_handle_array(inputs)
        self._values = c_str_array([str(v) for v in attrs.values()])
        outputs = ctypes.cast(c_handle_array((out,)), ctypes.POINTER(NDArrayHandle))
        self._outputs = outputs  # what `byref` points to
        self._count, self._stypes = ctypes.c_int(1), ctypes.POINTER(ctypes.c_int)()
        self._arguments = (
            ctypes.c_void_p(creator(name)),
            ctypes.c_int(len(inputs)),
            self._inputs,
            ctypes.byref(self._count),
            ctypes.byref(outputs),
            ctypes.c_int(len(attrs)),
            c_str_array(list(attrs)),
            self._values,
            ctypes.byref(self._stypes),
        )

    def __call__(self, rate=None, first=None):
        if rate is not None:
            self._values[0] = rate
        if first is not None:
            self._inputs[0] = first.handle
        check_call(_LIB.MXImperativeInvokeEx(*self._arguments))
