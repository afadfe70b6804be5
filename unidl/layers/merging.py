"""Layers that join several inputs."""

from unidl import ops
from unidl.layers.layer import Layer


class Merge(Layer):
    """Base of the layers that take a list of two or more tensors."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError(
                f"{self._who()}: takes a list of at least two inputs, got {input_shape}. Write: {type(self).__name__}()([a, b])."
            )

    def compute_mask(self, inputs, previous_mask):
        """A step counts where it counts in any of the inputs; without a mask in all inputs there is none."""
        known = [m for m in previous_mask or [] if m is not None]
        if len(known) < len(inputs):
            return None
        mask = known[0]
        for other in known[1:]:
            mask = ops.logical_or(mask, other)
        return mask


class Add(Merge):
    """Elementwise sum of a list of tensors, which broadcast."""

    def build(self, input_shape):
        super().build(input_shape)
        sizes = [s[1:] for s in input_shape]
        for a in sizes[1:]:
            for m, n in zip(sizes[0][::-1], a[::-1], strict=False):
                if None not in (m, n) and m != n and 1 not in (m, n):
                    raise ValueError(
                        f"{self._who()}: the inputs have shapes {input_shape}, which do not broadcast. Make them equal, or 1, on each axis."
                    )

    def call(self, inputs):
        total = inputs[0]
        for x in inputs[1:]:
            total = ops.add(total, x)
        return total


class Concatenate(Merge):
    """Join a list of tensors along an axis.

    Args:
        axis: along which; the other axes are equal.
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape):
        super().build(input_shape)
        ranks = {len(s) for s in input_shape}
        if len(ranks) > 1 or not -min(ranks) <= self.axis < min(ranks):
            raise ValueError(f"{self._who()}: axis={self.axis} needs inputs of one rank that has this axis, got shapes {input_shape}.")
        rank = ranks.pop()
        for axis in set(range(rank)) - {self.axis % rank}:
            if len({s[axis] for s in input_shape} - {None}) > 1:
                raise ValueError(f"{self._who()}: inputs of shapes {input_shape} differ on axis {axis}; only axis {self.axis} may differ.")

    def call(self, inputs):
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs, previous_mask):
        """Masks joined along the axis too; inputs without one count everywhere."""
        if previous_mask is None or all(m is None for m in previous_mask):
            return None
        parts = []
        for x, mask in zip(inputs, previous_mask, strict=True):
            if mask is None:
                mask = ops.ones_like(x, dtype="bool")
            elif len(ops.shape(mask)) < len(ops.shape(x)):
                mask = ops.logical_and(ops.expand_dims(mask, -1), ops.ones_like(x, dtype="bool"))
            parts.append(mask)
        return ops.all(ops.concatenate(parts, axis=self.axis), axis=-1)
