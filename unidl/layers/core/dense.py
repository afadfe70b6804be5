"""Dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl import activations, constraints, initializers, regularizers
from unidl.layers.base.activate import activate
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import PlainLayerOptions
from unidl.layers.base.validate import not_offered, positive_int
from unidl.ops import fused
from unidl.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    TensorLike,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dense(Layer):
    """activation(inputs @ kernel + bias), on the last axis: (..., in) -> (..., units).

    Args:
        units: size of the output's last axis.
        activation: name or function, none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        activity_regularizer: penalty on the outputs, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.
        lora_rank, lora_alpha, quantization_config: not supported; must be None.

    Weights: kernel (in, units), bias (units,).

    Examples:
        >>> layer = unidl.layers.Dense(2, kernel_initializer="ones")
        >>> layer(np.array([[1.0, 2.0, 3.0]]))
        array([[6., 6.]], dtype=float32)
        >>> layer(np.ones((4, 5, 3))).shape  # only the last axis changes
        (4, 5, 2)
        >>> layer.kernel.shape, layer.bias.shape
        ((3, 2), (2,))
    """

    _config_omits = frozenset({"lora_rank", "lora_alpha"})

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[PlainLayerOptions],
    ) -> None:
        if isinstance(activation, int):
            raise ValueError(
                f"{type(self).__name__}: the second argument is the activation, got {activation}. "
                "The number of inputs comes from the data, and units is the number of outputs: "
                f"Dense({activation})."
            )
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        not_offered(
            self,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        self.units = positive_int(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = (
            initializers.get(kernel_initializer),
            initializers.get(bias_initializer),
        )
        self.kernel_regularizer, self.bias_regularizer = (
            regularizers.get(kernel_regularizer),
            regularizers.get(bias_regularizer),
        )
        self.kernel_constraint, self.bias_constraint = (
            constraints.get(kernel_constraint),
            constraints.get(bias_constraint),
        )
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_own_weight("kernel", (input_shape[-1], self.units))
        self.bias = self.add_own_weight("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs: TensorLike) -> Any:
        return activate(self, fused.linear(inputs, self.kernel, self.bias))

    def kernel_description(self) -> str | None:
        return self.backend.kernels.get("linear", "")
