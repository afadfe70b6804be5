"""Arrays from the host, and the device that they go to."""

from __future__ import annotations

import ctypes

import numpy as np

from unidl.backend import registry
from unidl.backend.errors import UnsupportedDtypeError

from unidl_mxnet.load import mx  # isort: skip
from mxnet.base import _LIB
from mxnet.ndarray.ndarray import _new_alloc_handle

from unidl_mxnet.registry import ndarray, numpy_shape

DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64")
_DTYPES = frozenset(map(np.dtype, DTYPES))


def context():
    """MXNet's name of the current device."""
    device = registry.current_device()
    if device is None:
        return mx.context.current_context()
    kind, _, index = device.partition(":")
    return mx.Context(kind, int(index))


def from_numpy(x: np.ndarray):
    """A new array with a copy of `x`."""
    if x.dtype not in _DTYPES:
        raise no_dtype(x.dtype.name)
    device = context()
    with numpy_shape():
        result = ndarray(_new_alloc_handle(x.shape, device, False, x.dtype.type))
        if x.size and device.device_type == "cpu":
            # Nobody else knows of this memory yet. MXNet's own copy would first wait for all that
            # the engine has to do.
            address = ctypes.c_void_p()
            mx.base.check_call(_LIB.MXNDArrayGetData(result.handle, ctypes.byref(address)))
            x = np.ascontiguousarray(x)
            ctypes.memmove(address, x.ctypes.data, x.nbytes)
        elif x.size:
            result._sync_copyfrom(np.asarray(x, order="C"))
    return result


def rows(x):
    """The elements along the first axis, as views."""
    with numpy_shape():
        return [x._at(i) for i in range(x.shape[0])]


def no_dtype(name):
    return UnsupportedDtypeError(
        f"MXNet has no dtype {name}. Convert to one of {', '.join(DTYPES)} first, e.g. "
        "x.astype('int64')."
    )
