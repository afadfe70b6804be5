"""The adapter: one class made of the concerns beside it."""

from __future__ import annotations

import torch

from unidl.backend.contract import Backend
from unidl_torch.abstract import Abstract
from unidl_torch.arrays import Arrays
from unidl_torch.autodiff import Autodiff
from unidl_torch.collectives import Collectives
from unidl_torch.control import Control
from unidl_torch.conv import Conv
from unidl_torch.execution import Execution
from unidl_torch.factorizations import Factorizations
from unidl_torch.fourier import Fourier
from unidl_torch.math import Math
from unidl_torch.native import Native
from unidl_torch.nn import NN
from unidl_torch.random import Random
from unidl_torch.recurrent import Recurrent
from unidl_torch.segments import Segments
from unidl_torch.sharding import Sharding
from unidl_torch.special import Special
from unidl_torch.updates import Updates


class TorchBackend(
    Arrays,
    Math,
    NN,
    Conv,
    Recurrent,
    Random,
    Segments,
    Special,
    Factorizations,
    Fourier,
    Updates,
    Autodiff,
    Collectives,
    Sharding,
    Control,
    Execution,
    Native,
    Abstract,
    Backend,
):
    """torch: eager, its steps captured, or compiled by torch.compile."""

    name = "torch"
    version = torch.__version__
    tensor_types = (torch.Tensor,)
    dtypes = (
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "bfloat16",
        "float32",
        "float64",
    )

    kernels = {
        "logsumexp": "torch.logsumexp",
        "relu": "torch.relu",
        "relu6": "torch.nn.functional.relu6",
        "leaky_relu": "torch.nn.functional.leaky_relu",
        "elu": "torch.nn.functional.elu",
        "selu": "torch.selu",
        "softplus": "torch.nn.functional.softplus",
        "silu": "torch.nn.functional.silu",
        "gelu": "torch.nn.functional.gelu",
        "softmax": "torch.softmax",
        "log_softmax": "torch.log_softmax",
        "linear": "torch.addmm",
        "embedding": "torch.nn.functional.embedding",
        "batch_norm_training": "torch.batch_norm",
        "batch_norm_inference": "torch.addcmul",
        "layer_norm": "torch.layer_norm",
        "attention": "torch.nn.functional.scaled_dot_product_attention",
        "grouped_attention": "torch.nn.functional.scaled_dot_product_attention",
        "sparse_softmax_cross_entropy": "torch.nn.functional.cross_entropy",
        "conv": "torch.conv2d, torch.conv3d",
        "biased_conv": "torch.conv2d, torch.conv3d",
        "conv_transpose": "torch.conv_transpose2d, torch.conv_transpose3d",
        "max_pool": "torch.max_pool2d, torch.max_pool3d",
        "avg_pool": "torch.avg_pool2d, torch.avg_pool3d",
        "lstm": "torch.lstm",
        "gru": "torch.gru",
        "simple_rnn": "torch.rnn_tanh, torch.rnn_relu",
        "gcd": "torch.gcd",
        "nextafter": "torch.nextafter",
        "i0": "torch.special.i0",
        "bitcast": "torch.Tensor.view",
        "lu_factor": "torch.linalg.lu_factor",
        "segment_max": "torch.scatter_reduce, floats",
        "segment_min": "torch.scatter_reduce, floats",
        "fft": "torch.fft.fft, torch.fft.ifft",
        "rfft": "torch.fft.rfft",
        "irfft": "torch.fft.irfft",
        "custom_gradient": "torch.autograd.Function",
        "remat": "torch.autograd.graph.saved_tensors_hooks",
        "jvp": "torch.autograd.forward_ad",
        "sgd_update": "torch._foreach_sub_",
        "adam_update": "torch._fused_adam_",
        "rmsprop_update": "torch._foreach_sub_",
    }
