"""Bidirectional: one recurrent layer forwards, one backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import ops
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import not_offered, one_of
from unidl.saving.object_registration import deserialize_keras_object, serialize_keras_object
from unidl.typing import Config, TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Bidirectional(Layer):
    """Runs one copy of `layer` forwards and one backwards over (n, t, d) and merges their outputs
    for each time step.

    With `return_sequences` the outputs at masked time steps are zero. With `return_state` the
    states of the forward layer and then those of the backward layer follow the output.

    Args:
        layer: an `LSTM`, `GRU`, `SimpleRNN` or `RNN`.
        merge_mode: "concat", "sum", "mul", "ave", or None for both outputs.
        weights: not supported; use `set_weights`.
        backward_layer: for the backward direction; by default a copy of `layer` with reversed
            direction.

    `initial_state` is a list: first half forwards, second half backwards. Weights: forward, then
    backward.

    Examples:
        >>> x = np.ones((2, 5, 3))
        >>> unidl.layers.Bidirectional(unidl.layers.LSTM(4))(x).shape  # forwards and backwards
        (2, 8)
        >>> gru = unidl.layers.GRU(4, return_sequences=True)
        >>> layer = unidl.layers.Bidirectional(gru, merge_mode="sum")
        >>> layer(x).shape
        (2, 5, 4)
    """

    _config_omits = frozenset({"weights"})

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        for given in (layer, backward_layer):
            is_right = isinstance(given, Layer) and hasattr(given, "go_backwards")
            if not (is_right or (given is None and layer is not None)):
                raise ValueError(
                    f"Bidirectional: `layer` must be a recurrent layer, got {given!r}. Write: "
                    "Bidirectional(LSTM(8))."
                )
        super().__init__(**kwargs)
        not_offered(self, weights=weights)
        self.merge_mode = one_of(
            self, "merge_mode", merge_mode, ("concat", "sum", "mul", "ave", None)
        )
        self.forward_layer = _copy(layer, name=f"forward_{layer.name.removeprefix('forward_')}")
        if backward_layer is None:
            backward_layer = _copy(
                layer, name=f"backward_{layer.name.removeprefix('backward_')}", go_backwards=True
            )
        self.backward_layer = backward_layer
        self._check_pair()
        for half in (self.forward_layer, self.backward_layer):
            half.zero_output_for_mask = half.return_sequences
            half.ends_masks = True
        self.stateful, self.return_sequences, self.return_state = (
            layer.stateful,
            layer.return_sequences,
            layer.return_state,
        )
        self.input_spec = layer.input_spec
        self.supports_masking = True

    def _check_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ValueError(
                f"Bidirectional: both layers have go_backwards={one.go_backwards}. One must run "
                "forwards and one backwards."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(one, name) != getattr(other, name):
                raise ValueError(
                    f"Bidirectional: {name} must be the same for both layers, got "
                    f"{getattr(one, name)} and {getattr(other, name)}."
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for half in (self.forward_layer, self.backward_layer):
            half.build_inside(self, sequences_shape=sequences_shape)

    def call(
        self,
        sequences: TensorLike,
        initial_state: Any = None,
        mask: TensorLike | None = None,
        training: bool | None = None,
    ) -> Any:
        states: list[Any] = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [list(initial_state[:half]), list(initial_state[half:])]
        forward, backward = (
            layer(sequences, initial_state=state, mask=mask, training=training)
            for layer, state in zip((self.forward_layer, self.backward_layer), states, strict=True)
        )
        last = []
        if self.return_state:
            last = [*forward[1:], *backward[1:]]
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = ops.flip(backward, 1)
        outputs = self._merge(forward, backward)
        if self.merge_mode is None:
            return (*outputs, *last)
        return (outputs, *last) if self.return_state else outputs

    def _merge(self, a: TensorLike, b: TensorLike) -> Any:
        if self.merge_mode == "concat":
            return ops.concatenate([a, b], axis=-1)
        if self.merge_mode == "mul":
            return ops.multiply(a, b)
        if self.merge_mode is None:
            return a, b
        total = ops.add(a, b)
        return ops.divide(total, 2) if self.merge_mode == "ave" else total

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        number = (2 if self.merge_mode is None else 1) if mask is not None else 0
        # Outputs beyond the first ones, the states, have none.
        return (
            None
            if number == 0
            else mask
            if number == 1 and not self.return_state
            else [mask] * number
        )

    def reset_state(self) -> None:
        """Set the states of stateful layers to zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    @property
    def states(self) -> Any:
        """The states of both stateful layers, None before they have any."""
        one, other = self.forward_layer.states, self.backward_layer.states
        return None if not one or not other else (*one, *other)

    def get_config(self) -> Config:
        halves = {"layer": self.forward_layer, "backward_layer": self.backward_layer}
        return super().get_config() | {
            name: serialize_keras_object(half) for name, half in halves.items()
        }


def _copy(layer: Any, **changes: Any) -> Any:
    """A new layer without weights, like `layer` but for some arguments."""
    config = serialize_keras_object(layer)
    config["config"] = config["config"] | changes
    config.pop("build_config", None)
    copy = deserialize_keras_object(config)
    if hasattr(layer, "use_cudnn"):  # no config has it
        copy.use_cudnn = layer.use_cudnn
    return copy
