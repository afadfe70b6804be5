"""InputSpec: what a layer accepts, checked before its call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.typing import Config, DType, Shape
from unidl.utils.descriptions import description

if TYPE_CHECKING:
    from typing_extensions import Self


class InputSpec:
    """Constraints on one input.

    Args:
        dtype: name of the dtype, or None.
        shape: exact shape with None for free axes.
        ndim: exact rank.
        max_ndim, min_ndim: bounds on the rank.
        axes: {axis: size} for axes of a fixed size; axes may be negative.
        allow_last_axis_squeeze: accept a last axis of 1 too many or too few.
        name: of the input, for errors.
        optional: whether None may come instead of a tensor.

    Examples:
        >>> layer = unidl.layers.Identity()
        >>> layer.input_spec = unidl.InputSpec(ndim=3, axes={-1: 2})
        >>> layer(np.ones((1, 5, 2))).shape
        (1, 5, 2)
        >>> try:
        ...     layer(np.ones((1, 5, 4)))
        ... except ValueError as error:
        ...     print(type(error).__name__)
        ValueError
    """

    def __init__(
        self,
        dtype: DType | None = None,
        shape: Shape | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Any = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype, self.shape, self.name, self.optional = (
            dtype,
            None if shape is None else tuple(shape),
            name,
            optional,
        )
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze

    def __repr__(self) -> str:
        return description(self, {} if self.dtype is None else {"dtype": self.dtype})

    def get_config(self) -> Config:
        """The arguments as a dict, but for `name` and `allow_last_axis_squeeze`, as in Keras."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)

    def problem(self, shape: Shape) -> str | None:
        """What is wrong with an input of `shape`, None if nothing is."""
        rank = len(shape)
        if (
            self.ndim is not None
            and rank != self.ndim
            and not (self.allow_last_axis_squeeze and abs(rank - self.ndim) == 1)
        ):
            return (
                f"expected a tensor of rank {self.ndim} {_AXES.get(self.ndim, '')}, got rank {rank}"
            )
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected rank {self.min_ndim} or more, got rank {rank}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected rank {self.max_ndim} or less, got rank {rank}"
        for axis, size in self.axes.items():
            if size is not None and -rank <= axis < rank and shape[axis] not in (size, None):
                return f"expected axis {axis} to have size {size}, got {shape[axis]}"
        if self.shape is not None and len(self.shape) == rank:
            for axis, (wanted, found) in enumerate(zip(self.shape, shape, strict=True)):
                if wanted is not None and found not in (wanted, None):
                    return f"expected shape {self.shape}, got size {found} on axis {axis}"
        return None


_AXES = {
    2: "(batch, features)",
    3: "(batch, time, features)",
    4: "(batch, height, width, channels)",
    5: "(batch, depth, height, width, channels)",
}
