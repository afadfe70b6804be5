"""The adapter: one class made of the concerns beside it."""

from __future__ import annotations

import numpy as np

from unidl.backend.contract import Backend
from unidl_numpy import interop  # noqa: F401 - gives TapeArray its operators
from unidl_numpy.abstract import Abstract
from unidl_numpy.arrays import Arrays
from unidl_numpy.autodiff import Autodiff
from unidl_numpy.collectives import Collectives
from unidl_numpy.control import Control
from unidl_numpy.conv import Conv
from unidl_numpy.execution import Execution
from unidl_numpy.fourier import Fourier
from unidl_numpy.math import Math
from unidl_numpy.native import Native
from unidl_numpy.nn import NN
from unidl_numpy.random import Random
from unidl_numpy.recurrent import Recurrent
from unidl_numpy.special import Special
from unidl_numpy.tape_array import TapeArray
from unidl_numpy.updates import Updates


class NumpyBackend(
    Arrays,
    Math,
    NN,
    Conv,
    Recurrent,
    Random,
    Special,
    Fourier,
    Updates,
    Autodiff,
    Collectives,
    Control,
    Execution,
    Native,
    Abstract,
    Backend,
):
    """NumPy: eager, its steps captured, reverse mode of its own."""

    name = "numpy"
    version = np.__version__
    tensor_types = (np.ndarray, TapeArray)
    dtypes = (
        "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
        "float16", "float32", "float64",
    )  # fmt: skip

    # The fused functions, forward and backward, are this package's own.
    kernels = {
        function: f"unidl_numpy.{function}"
        for function in (
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "softplus",
            "silu",
            "gelu",
            "softmax",
            "log_softmax",
            "embedding",
            "batch_norm_training",
            "layer_norm",
            "attention",
            "sparse_softmax_cross_entropy",
            "softmax_cross_entropy",
            "sigmoid_cross_entropy",
            "biased_conv",
            "conv_transpose",
            "depthwise_conv",
            "simple_rnn",
            "lstm",
            "gru",
            "uniform",
            "keep_mask",
            "dropout",
            "fft",
            "rfft",
            "irfft",
            "sgd_update",
            "adam_update",
            "rmsprop_update",
        )
    }
