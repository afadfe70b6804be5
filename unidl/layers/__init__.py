"""Layers, a family a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.layers.attention.attention import AdditiveAttention, Attention
from unidl.layers.attention.group_query_attention import GroupQueryAttention
from unidl.layers.attention.multi_head_attention import MultiHeadAttention
from unidl.layers.base.input_layer import Input, InputLayer
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.core.activation_layers import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from unidl.layers.core.dense import Dense
from unidl.layers.core.einsum_dense import EinsumDense
from unidl.layers.core.embedding import Embedding
from unidl.layers.core.reversible_embedding import ReversibleEmbedding
from unidl.layers.core.simple_layers import Identity, Lambda, Masking, Rescaling, Wrapper
from unidl.layers.merging.functions import (
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from unidl.layers.merging.merge_layers import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from unidl.layers.normalization.batch_and_layer import BatchNormalization, LayerNormalization
from unidl.layers.normalization.feature_normalization import Normalization
from unidl.layers.normalization.group_normalization import (
    GroupNormalization,
    RMSNormalization,
    UnitNormalization,
)
from unidl.layers.normalization.spectral_normalization import SpectralNormalization
from unidl.layers.recurrent.bidirectional import Bidirectional
from unidl.layers.recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from unidl.layers.recurrent.gru import GRU, GRUCell
from unidl.layers.recurrent.lstm import LSTM, LSTMCell
from unidl.layers.recurrent.rnn import RNN
from unidl.layers.recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from unidl.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from unidl.layers.recurrent.time_distributed import TimeDistributed
from unidl.layers.regularization.dropout import (
    ActivityRegularization,
    Dropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from unidl.layers.regularization.noise import AlphaDropout, GaussianDropout, GaussianNoise
from unidl.layers.reshaping.padding import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from unidl.layers.reshaping.reshape import Flatten, Permute, RepeatVector, Reshape
from unidl.layers.reshaping.resizing import Resizing
from unidl.layers.reshaping.upsampling import UpSampling1D, UpSampling2D, UpSampling3D
from unidl.layers.windows.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from unidl.layers.windows.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from unidl.layers.windows.convolution import Conv1D, Conv2D, Conv3D
from unidl.layers.windows.depthwise_conv import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from unidl.layers.windows.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from unidl.saving.lookup import Catalogue
from unidl.utils.namespaces import namespace

# Keras' second names.
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = (
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D

_catalogue: Catalogue[Layer] = Catalogue(
    "layers",
    "layer",
    "Write: deserialize(serialize(layer)).",
    [c for c in list(vars().values()) if isinstance(c, type) and issubclass(c, Layer)],
    accepts=lambda found: isinstance(found, Layer),
)
deserialize = _catalogue.deserialize


def serialize(layer: Layer) -> Any:
    """The config of a layer: class, module and arguments.

    Examples:
        >>> config = unidl.layers.serialize(unidl.layers.Dense(3, name="head"))
        >>> config["class_name"], config["config"]["units"]
        ('Dense', 3)
        >>> unidl.layers.deserialize(config).name
        'head'
    """
    return _catalogue.serialize(layer)


__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "ReversibleEmbedding",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
