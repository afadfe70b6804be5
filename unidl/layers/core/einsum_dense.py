"""EinsumDense: a dense layer whose product is written as an einsum."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from unidl import activations, constraints, initializers, ops, regularizers
from unidl.initializers import VarianceScaling
from unidl.layers.base.activate import activate
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import not_offered
from unidl.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    TensorLike,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class EinsumDense(Layer):
    """activation(einsum(equation, inputs, kernel) + bias).

    Args:
        equation: inputs, kernel and outputs by letters: "abc,cd->abd"; axes may be elided at one
            end: "...x,xy->...y".
        output_shape: sizes of the outputs' letters without the batch axis, None for those taken
            from the inputs.
        activation: name or function, none by default.
        bias_axes: letters of the output that get a bias, e.g. "d"; none by default.
        kernel_initializer, bias_initializer: initializers of the weights: names, configs or
            objects.
        kernel_regularizer, bias_regularizer: penalties on the weights, added to the loss.
        kernel_constraint, bias_constraint: constraints on the weights, applied after each update.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: not supported; must
            be None.

    Weights: kernel, by its letters, and bias, broadcast against the outputs.

    Examples:
        >>> layer = unidl.layers.EinsumDense("abc,cd->abd", output_shape=(None, 7), bias_axes="d")
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 5, 7)
        >>> layer.kernel.shape, layer.bias.shape
        ((3, 7), (7,))
    """

    _config_omits = frozenset({"lora_rank", "lora_alpha", "gptq_unpacked_column_size"})
    _lists_activity_regularizer = True

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: ActivationLike | None = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        not_offered(
            self,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization_config=quantization_config,
        )
        self.equation = equation
        self.output_shape = (
            (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        )
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
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
        self._terms = self._parse()

    def _parse(self) -> Any:
        """(letters of the inputs, of the kernel, of the outputs, where axes are elided: "", "left"
        or "right")."""
        match = _EQUATION.fullmatch(str(self.equation).replace(" ", ""))
        if match is not None:
            left_in, inputs, right_in, kernel, left_out, outputs, right_out = match.groups()
            if (
                bool(left_in) == bool(left_out)
                and bool(right_in) == bool(right_out)
                and not (left_in and right_in)
            ):
                lost = [c for c in outputs if c not in inputs + kernel] or [
                    c for c in kernel if c not in inputs + outputs
                ]
                if lost:
                    raise ValueError(
                        f"EinsumDense: in the equation {self.equation!r} the letter {lost[0]!r} "
                        "occurs in only one term."
                    )
                for letter in self.bias_axes or "":
                    if letter not in outputs:
                        raise ValueError(
                            f"EinsumDense: bias_axes={self.bias_axes!r} has the letter {letter!r}, "
                            f"which is not in the outputs {outputs!r}."
                        )
                return inputs, kernel, outputs, "left" if left_in else "right" if right_in else ""
        raise ValueError(
            f"EinsumDense: cannot use the equation {self.equation!r}. Write inputs,kernel->outputs "
            "in letters, "
            'with "..." at the same end of inputs and outputs, or not at all: "abc,cd->abd", '
            '"...x,xy->...y".'
        )

    def _full_output_shape(self, input_shape: Any) -> Any:
        """(output shape, {letter: size}, number of elided axes)."""
        inputs, _, outputs, side = self._terms
        elided = len(input_shape) - len(inputs)
        if elided < 0 or (elided > 0 and not side):
            raise ValueError(
                f"{self._who()}: the equation {self.equation!r} takes inputs with {len(inputs)} "
                f"axes, the shape is {input_shape}."
            )
        first = elided if side == "left" else 0
        sizes = dict(zip(inputs, input_shape[first : first + len(inputs)], strict=True))
        # The batch axis is the first of all: an elided one, or the first letter.
        leading = input_shape[: max(1, first)]
        full = [
            *leading,
            *self.output_shape,
            *(input_shape[len(inputs) :] if side == "right" else ()),
        ]
        if len(full) == elided + len(outputs) + 1:
            del full[0]  # a sample alone, without a batch axis
        if len(full) != elided + len(outputs):
            raise ValueError(
                f"{self._who()}: output_shape={self.output_shape} must give the sizes of the "
                f"outputs {outputs!r} without the batch axis; "
                f"the equation is {self.equation!r} and the input has shape {input_shape}."
            )
        for place, letter in enumerate(outputs, first):
            if full[place] is None:
                full[place] = sizes.get(letter)
            elif sizes.get(letter) not in (None, full[place]):
                raise ValueError(
                    f"{self._who()}: {letter!r} has size {sizes[letter]} in the input and "
                    f"{full[place]} in output_shape={self.output_shape}."
                )
            sizes[letter] = full[place]
        return tuple(full), sizes, elided

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._full_output_shape(tuple(input_shape))[0]

    def build(self, input_shape: Any) -> None:
        _, kernel, outputs, side = self._terms
        _, sizes, elided = self._full_output_shape(tuple(input_shape))
        self.kernel = self.add_own_weight(
            "kernel", [sizes[c] for c in kernel], initializer=self._scaled(kernel, outputs)
        )
        self.bias = None
        if self.bias_axes:
            spanned = outputs[min(outputs.index(c) for c in self.bias_axes) :]
            shape = [sizes[c] if c in self.bias_axes else 1 for c in spanned] + [1] * (
                elided if side == "right" else 0
            )
            self.bias = self.add_own_weight("bias", shape)
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _scaled(self, kernel: TensorLike, outputs: Any) -> Any:
        """The kernel's initializer; one that scales with the fans is told which axes are inputs and
        which outputs."""
        initializer = self.kernel_initializer
        if not isinstance(initializer, VarianceScaling) or (
            initializer.input_axes is not None and initializer.output_axes is not None
        ):
            return initializer
        into = [i for i, c in enumerate(kernel) if c not in outputs]
        out = [i for i, c in enumerate(kernel) if c in outputs]
        return type(initializer).from_config(
            initializer.get_config() | {"input_axes": into, "output_axes": out}
        )

    def call(self, inputs: TensorLike) -> Any:
        x = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return activate(self, x)
