"""TimeDistributed: one layer for every moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.signature import call_signature
from unidl.layers.core.simple_layers import Wrapper
from unidl.layers.recurrent.masked_sequence import check_mask
from unidl.ops.dispatch import has_values
from unidl.ops.fused import scan
from unidl.tracing import KerasTensor, graph
from unidl.tracing.sizes import is_open
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from unidl.layers.base.layer import Layer


class TimeDistributed(Wrapper):
    """Applies a layer to each time step separately: (n, t, ...) -> (n, t, ...).

    Args:
        layer: called with inputs without the time axis.

    Examples:
        >>> frames = np.ones((2, 5, 8, 8, 3))  # 5 images in each sample
        >>> unidl.layers.TimeDistributed(unidl.layers.Conv2D(4, 3))(frames).shape
        (2, 5, 6, 6, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(layer, **kwargs)
        self.layer.ends_masks = True
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 3:
            raise ValueError(
                f"{self._who()}: expected inputs (batch, time, ...) with at least three axes, got "
                f"the shape {input_shape}."
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: TensorLike, training: bool | None = None, mask: Any = None) -> Any:
        check_mask(self, inputs, mask)
        signature = call_signature(type(self.layer))
        kwargs = {"training": training} if signature.has_training else {}
        takes_mask = mask is not None and "mask" in signature.names

        def output(i: Any) -> Any:
            moment = {"mask": mask[:, i]} if takes_mask else {}
            return self.layer(inputs[:, i], **kwargs, **moment)

        steps = ops.shape(inputs)[1]
        if steps == 0:
            return self._nothing(inputs)
        if has_values(inputs) and is_open(steps):
            return self._in_a_loop(inputs, mask if takes_mask else None, kwargs)
        if has_values(inputs):
            return ops.stack([output(i) for i in range(steps)], axis=1)
        # The shape is the same for every moment, and one stands for all.
        return ops.repeat(ops.expand_dims(output(0), 1), steps, axis=1)

    def _in_a_loop(self, inputs: TensorLike, mask: Any, kwargs: dict[str, Any]) -> Any:
        """For moments of which nobody knows how many there will be."""

        def step(_: Any, moment: Any) -> Any:
            masks = {} if mask is None else {"mask": moment[1]}
            return (), self.layer(moment[0], **kwargs, **masks)

        sequences = (inputs,) if mask is None else (inputs, mask)
        _, outputs = scan(step, (), tuple(ops.swapaxes(x, 0, 1) for x in sequences))
        return ops.swapaxes(outputs, 0, 1)

    def _nothing(self, inputs: TensorLike) -> Any:
        """The outputs of no moments, which have the shape of any other's."""
        shape = ops.shape(inputs)
        moment = KerasTensor((shape[0], *shape[2:]), self.compute_dtype)
        with graph.paused():
            like = self.layer(moment)
        return ops.zeros((shape[0], 0, *like.shape[1:]), dtype=like.dtype)
