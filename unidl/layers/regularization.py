"""Dropout."""

from unidl import random
from unidl.layers.layer import Layer
from unidl.layers.validate import unit_interval


class Dropout(Layer):
    """In training, sets a random share of the elements to 0 and scales the others by 1 / (1 - rate).

    Args:
        rate: share of elements dropped, from 0 to 1.
        noise_shape: shape of the mask, None for the input's size on an axis; 1 shares a mask along an axis.
        seed: an int for a fixed stream; by default one from the global seed. The masks are the same on every backend.
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = unit_interval(self, "rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed_generator)
