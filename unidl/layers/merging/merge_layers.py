"""Layers that join several inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Merge(Layer):
    """Base of the layers that take a list of two or more tensors."""

    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError(
                f"{self._who()}: expected a list of at least two inputs, got {input_shape}. Write: "
                f"{type(self).__name__}()([a, b])."
            )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """A step counts where it counts in any of the inputs; without a mask in all inputs there is
        none."""
        known = [m for m in mask or [] if m is not None]
        if len(known) < len(inputs):
            return None
        joined = known[0]
        for other in known[1:]:
            joined = ops.logical_or(joined, other)
        return joined


class Elementwise(Merge):
    """Base of the layers that join tensors element by element; shapes broadcast, and shorter ones
    get axes after the batch's."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        for i, a in enumerate(shapes := list(dict.fromkeys(map(tuple, input_shape)))):
            for b in shapes[:i]:
                # Aligned at the end, the batch apart, since axes of size 1 are put in after it.
                pairs = [*zip(a[:0:-1], b[:0:-1], strict=False), (a[0], b[0])]
                if any(None not in (m, n) and m != n and 1 not in (m, n) for m, n in pairs):
                    raise ValueError(
                        f"{self._who()}: the inputs have shapes {input_shape}, which do not "
                        "broadcast. Each axis must have equal sizes or size 1."
                    )

    def call(self, inputs: TensorLike, mask: TensorLike | None = None) -> Any:
        rank = max(len(ops.shape(x)) for x in inputs)
        inputs = [
            ops.expand_dims(x, tuple(range(1, 1 + rank - n)))
            if (n := len(ops.shape(x))) < rank
            else x
            for x in inputs
        ]
        return self.join(inputs, [None] * len(inputs) if mask is None else mask)

    def join(self, inputs: TensorLike, masks: TensorLike) -> Any:
        """The result for tensors of one rank; `masks` holds bool tensors (batch, time) or None."""
        total = inputs[0]
        for x in inputs[1:]:
            total = self.pair(total, x)
        return total

    def pair(self, a: TensorLike, b: TensorLike) -> Any:
        """The result for two tensors."""
        raise NotImplementedError


class Add(Elementwise):
    """Elementwise sum of a list of tensors, which broadcast.

    Examples:
        >>> a, b = unidl.Input((4,)), unidl.Input((4,))
        >>> model = unidl.Model([a, b], unidl.layers.Add()([a, b]))
        >>> model([np.full((1, 4), 1.0), np.full((1, 4), 2.0)])
        array([[3., 3., 3., 3.]], dtype=float32)
    """

    def pair(self, a: TensorLike, b: TensorLike) -> Any:
        return ops.add(a, b)


class Subtract(Elementwise):
    """First tensor minus the second, of a list of two.

    Examples:
        >>> unidl.layers.Subtract()([np.array([[5.0, 7.0]]), np.array([[1.0, 2.0]])])
        array([[4., 5.]], dtype=float32)
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                f"{self._who()}: expected exactly two inputs, got {len(input_shape)}. Write: "
                "Subtract()([a, b])."
            )

    def pair(self, a: TensorLike, b: TensorLike) -> Any:
        return ops.subtract(a, b)


class Average(Elementwise):
    """Elementwise mean of a list of tensors.

    Examples:
        >>> unidl.layers.Average()([np.array([[1.0]]), np.array([[2.0]]), np.array([[6.0]])])
        array([[3.]], dtype=float32)
    """

    def join(self, inputs: TensorLike, masks: TensorLike) -> Any:
        return ops.divide(super().join(inputs, masks), len(inputs))

    def pair(self, a: TensorLike, b: TensorLike) -> Any:
        return ops.add(a, b)


class Multiply(Elementwise):
    """Elementwise product of a list of tensors; a masked step counts as 1, and as 0 where it is
    masked in all of them.

    Examples:
        >>> unidl.layers.Multiply()([np.ones((2, 5, 3)) * 2, np.ones((2, 1, 3)) * 3]).shape
        (2, 5, 3)
        >>> unidl.layers.Multiply()([np.array([[2.0, 3.0]]), np.array([[4.0, 5.0]])])
        array([[ 8., 15.]], dtype=float32)
    """

    def join(self, inputs: TensorLike, masks: TensorLike) -> Any:
        masks = [None if m is None else ops.expand_dims(m, -1) for m in masks]
        ones = [
            x if m is None else ops.where(m, x, ops.ones_like(x))
            for x, m in zip(inputs, masks, strict=True)
        ]
        product = super().join(ones, masks)
        if any(m is None for m in masks):
            return product
        known = masks[0]
        for m in masks[1:]:
            known = ops.logical_or(known, m)
        return ops.where(known, product, ops.zeros_like(product))

    def pair(self, a: TensorLike, b: TensorLike) -> Any:
        return ops.multiply(a, b)


class Extremum(Elementwise):
    """Base of `Maximum` and `Minimum`: where one tensor is masked and the other is not, the other's
    element is taken."""

    def join(self, inputs: TensorLike, masks: TensorLike) -> Any:
        result, known = inputs[0], _along_features(masks[0])
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            mask = _along_features(mask)
            if mask is not None:
                x = ops.where(mask, x, result)
            if known is not None:
                result = ops.where(known, result, x)
            known = ops.logical_or(known, mask) if known is not None and mask is not None else None
            result = self.pair(result, x)
        return result


def _along_features(mask: TensorLike) -> Any:
    return None if mask is None else ops.expand_dims(mask, -1)


class Maximum(Extremum):
    """Elementwise maximum of a list of tensors.

    Examples:
        >>> unidl.layers.Maximum()([np.array([[1.0, 5.0]]), np.array([[3.0, 2.0]])])
        array([[3., 5.]], dtype=float32)
    """

    def pair(self, a: TensorLike, b: TensorLike) -> Any:
        return ops.maximum(a, b)


class Minimum(Extremum):
    """Elementwise minimum of a list of tensors.

    Examples:
        >>> unidl.layers.Minimum()([np.array([[1.0, 5.0]]), np.array([[3.0, 2.0]])])
        array([[1., 2.]], dtype=float32)
    """

    def pair(self, a: TensorLike, b: TensorLike) -> Any:
        return ops.minimum(a, b)


class Dot(Merge):
    """Products of two tensors, summed along an axis of each: (n, ..., k, ...), (n, ..., k, ...) ->
    (n, rest of a, rest of b).

    Two matrices (n, k) give (n, 1).

    Args:
        axes: an int for both, or one for each; not 0, the batch.
        normalize: divide by the Euclidean norms along the axes first (cosine similarity).

    Examples:
        >>> a, b = np.ones((2, 3, 4)), np.ones((2, 5, 4))
        >>> unidl.layers.Dot(axes=-1)([a, b]).shape  # all pairs of the rows of a sample
        (2, 3, 5)
        >>> a, b = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]])
        >>> unidl.layers.Dot(axes=1)([a, b])
        array([[24.]], dtype=float32)
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        given = (axes,) * 2 if isinstance(axes, int) else axes
        if (
            not isinstance(given, list | tuple)
            or len(given) != 2
            or not all(isinstance(a, int) for a in given)
        ):
            raise ValueError(f"Dot: axes must be an int or two ints, got {axes!r}.")
        self.axes, self.normalize = axes, normalize

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                f"{self._who()}: expected exactly two inputs, got {len(input_shape)}. Write: "
                "Dot(axes=1)([a, b])."
            )
        given = (self.axes,) * 2 if isinstance(self.axes, int) else self.axes
        self._axes = tuple(
            a % len(s) if -len(s) <= a < len(s) else 0
            for a, s in zip(given, input_shape, strict=True)
        )
        if 0 in self._axes:
            raise ValueError(
                f"{self._who()}: axes={self.axes} must name an axis after the batch axis in both "
                f"shapes {input_shape}."
            )
        m, n = (s[a] for s, a in zip(input_shape, self._axes, strict=True))
        if None not in (m, n) and m != n:
            raise ValueError(
                f"{self._who()}: axes={self.axes} have sizes {m} and {n} in the shapes "
                f"{input_shape}; they must be equal."
            )

    def call(self, inputs: TensorLike) -> Any:
        a, b = (
            ops.normalize(x, axis=axis) if self.normalize else x
            for x, axis in zip(inputs, self._axes, strict=True)
        )
        i, j = self._axes
        m, n = len(ops.shape(a)), len(ops.shape(b))
        # Letters: b is the batch, k the axis summed over, all others stay.
        letters = iter("cdefghijlmnopqrstuvwxyz")
        first = ["b", *("k" if axis == i else next(letters) for axis in range(1, m))]
        second = ["b", *("k" if axis == j else next(letters) for axis in range(1, n))]
        rest = [c for c in (*first[1:], *second[1:]) if c != "k"]
        y = ops.einsum(f"{''.join(first)},{''.join(second)}->b{''.join(rest)}", a, b)
        return y if rest else ops.expand_dims(y, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


class Concatenate(Merge):
    """Join a list of tensors along an axis.

    Args:
        axis: along which; the other axes are equal.

    Examples:
        >>> unidl.layers.Concatenate()([np.ones((2, 5, 3)), np.ones((2, 5, 4))]).shape
        (2, 5, 7)
        >>> unidl.layers.Concatenate(axis=1)([np.ones((2, 5, 3)), np.ones((2, 6, 3))]).shape
        (2, 11, 3)
    """

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        ranks = {len(s) for s in input_shape}
        if len(ranks) > 1 or not -min(ranks) <= self.axis < min(ranks):
            raise ValueError(
                f"{self._who()}: axis={self.axis} needs inputs of the same rank, with this axis, "
                f"got shapes {input_shape}."
            )
        rank = ranks.pop()
        for axis in set(range(rank)) - {self.axis % rank}:
            if len({s[axis] for s in input_shape} - {None}) > 1:
                raise ValueError(
                    f"{self._who()}: inputs of shapes {input_shape} differ on axis {axis}; only "
                    f"axis {self.axis} may differ."
                )

    def call(self, inputs: TensorLike) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Masks joined along the axis too; inputs without one count everywhere."""
        if mask is None or all(m is None for m in mask):
            return None
        parts = []
        for x, part in zip(inputs, mask, strict=True):
            if part is None:
                part = ops.ones_like(x, dtype="bool")
            elif len(ops.shape(part)) < len(ops.shape(x)):
                part = ops.logical_and(ops.expand_dims(part, -1), ops.ones_like(x, dtype="bool"))
            parts.append(part)
        return ops.all(ops.concatenate(parts, axis=self.axis), axis=-1)
