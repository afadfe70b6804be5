"""Layers that keras.applications has for itself, by what they do."""

from __future__ import annotations

from typing import Any

from unidl import layers, ops


class LayerScale(layers.Layer):
    """inputs * gamma, one factor for each channel, as in ConvNeXt.

    Args:
        init_values: what the factors begin with.
        projection_dim: the number of channels.
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight((self.projection_dim,), "zeros", name="gamma")
        self.gamma.assign(ops.full((self.projection_dim,), self.init_values))

    def call(self, inputs: Any) -> Any:
        return ops.multiply(inputs, self.gamma)


class StochasticDepth(layers.Dropout):
    """Drops whole samples in training, and scales the others up, as in ConvNeXt.

    Args:
        drop_path_rate: the share of samples that is dropped.
    """

    def __init__(self, drop_path_rate: float, **kwargs: Any) -> None:
        super().__init__(drop_path_rate, **kwargs)
        self.drop_path_rate = drop_path_rate

    def build(self, input_shape: Any) -> None:
        self.noise_shape = (None, *[1] * (len(input_shape) - 1))

    def get_config(self) -> dict[str, Any]:
        kept = layers.Layer.get_config(self)
        left_out = ("rate", "noise_shape", "seed")
        return {k: v for k, v in kept.items() if k not in left_out} | {
            "drop_path_rate": self.drop_path_rate
        }


class CustomScaleLayer(layers.Layer):
    """inputs[0] + scale * inputs[1], as in InceptionResNetV2.

    Args:
        scale: a number.
    """

    def __init__(self, scale: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        return ops.add(inputs[0], ops.multiply(inputs[1], self.scale))


OBJECTS = {kind.__name__: kind for kind in (LayerScale, StochasticDepth, CustomScaleLayer)}
