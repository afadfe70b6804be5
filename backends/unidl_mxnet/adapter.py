"""The backend: the families of functions put together."""

from __future__ import annotations

from unidl import ops
from unidl.backend.contract import Backend
from unidl.ops.operators import bind_operators
from unidl_mxnet.arrays import Arrays
from unidl_mxnet.autodiff import Autodiff
from unidl_mxnet.conv import Conv
from unidl_mxnet.einsum import Einsum
from unidl_mxnet.elementwise import Elementwise
from unidl_mxnet.execution import Execution
from unidl_mxnet.indexing import Indexing
from unidl_mxnet.linalg import Linalg
from unidl_mxnet.native import Native
from unidl_mxnet.nn import NN
from unidl_mxnet.random import Random
from unidl_mxnet.recurrent import Recurrent
from unidl_mxnet.reductions import Reductions
from unidl_mxnet.traced import Traced
from unidl_mxnet.updates import Updates


class MXNetBackend(
    Arrays, Indexing, Elementwise, Reductions, Linalg, Einsum, NN, Conv, Recurrent, Random, Updates, Autodiff, Execution, Native, Backend
):
    """MXNet 1.9.1: eager on `mx.np` arrays, compiled as CachedOp."""

    traces = True
    kernels = {
        "softmax": "softmax (one axis)",
        "relu": "relu",
        "conv": "Convolution",
        "depthwise_conv": "Convolution",
        "conv_transpose": "dot and col2im",
        "max_pool": "Pooling",
        "avg_pool": "Pooling",
        "lstm": "RNN(mode=lstm)",
        "gru": "RNN(mode=gru)",
    }


# A layer's own `x * gate` works while it is compiled too; on arrays the operators are MXNet's.
bind_operators(Traced, ops)
