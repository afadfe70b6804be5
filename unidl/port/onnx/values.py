"""Arrays, dtypes and numbers between ONNX, the host and the active backend."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.backend import dtypes
from unidl.port.onnx.errors import OnnxError, onnx_package


def array_of(proto, folder):
    """A TensorProto as an array of a dtype that unidl knows; its numbers may lie in a file of
    `folder`."""
    onnx = onnx_package()
    dtype_of(proto.data_type)
    try:
        return onnx.numpy_helper.to_array(proto, folder)
    except (onnx.checker.ValidationError, OSError) as error:
        raise OnnxError(f"The external data of {proto.name!r} cannot be read: {error}") from error
    except (ValueError, TypeError) as error:
        raise OnnxError(
            f"The tensor {proto.name!r} with dims {list(proto.dims)} is damaged: {error}"
        ) from error


def dtype_of(number):
    """unidl's name of an ONNX data type."""
    names = onnx_package().TensorProto.DataType
    if number not in names.values() or number == 0:
        raise OnnxError(
            f"Data type number {number} does not exist in ONNX {onnx_package().__version__}."
        )
    return known_dtype(
        {"FLOAT": "float32", "DOUBLE": "float64"}.get(
            names.Name(number), names.Name(number).lower()
        )
    )


def known_dtype(name):
    """`name`, if unidl has such a dtype."""
    if name not in dtypes.ALL:
        raise OnnxError(
            f"The data type {name} is not supported. Available: {', '.join(dtypes.ALL)}."
        )
    return name


def host(x):
    """`x` as an array on the host, for what must be known to run an operator: shapes, axes,
    counts."""
    return ops.convert_to_numpy(x)


def ints(x):
    """A 1-D tensor or attribute of integers as a list; None stays None."""
    return (
        None
        if x is None
        else [int(i) for i in np.ravel(x if isinstance(x, (list, tuple)) else host(x))]
    )


def as_(x, like):
    """`x` in the dtype of `like`."""
    dtype = ops.dtype(like)
    return x if str(getattr(x, "dtype", None)) == dtype else ops.cast(x, dtype)


def axes_of(node, inputs, place=1):
    """The axes that older versions give as an attribute and newer ones as the input number `place`;
    None if absent."""
    if "axes" in node:
        return ints(node["axes"])
    return ints(inputs[place]) if len(inputs) > place else None
