"""Sequential: layers in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unidl.layers.base.input_layer import Input, InputLayer
from unidl.layers.base.layer import Layer
from unidl.layers.base.structures import (
    has_shape,
    leaves,
    map_shapes,
    shapes_as_given,
    shapes_of,
)
from unidl.models.model import Functional, Model
from unidl.models.plan import Plan
from unidl.saving.object_registration import deserialize_keras_object, serialize_keras_object
from unidl.tracing import KerasTensor, graph
from unidl.typing import Config, CustomObjects, TensorLike
from unidl.utils.arguments import public_method
from unidl.utils.constructors import made_from
from unidl.utils.nesting import check_nesting, depth_below
from unidl.utils.traceback_filtering import filtered

if TYPE_CHECKING:
    from typing_extensions import Self


class Sequential(Model):
    """A linear stack of layers: each layer gets the output of the previous one.

    Args:
        layers: list of layers; the first may be an `Input` or have an `input_shape=`. If it takes
            several tensors, in a list or a dict, there is no `Input`.
        trainable: whether optimizers update the weights.
        name: of the model; by default derived from the class.

    Without an input shape, the weights are created by the first call or by `build`.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((28, 28, 1)), unidl.layers.Flatten()])
        >>> model.add(unidl.layers.Dense(10, "softmax"))
        >>> model.output_shape, model.count_params()
        ((None, 10), 7850)
        >>> model.pop().units
        10
    """

    keras_module = "keras"

    def __init__(
        self,
        layers: Sequence[Layer | KerasTensor] | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=bool(trainable), name=name, **kwargs)
        self._stack: list[Any] = []
        self._outputs: list[Any] = []  # what each layer that is connected returned
        self._start: Any = (
            None  # symbols in a list or dict that the first layer gets, without Input
        )
        for layer in self._listed(layers, trainable):
            self._append(layer)
        self._connect()

    def _listed(self, layers: Any, second: Any) -> Any:
        """`layers`, given as a list."""
        if not isinstance(second, bool) or isinstance(layers, Layer | KerasTensor | str):
            raise TypeError(
                f"{self._who()}: expected the layers in one list, Sequential([a, b]), got "
                f"{layers!r}{'' if isinstance(second, bool) else f' and {second!r}'}."
            )
        try:
            return list(layers or ())
        except TypeError:
            raise TypeError(
                f"{self._who()}: expected a list of layers, got {layers!r} of type "
                f"{type(layers).__name__}."
            ) from None

    @public_method
    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Append a layer (or the KerasTensor of an `Input`, at the beginning)."""
        if not isinstance(rebuild, bool):
            raise TypeError(
                f"{self._who()}: add() takes one layer, but also got {rebuild!r}. Call add() once "
                "for each layer."
            )
        self._append(layer)
        if rebuild:
            self._connect()

    def _append(self, layer: Any) -> None:
        if (
            isinstance(layer, KerasTensor)
            and layer.history is not None
            and isinstance(layer.history[0].operation, InputLayer)
        ):
            layer = layer.history[0].operation
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise TypeError(
                f"Sequential {self.name!r}: got the class {layer.__name__} instead of a layer. "
                f"Call it: {layer.__name__}(...)."
            )
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential {self.name!r}: add() takes a layer, got {_named(layer)} of type "
                f"{type(layer).__name__}.{' Wrap it: layers.Lambda(f).' if callable(layer) else ''}"
            )
        if any(below is self for below in layer._flatten_layers()):
            raise ValueError(
                f"Sequential {self.name!r}: {layer._who()} cannot be added, since the model would "
                "then contain itself. To use a part twice, add a copy: models.clone_model(part)."
            )
        check_nesting(self._who(), 1 + depth_below(layer))
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"Sequential {self.name!r}: two layers are named {layer.name!r}. Give one of them "
                f"another name: {type(layer).__name__}(..., name='other')."
            )
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(f"Sequential {self.name!r}: an Input can only come first.")
        if (
            not self._stack
            and not isinstance(layer, InputLayer)
            and getattr(layer, "_given_input_shape", None)
        ):
            self._stack.append(InputLayer(batch_shape=layer._given_input_shape))
        self._stack.append(layer)

    @public_method
    def pop(self, rebuild: bool = True) -> Any:
        """Remove and return the last layer."""
        if not self.layers:
            raise ValueError(f"{self._who()}: pop() called on a model without layers.")
        layer = self._stack.pop()
        if len(self._outputs) > len(self._stack):
            layer._inbound.remove(graph.flatten_tensors(self._outputs.pop())[0].history[0])
        if rebuild:
            self._connect()
        return layer

    def _connect(self) -> None:
        """The stack changed: what was compiled for the old one is void; if the input is known, call
        what is not connected yet."""
        self.built = False
        self._plan = None
        self._forget_compiled()
        begins = bool(self._stack) and isinstance(self._stack[0], InputLayer)
        if not begins and self._start is None:
            return
        start = self._stack[0].output if begins else self._start
        for layer in self._stack[len(self._outputs) :]:
            if isinstance(layer, InputLayer):
                self._outputs.append(start)
                continue
            with self._scope(), graph.resumed():
                self._outputs.append(layer(self._outputs[-1] if self._outputs else start))
        if self.layers:
            self._use_graph(Plan(start, self._outputs[-1], self._who()))

    @public_method
    def build(self, input_shape: Any = None) -> None:
        """Create the weights for inputs of `input_shape`, batch axis included; for several inputs a
        list or dict of shapes."""
        if self._plan is None and input_shape is not None and len(self.layers):
            self._begin(map_shapes(lambda shape: Input(batch_shape=tuple(shape)), input_shape))

    def _begin(self, start: Any) -> None:
        """Connect the layers to the symbolic inputs `start`."""
        if isinstance(start, KerasTensor):
            self._stack.insert(0, start.history[0].operation)  # type: ignore[index]
        else:
            self._start = start
        self._connect()

    @filtered
    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if self._plan is None and not self.layers:
            raise ValueError(
                f"Sequential {self.name!r} has no layers. Add some: "
                "model.add(unidl.layers.Dense(10))."
            )
        if self._plan is None:
            self._build_for(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def _build_for(self, inputs: TensorLike) -> None:
        """Connect for the shape and dtype of a first input, all of whose sizes but the last and
        inner ones stay open."""
        self._begin(self._inputs_like(inputs))

    def _inputs_like(self, given: Any) -> Any:
        """An `Input` for each tensor in what the model is called with."""
        if isinstance(given, dict):
            return {name: self._inputs_like(value) for name, value in given.items()}
        if isinstance(given, list | tuple) and any(map(has_shape, leaves(given))):
            return [self._inputs_like(value) for value in given]
        shape = shapes_of(given if hasattr(given, "shape") else self._convert(given))
        shape = shapes_as_given(shape)
        dtype = str(getattr(given, "dtype", "float32")).rsplit(".", 1)[-1]
        dtype = dtype if dtype.startswith(("int", "uint", "bool")) else self.layers[0].compute_dtype
        return Input(batch_shape=(None, *shape[1:]), dtype=dtype)

    @property
    def layers(self) -> list[Layer]:
        """The layers without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    @property
    def _layers(self) -> Any:
        return list(self._stack)

    def get_build_config(self) -> Config | None:
        """The shape of the input, as JSON values; None for a model that is not built."""
        plan = self._plan
        return None if plan is None else {"input_shape": plan.input_tensors[0].shape}

    def get_config(self) -> Config:
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize_keras_object(self.dtype_policy),
        }
        config["layers"] = [serialize_keras_object(layer) for layer in self._stack]
        if self._plan is not None:
            config["build_input_shape"] = graph.map_tensors(lambda t: t.shape, self._plan.inputs)
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Self:
        config = dict(made_from(cls, config))
        shape = config.pop("build_input_shape", None)
        # Layers are built in the row, where their weights get the full names.
        entries = [
            {key: value for key, value in entry.items() if key != "build_config"}
            for entry in config.pop("layers")
        ]
        layers = [deserialize_keras_object(entry, custom_objects) for entry in entries]
        model = cls(
            layers, **{k: v for k, v in config.items() if k in ("name", "trainable", "dtype")}
        )
        if shape is not None and model._plan is None:
            model.build(shape)
        return model


__all__ = ["Functional", "Sequential"]


def _named(thing: Any) -> str:
    """A function by its name, whose repr is its place in memory."""
    return getattr(thing, "__name__", None) or repr(thing)
