"""The adapter: one class made of the concerns beside it."""

from __future__ import annotations

from unidl.backend.contract import Backend
from unidl_tensorflow import fork, operators  # noqa: F401 - tensors leave comparisons to symbols
from unidl_tensorflow.abstract import Abstract
from unidl_tensorflow.arrays import Arrays
from unidl_tensorflow.autodiff import Autodiff
from unidl_tensorflow.collectives import Collectives
from unidl_tensorflow.control import Control
from unidl_tensorflow.conv import Conv
from unidl_tensorflow.execution import Execution
from unidl_tensorflow.fourier import Fourier
from unidl_tensorflow.load import tf
from unidl_tensorflow.math import Math
from unidl_tensorflow.native import Native
from unidl_tensorflow.nn import NN
from unidl_tensorflow.random import Random
from unidl_tensorflow.recurrent import Recurrent
from unidl_tensorflow.segments import Segments
from unidl_tensorflow.special import Special


class TensorFlowBackend(
    Arrays,
    Math,
    NN,
    Conv,
    Recurrent,
    Random,
    Segments,
    Special,
    Fourier,
    Autodiff,
    Collectives,
    Control,
    Execution,
    Native,
    Abstract,
    Backend,
):
    """TensorFlow 2, eager and in graphs. Tensors are `tf.Tensor`, variables live in
    `tf.Variable`."""

    name = "tensorflow"
    version = tf.__version__
    tensor_types = (tf.Tensor, tf.Variable)
    dtypes = (
        "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
        "float16", "bfloat16", "float32", "float64",
    )  # fmt: skip
    traces = True

    limits = {"eig": "not in compiled functions"}
    kernels = {
        "leaky_relu": "tf.nn.leaky_relu",
        "relu": "tf.nn.relu",
        "relu6": "tf.nn.relu6",
        "linear": "tf.matmul, tf.nn.bias_add",
        "log_softmax": "tf.nn.log_softmax",
        "softmax": "tf.nn.softmax",
        "sparse_softmax_cross_entropy": "tf.nn.sparse_softmax_cross_entropy_with_logits",
        "batch_norm_training": "tf.raw_ops.FusedBatchNormV3",
        "conv": "tf.nn.conv2d, tf.nn.convolution",
        "max_pool": "tf.nn.max_pool2d",
        "avg_pool": "tf.nn.avg_pool2d",
        "lstm": "tf.raw_ops.BlockLSTM, in float32",
        "embedding": "tf.gather",
        "conv_transpose": "tf.raw_ops.Conv2DBackpropInput",
        "depthwise_conv": "tf.nn.depthwise_conv2d",
        "nextafter": "tf.math.nextafter",
        "i0": "tf.math.bessel_i0",
        "bitcast": "tf.bitcast",
        "segment_sum": "tf.math.unsorted_segment_sum",
        "segment_max": "tf.math.unsorted_segment_max",
        "segment_min": "tf.math.unsorted_segment_min",
        "segment_prod": "tf.math.unsorted_segment_prod",
        "fft": "tf.signal.fft, tf.signal.ifft",
        "rfft": "tf.signal.rfft",
        "irfft": "tf.signal.irfft",
        "custom_gradient": "tf.custom_gradient",
        "remat": "tf.GradientTape",
        "cond": "tf.cond, in graphs",
        "jvp": "tf.autodiff.ForwardAccumulator",
        "while_loop": "tf.while_loop, in graphs",
    }

    def __init__(self):
        super().__init__()
        fork.guard(self)
