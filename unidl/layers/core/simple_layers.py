"""Layers without weights of their own: Identity, Masking, Rescaling, Lambda, Wrapper."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl import ops
from unidl.layers.base.layer import Layer
from unidl.layers.base.options import LayerOptions
from unidl.saving import lambdas
from unidl.saving.object_registration import deserialize_keras_object, serialize_keras_object
from unidl.typing import Config, CustomObjects, TensorLike
from unidl.utils.nesting import check_nesting, depth_below

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class Identity(Layer):
    """Returns its inputs.

    Examples:
        >>> unidl.layers.Identity()(np.array([1.0, 2.0]))
        array([1., 2.], dtype=float32)
    """

    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return inputs


class Masking(Layer):
    """Masks the steps of (n, t, ..., d) in which all features equal `mask_value`, and sets them to
    0.

    Args:
        mask_value: the number that marks a step as masked.

    Examples:
        >>> x = np.array([[[1.0, 2.0], [-1.0, -1.0], [-1.0, 3.0]]])
        >>> layer = unidl.layers.Masking(mask_value=-1.0)
        >>> layer.compute_mask(x)
        array([[ True, False,  True]])
        >>> layer(x)
        array([[[ 1.,  2.],
                [ 0.,  0.],
                [-1.,  3.]]], dtype=float32)
    """

    _makes_mask = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return ops.where(ops.expand_dims(self._counts(inputs), -1), inputs, ops.zeros_like(inputs))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self._counts(inputs)

    def _counts(self, inputs: TensorLike) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)


class Rescaling(Layer):
    """inputs * scale + offset.

    Args:
        scale, offset: numbers, or arrays that broadcast against the inputs.

    Examples:
        >>> unidl.layers.Rescaling(1 / 127.5, offset=-1)(np.array([0.0, 127.5, 255.0]))
        array([-1.,  0.,  1.], dtype=float32)
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self.supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        return ops.add(ops.multiply(x, self._constant(self.scale)), self._constant(self.offset))

    def _constant(self, value: Any) -> Any:
        return (
            value
            if isinstance(value, int | float)
            else np.asarray(ops.convert_to_numpy(value), self.compute_dtype)
        )


class Lambda(Layer):
    """Calls a function of tensors. A model file keeps a registered function by its name, and a
    `lambda` as byte code, which is read only with `safe_mode=False`. `copy.deepcopy` and
    `clone_model` keep a lambda; `pickle` cannot.

    Args:
        function: f(inputs, **arguments), which may also take `mask` and `training`.
        output_shape: no effect, since shapes follow from the function; kept for the config.
        mask: mask of the output, or a function (inputs, mask) -> mask; None if there is none.
        arguments: other keyword arguments of the function.

    Examples:
        >>> unidl.layers.Lambda(lambda x: x**2)(np.array([1.0, 3.0]))
        array([1., 9.], dtype=float32)
        >>> layer = unidl.layers.Lambda(unidl.ops.clip, arguments={"x_min": 0, "x_max": 1})
        >>> layer(np.array([-1.0, 0.5, 2.0]))
        array([0. , 0.5, 1. ], dtype=float32)
    """

    _config_omits = frozenset({"function", "output_shape", "mask", "arguments"})

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Callable[..., Any] | None = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f"Lambda: function must be callable, got {function!r}.")
        self.function, self.output_shape, self.mask, self.arguments = (
            function,
            output_shape,
            mask,
            dict(arguments or {}),
        )
        self.supports_masking = self._makes_mask = mask is not None
        try:
            parameters = list(inspect.signature(function).parameters)
        except ValueError:  # some functions written in C have none to show
            parameters = []
        self._passes = tuple(name for name in ("mask", "training") if name in parameters)

    def call(
        self, inputs: TensorLike, mask: TensorLike | None = None, training: bool | None = None
    ) -> Any:
        given = {"mask": mask, "training": training}
        return self.function(
            inputs, **self.arguments, **{name: given[name] for name in self._passes}
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> Config:
        config = super().get_config() | {"function": _function_config(self.function)}
        for name in ("output_shape", "mask"):
            if getattr(self, name) is not None:
                config[name] = _function_config(getattr(self, name))
        return config | {"arguments": serialize_keras_object(self.arguments)}

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: CustomObjects | None = None, safe_mode: Any = None
    ) -> Self:
        """A layer from `get_config`'s dict. `safe_mode=False` reads lambdas, and True refuses them;
        None obeys the call that reads the whole model, and refuses them outside of one."""
        parts = ("function", "output_shape", "mask", "arguments")
        try:
            with lambdas.forbidden() if safe_mode is True else nullcontext():
                read = {
                    name: deserialize_keras_object(config[name], custom_objects, safe_mode)
                    for name in parts
                    if name in config
                }
        except lambdas.LambdaError as error:
            raise error.of(cls.__name__, config) from None
        if isinstance(read.get("output_shape"), list):  # JSON has no tuples
            read["output_shape"] = tuple(read["output_shape"])
        return super().from_config(
            {key: value for key, value in config.items() if key not in parts} | read
        )


def _function_config(function: Any) -> Any:
    """Keras' Lambda layer writes lambdas in its own layout."""
    if not lambdas.is_lambda(function) or lambdas.stays(function):
        return serialize_keras_object(function)
    return {"class_name": "__lambda__", "config": lambdas.dump(function, serialize_keras_object)}


class Wrapper(Layer):
    """Base of layers around another one.

    Args:
        layer: the layer inside, as the attribute `layer`.

    Examples:
        >>> class Twice(unidl.layers.Wrapper):
        ...     def call(self, inputs):
        ...         return self.layer(self.layer(inputs))
        >>> Twice(unidl.layers.Rescaling(3.0))(np.array([1.0, 2.0]))
        array([ 9., 18.], dtype=float32)
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__}: `layer` must be a layer, got "
                f"{getattr(layer, '__name__', repr(layer))}. Write: "
                f"{type(self).__name__}(Dense(3))."
            )
        super().__init__(**kwargs)
        check_nesting(self._who(), 1 + depth_below(layer))
        self.layer = layer

    def build(self, input_shape: Any) -> None:
        self.layer.build_inside(self, input_shape=input_shape)
