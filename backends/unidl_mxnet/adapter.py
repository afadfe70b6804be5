"""The adapter: one class made of the concerns beside it."""

from __future__ import annotations

from unidl.backend.contract import Backend
from unidl_mxnet import operators  # noqa: F401 - arrays and symbols get operators of their own
from unidl_mxnet.abstract import Abstract
from unidl_mxnet.arrays import Arrays
from unidl_mxnet.autodiff import Autodiff
from unidl_mxnet.collectives import Collectives
from unidl_mxnet.control import Control
from unidl_mxnet.conv import Conv
from unidl_mxnet.execution import Execution
from unidl_mxnet.load import mx
from unidl_mxnet.math import Math
from unidl_mxnet.native import Native
from unidl_mxnet.nn import NN
from unidl_mxnet.random import Random
from unidl_mxnet.recurrent import Recurrent
from unidl_mxnet.registry import ndarray
from unidl_mxnet.traced import Traced
from unidl_mxnet.updates import Updates


class MXNetBackend(
    Arrays,
    Math,
    NN,
    Conv,
    Recurrent,
    Random,
    Updates,
    Autodiff,
    Collectives,
    Control,
    Execution,
    Native,
    Abstract,
    Backend,
):
    """MXNet 1.9.1: eager on `mx.np` arrays, compiled as CachedOp."""

    name = "mxnet"
    version = mx.__version__
    tensor_types = (ndarray, Traced)
    traces = True
    limits = {
        "bitcast": "not in compiled functions",
        "cond": "in compiled functions both branches are computed and one is chosen",
        "custom_gradient": "not in compiled functions, which have only the gradients of kernels",
        "eig": "not in compiled functions",
        "remat": "not for tensors from around an eager function, nor with a custom_gradient in it",
        "while_loop": "in compiled functions written out, so `maximum_iterations` is needed",
    }
    kernels = {
        "linear": "FullyConnected, float32",
        "relu": "LeakyReLU (ELU of slope 0) in float32, else relu",
        "gelu": "LeakyReLU, float32, exact",
        "softmax": "softmax, of one axis",
        "sparse_softmax_cross_entropy": "pick",
        "conv": "Convolution",
        "conv_transpose": "FullyConnected and col2im, in 1-D and 2-D",
        "batch_norm_training": "BatchNorm, in compiled float32 steps",
        "max_pool": "Pooling",
        "avg_pool": "Pooling",
        "lstm": "RNN, mode lstm",
        "gru": "RNN, mode gru",
        "custom_gradient": "mx.autograd.Function",
        "remat": "mx.autograd.Function; force_mirroring in compiled steps",
        "simple_rnn": "RNN, mode rnn_tanh, in float32 also rnn_relu",
        "sgd_update": "sgd_update and sgd_mom_update, compiled, float32, without Nesterov",
        "adam_update": "sgd_update and adam_update, compiled, float32",
    }
