"""Layers, a family a file."""

from unidl.layers.activation_layers import Activation, ReLU, Softmax
from unidl.layers.attention import AdditiveAttention, Attention
from unidl.layers.convolution import Conv2D
from unidl.layers.dense import Dense
from unidl.layers.einsum_dense import EinsumDense
from unidl.layers.embedding import Embedding
from unidl.layers.input_layer import Input, InputLayer
from unidl.layers.input_spec import InputSpec
from unidl.layers.layer import Layer
from unidl.layers.lstm import LSTM, LSTMCell
from unidl.layers.merging import Add, Concatenate
from unidl.layers.multi_head_attention import MultiHeadAttention
from unidl.layers.normalization import BatchNormalization, LayerNormalization
from unidl.layers.pooling import AveragePooling2D, GlobalAveragePooling1D, GlobalAveragePooling2D, MaxPooling2D
from unidl.layers.regularization import Dropout
from unidl.layers.reshaping import Flatten, Reshape
from unidl.layers.rnn import RNN
from unidl.saving.lookup import Catalogue


def serialize(layer):
    """The config of a layer: class, module and arguments."""
    return _catalogue.serialize(layer)


def deserialize(config, custom_objects=None):
    """The layer of a config that `serialize`, of unidl or of Keras, wrote."""
    found = _catalogue.deserialize(config, custom_objects)
    if not isinstance(found, Layer):
        raise ValueError(f"layers.deserialize: {config!r} is not the config of a layer. Write: deserialize(serialize(layer)).")
    return found


# Keras' second names.
AvgPool2D, MaxPool2D, GlobalAvgPool1D, GlobalAvgPool2D = AveragePooling2D, MaxPooling2D, GlobalAveragePooling1D, GlobalAveragePooling2D

_catalogue = Catalogue("layer", [c for c in list(vars().values()) if isinstance(c, type) and issubclass(c, Layer)])

__all__ = [
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "AdditiveAttention",
    "Attention",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "Input",
    "InputLayer",
    "InputSpec",
    "LSTMCell",
    "Layer",
    "LayerNormalization",
    "MaxPool2D",
    "MaxPooling2D",
    "MultiHeadAttention",
    "ReLU",
    "Reshape",
    "Softmax",
    "deserialize",
    "serialize",
]
